package doctor

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/mail"
	"convertd/runner/progress/store"
	"convertd/runner/recipe"
	"convertd/runner/sandbox"
	"convertd/sql/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// find returns the findings of one check.
func find(all []Finding, check string) []Finding {
	var found []Finding
	for _, f := range all {
		if f.Check == check {
			found = append(found, f)
		}
	}
	return found
}

func TestWithoutControlGroupsItSaysWeak(t *testing.T) {
	t.Parallel()
	if f := controlGroups(t.Context(), Options{CgroupParent: "/no/such/group"})[0]; f.Level != Warn || !strings.Contains(f.Text, "weak") {
		t.Errorf("%+v", f)
	}
}

func openSpool(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestNothingConfigured(t *testing.T) {
	t.Parallel()
	all := Examine(t.Context(), Options{})
	if Worst(all) != Fail {
		t.Errorf("worst is %s", Worst(all))
	}
	for check, level := range map[string]Level{"database": Fail, "spool": Fail, "memcached": Warn, "mail": Warn, "runner": Fail} {
		found := find(all, check)
		if len(found) != 1 || found[0].Level != level || found[0].Remedy == "" {
			t.Errorf("%s: %+v, want %s with a remedy", check, found, level)
		}
	}
	for _, f := range all {
		if f.Text == "" || !strings.HasSuffix(f.Text, ".") || f.Level != OK && f.Remedy == "" {
			t.Errorf("%+v: neither whole sentences nor a remedy", f)
		}
	}
}

func TestAHealthyMachine(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "m.sock")
	cmd := exec.Command("memcached", "-s", socket, "-a", "0700", "-U", "0", "-u", "root", "-m", "8")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	awaitMemcached(t, socket)
	runner := filepath.Join(t.TempDir(), "convertd-runner")
	if err := os.WriteFile(runner, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	o := Options{
		DatabaseURL: dbtest.URL(t), Memcached: socket, Spool: openSpool(t), Runner: runner, UIDBase: 64000, Slots: 2,
		Recipes: recipe.NewSet([]recipe.Recipe{
			{Name: "able", Steps: []recipe.Step{{Command: []string{"sh"}}}},
			{Name: "lame", Steps: []recipe.Step{{Command: []string{"no-such-program"}}}, Needs: recipe.Needs{Packages: []string{"no-such-package"}}},
		}, []recipe.Problem{{File: "a.toml", Line: 3, Message: "Unknown key.", Remedy: "Remove it."}}),
	}
	all := Examine(t.Context(), o)
	for _, check := range []string{"database", "spool", "memcached", "runner"} {
		if found := find(all, check); len(found) != 1 || found[0].Level != OK {
			t.Errorf("%s: %+v", check, found)
		}
	}
	found := find(all, "recipes")
	if len(found) != 3 || found[0].Level != Fail || found[0].Text != "a.toml:3: Unknown key." ||
		found[1].Level != Warn || !strings.Contains(found[1].Text, "no-such-program") || found[1].Remedy != "apt-get install no-such-package" || found[2].Text != "1 of 2 recipes can run." {
		t.Errorf("recipes: %+v", found)
	}
	if left, err := os.ReadDir(o.Spool); err != nil || len(left) != 0 {
		t.Errorf("the doctor left %v in the spool (%v)", left, err)
	}
}

func awaitMemcached(t *testing.T, socket string) {
	t.Helper()
	s, err := store.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for s.Ping() != nil {
		if ctx.Err() != nil {
			t.Fatal("memcached does not answer")
		}
	}
}

type illness struct {
	name  string
	check func(context.Context, Options) []Finding
	opts  Options
	level Level
	word  string
}

func TestWhatIsIll(t *testing.T) {
	t.Parallel()
	locked := openSpool(t)
	inner := filepath.Join(locked, "spool")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(locked, 0o700); err != nil {
		t.Fatal(err)
	}
	loose := filepath.Join(t.TempDir(), "convertd-runner")
	if err := os.WriteFile(loose, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(loose, 0o777); err != nil {
		t.Fatal(err)
	}
	tests := []illness{
		{"no such database server", database, Options{DatabaseURL: "postgres://x@127.0.0.1:1/x?sslmode=disable"}, Fail, "database"},
		{"unreadable database address", database, Options{DatabaseURL: "postgres://x:%zz@h/x"}, Fail, "address"},
		{"missing spool", spoolFolder, Options{Spool: "/no/such/folder"}, Fail, "no such file"},
		{"memcached away", memcached, Options{Memcached: "127.0.0.1:1"}, Warn, "does not answer"},
		{"memcached of no known name", memcached, Options{Memcached: "cache.invalid:11211"}, Warn, "does not answer"},
		{"mail server away", mailServer, Options{Mail: mail.Config{SMTP: "127.0.0.1:1", From: "a@b.example"}}, Warn, "does not take mail"},
		{"runner missing", runnerBinary, Options{Runner: "/no/such/runner"}, Fail, "no such file"},
		{"runner writable for all", runnerBinary, Options{Runner: loose}, Fail, "can be changed"},
		{"no recipe can run", recipes, Options{Recipes: recipe.NewSet(nil, nil)}, Fail, "No recipe"},
		{"no mail without an administrator", mailServer, Options{}, Warn, "nobody is told"},
	}
	if os.Geteuid() == 0 {
		tests = append(tests, illness{"spool behind a closed folder", spoolFolder, Options{Spool: inner, UIDBase: 64000}, Fail, "cannot get through"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found := tt.check(t.Context(), tt.opts)
			if len(found) == 0 {
				t.Fatal("nothing found")
			}
			if last := found[len(found)-1]; last.Level != tt.level || !strings.Contains(last.Text, tt.word) || last.Remedy == "" {
				t.Errorf("%+v, want %s about %q", found, tt.level, tt.word)
			}
		})
	}
}

func TestHostsNeedTheirProgram(t *testing.T) {
	t.Parallel()
	o := Options{Runner: filepath.Join(t.TempDir(), "convertd-runner"), Recipes: recipe.NewSet([]recipe.Recipe{
		{Name: "a", Steps: []recipe.Step{{Command: []string{"sh"}}}, Access: recipe.Access{Hosts: []string{"render.lan"}}},
	}, nil)}
	if f := find(recipes(t.Context(), o), "access"); len(f) != 1 || f[0].Level != Fail || !strings.Contains(f[0].Text, "convertd-net") {
		t.Errorf("%+v", f)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(o.Runner), "convertd-net"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if f := find(recipes(t.Context(), o), "access"); len(f) != 1 || f[0].Level != OK {
		t.Errorf("%+v", f)
	}
}

func TestAccessIsShown(t *testing.T) {
	t.Parallel()
	with := func(name string, a recipe.Access) recipe.Recipe {
		return recipe.Recipe{Name: name, Steps: []recipe.Step{{Command: []string{"sh"}}}, Access: a}
	}
	all := find(recipes(t.Context(), Options{Recipes: recipe.NewSet([]recipe.Recipe{
		with("a", recipe.Access{}), with("b", recipe.Access{Read: []string{"/srv/luts"}, Hosts: []string{"render.lan"}}),
		with("c", recipe.Access{Network: recipe.HostNetwork}), with("d", recipe.Access{User: "no-such-user"}), with("e", recipe.Access{User: "root"}),
	}, nil)}), "access")
	want := []Finding{
		{Level: OK, Text: "b reads /srv/luts, reaches render.lan."}, {Level: Warn, Text: "c reaches the whole network, without a filter."},
		{Level: Fail, Text: "d runs as the user no-such-user. There is no user no-such-user on this machine, as whom the steps are to run."},
		{Level: Fail, Text: "e runs as the user root. The user root is root, as whom no step ever runs."},
	}
	if len(all) != len(want) {
		t.Fatalf("%+v", all)
	}
	for i, f := range all {
		if f.Level != want[i].Level || f.Text != want[i].Text || f.Level != OK && f.Remedy == "" {
			t.Errorf("%+v, want %+v", f, want[i])
		}
	}
}

func TestVersionsPortsGroupsAndPartsAreJudged(t *testing.T) {
	t.Parallel()
	wants(t, judgeVersion(120022), Fail, "PostgreSQL 12.22 answers, but is too old")
	wants(t, judgeVersion(150018), OK, "PostgreSQL 15.18")
	wants(t, portOf("127.0.0.1:11211"), Warn, "local port")
	wants(t, portOf("[::1]:11211"), Warn, "local port")
	wants(t, portOf("10.0.0.7:11211"), Fail, "over the network")
	wants(t, portOf("cache.example:11211"), Fail, "over the network")
	whole := cgroup.Method{Tree: cgroup.V2, Memory: cgroup.V2, Processes: cgroup.V2, CPU: cgroup.V2}
	none := cgroup.Method{Tree: cgroup.None, Memory: cgroup.None, Processes: cgroup.None, CPU: cgroup.None}
	if all := controlGroups(t.Context(), Options{Groups: &Groups{Method: whole}}); len(all) != 3 || Worst(all) != OK {
		t.Errorf("delegated groups: %+v", all)
	}
	all := controlGroups(t.Context(), Options{Groups: &Groups{Method: none, Why: os.ErrPermission}})
	for i, word := range []string{"No control group can be made (permission denied)", "shares the processors", "counts memory"} {
		wants(t, all[i:], Warn, word)
	}
	wants(t, judgeParts(nil), OK, "The box of steps is whole")
	for _, part := range sandbox.Parts() {
		wants(t, judgeParts(sandbox.Lacks{{Part: part, Why: "not allowed"}}), Warn, "without a part of it: "+string(part)+" (not allowed)")
	}
}

func TestUsersOfStepsAreTheirOwn(t *testing.T) {
	t.Parallel()
	if got := usersBetween(0, 0); got != "root" {
		t.Errorf("the user 0 is %q", got)
	}
	if got := usersBetween(64000, 64001); got != "" {
		t.Errorf("somebody has a user of steps: %q", got)
	}
	if os.Geteuid() == 0 {
		wants(t, boxUsers(Options{UIDBase: 1, Slots: 2}), Warn, "has one of these ids")
		wants(t, boxUsers(Options{}), Warn, "Steps run as root")
		wants(t, boxUsers(Options{UIDBase: 64000, Slots: 2}), OK, "64000 to 64001")
		return
	}
	wants(t, boxUsers(Options{UIDBase: 64000}), Warn, "does not run as root")
}

// post takes every mail.
type post struct{}

func (post) NewSession(*smtp.Conn) (smtp.Session, error) { return post{}, nil }
func (post) Mail(string, *smtp.MailOptions) error        { return nil }
func (post) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (post) Data(r io.Reader) error                      { _, err := io.Copy(io.Discard, r); return err }
func (post) Reset()                                      {}
func (post) Logout() error                               { return nil }

func TestAMailServerThatAnswersIsWell(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(post{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	well := mail.Config{SMTP: listener.Addr().String(), From: "a@b.example", Admin: "root@b.example", BaseURL: "https://convert.example"}
	nobody, here := well, well
	nobody.Admin, here.BaseURL = "", "http://127.0.0.1:8080"
	wants(t, mailServer(t.Context(), Options{Mail: well}), OK, "failures go to root@b.example")
	wants(t, mailServer(t.Context(), Options{Mail: nobody}), Warn, "no administrator is named")
	wants(t, mailServer(t.Context(), Options{Mail: here}), Warn, "works on this machine only")
}
