package dispatcher

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
	"convertd/sql/job"
)

// site is a host that takes what is deployed to it, by a real sshd.
type site struct {
	t testing.TB
	// dir holds the checkout, the key and what arrived.
	dir     string
	address string
	port    int
}

func newSite(t testing.TB) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &site{t: t, dir: openDir(t), address: l.Addr().String(), port: l.Addr().(*net.TCPAddr).Port}
	for _, folder := range []string{"checkout", "etc"} {
		if err := os.Mkdir(filepath.Join(s.dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.key("etc/host")
	s.key("etc/deploy")
	s.write("checkout/index.html", "<h1>deployed</h1>\n", 0o644)
	s.write("checkout/known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", s.port, s.read("etc/host.pub")), 0o644)
	s.write("etc/sshd_config", strings.Join([]string{
		"HostKey " + s.path("etc/host"), "AuthorizedKeysFile " + s.path("etc/deploy.pub"), "PidFile none", "StrictModes no", "UsePAM no",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes", "PermitUserEnvironment no",
		"ForceCommand cat > " + s.path("arrived"),
	}, "\n")+"\n", 0o644)
	go s.serve(l)
	return s
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, text string, mode fs.FileMode) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), mode); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *site) key(name string) {
	s.t.Helper()
	out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", s.path(name)).CombinedOutput()
	if err != nil {
		s.t.Fatalf("ssh-keygen (package openssh-client): %v\n%s", err, out)
	}
}

// serve hands each connection to an sshd of its own.
func (s *site) serve(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		f, err := conn.(*net.TCPConn).File()
		conn.Close()
		if err != nil {
			return
		}
		cmd := exec.Command("/usr/sbin/sshd", "-i", "-e", "-f", s.path("etc/sshd_config"))
		cmd.Stdin, cmd.Stdout = f, f
		cmd.Stderr, err = os.OpenFile(s.path("etc/log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err == nil {
			_ = cmd.Run() // how it ended shows in what arrived
		}
		f.Close()
	}
}

// recipe is a button that deploys, with these lines of [access].
func (s *site) recipe(lines ...string) string {
	who, err := user.Current()
	if err != nil {
		s.t.Fatal(err)
	}
	script := fmt.Sprintf(`cat %[1]s/index.html
ssh -i "$CONVERTD_SECRET_DEPLOY_KEY" -p %[2]d -o UserKnownHostsFile=%[1]s/known_hosts %[3]s@127.0.0.1 put <%[1]s/index.html`,
		s.path("checkout"), s.port, who.Username)
	return fmt.Sprintf(`name = "deploy"
accept = []
command = ["sh", "-euc", '''
%s''']
[access]
%s
`, script, strings.Join(lines, "\n"))
}

func (s *site) load(lines ...string) recipe.Recipe {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "deploy.toml")
	if err := os.WriteFile(file, []byte(s.recipe(lines...)), 0o644); err != nil {
		s.t.Fatal(err)
	}
	r, problems := load.File(file)
	for _, p := range problems {
		s.t.Error(p)
	}
	return r
}

// openSSHFolder makes the folder that sshd wants when root starts it.
func openSSHFolder(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestDeploy runs a script that needs a checkout, a key and a host: with the lines of
// [access] it works; without any one of them it fails, and the row names that line.
func TestDeploy(t *testing.T) {
	t.Parallel()
	openSSHFolder(t)
	for _, row := range []struct {
		name    string
		without string
		extra   string
		advice  string
	}{
		{name: "with its lines"},
		{name: "without the checkout", without: "read", advice: `could not read DIR/checkout/index.html: add read = ["DIR/checkout/index.html"] under [access].`},
		{name: "without the key", without: "secrets", advice: "looked for the secret DEPLOY_KEY: add secrets = { DEPLOY_KEY = "},
		{name: "without the host", without: "hosts", advice: `could not reach ADDRESS, which is the box itself there; if a service of this machine is meant: add hosts = ["ADDRESS"] under [access].`},
		{name: "with another host", without: "hosts", extra: `hosts = ["127.0.0.1:1"]`, advice: `A step was refused the connection to ADDRESS: add hosts = ["ADDRESS"] under [access].`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			lines := []string{row.extra}
			for key, line := range map[string]string{
				"read": fmt.Sprintf("read = [%q]", s.path("checkout")), "hosts": fmt.Sprintf("hosts = [%q]", s.address),
				"secrets": fmt.Sprintf("secrets = { DEPLOY_KEY = %q }", s.path("etc/deploy")),
			} {
				if key != row.without {
					lines = append(lines, line)
				}
			}
			w := newWorld(t, s.load(lines...))
			id := w.submit("deploy", "", func(d *job.Draft) { d.Inputs = nil })
			w.serve(w.opts)
			if row.advice == "" {
				w.await(id, job.Succeeded)
				if arrived := s.read("arrived"); arrived != s.read("checkout/index.html") {
					t.Errorf("arrived: %q", arrived)
				}
			} else {
				w.await(id, job.Failed)
				want := strings.NewReplacer("DIR", s.dir, "ADDRESS", s.address).Replace(row.advice)
				var advice []string
				if err := json.Unmarshal(w.attempt(id).Advice, &advice); err != nil || len(advice) == 0 || !strings.Contains(advice[0], want) {
					t.Errorf("advice %q, %v, want %q\n%s", advice, err, want, awaitFile(t, w.spool.Job(id).Log(1)))
				}
			}
			w.checkClean(id, 1)
			s.checkSecret(w, id)
		})
	}
}

// checkSecret looks for the key in everything that the service wrote down.
func (s *site) checkSecret(w *world, id string) {
	s.t.Helper()
	secret := strings.Split(s.read("etc/deploy"), "\n")[2]
	var rows string
	if err := w.db.Get(&rows, `select string_agg(t::text, ' ') from (select to_json(a)::text from attempt a union all select to_json(l)::text from live_attempt l union all select to_json(j)::text from job j
		union all select to_json(r)::text from result r union all select to_json(d)::text from declaration d) as t`); err != nil || rows == "" {
		s.t.Fatalf("rows: %v", err)
	}
	if strings.Contains(rows, secret) {
		s.t.Errorf("a row holds the key:\n%s", rows)
	}
	err := filepath.WalkDir(w.spool.Job(id).Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			s.t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
