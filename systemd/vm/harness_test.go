//go:build vm

// Package vm tests the installed service on a machine of its own, with a real systemd and
// PostgreSQL: `make test-vm` boots one (.ci/vm) and runs this inside as root. It takes the
// machine over; never run it anywhere else.
package vm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"convertd/webui/client"
)

// playerPath is this program where a box finds it, to play the converter of a recipe.
const playerPath = "/usr/local/lib/convertd-vm/player"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "play" {
		os.Exit(play(os.Args[2], os.Args[3:]))
	}
	if os.Getpid() == 1 || !onTestMachine() {
		fmt.Fprintln(os.Stderr, "this takes over the machine it runs on: make test-vm gives it one")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func onTestMachine() bool {
	host, err := os.Hostname()
	return err == nil && host == "guest" && os.Geteuid() == 0
}

// patience bounds every wait; the machine is slow, and may be much slower.
const patience = 5 * time.Minute

const (
	address = "http://127.0.0.1:8080"
	admin   = "the-administrator-of-the-test-machine"
	spool   = "/var/spool/convertd"
)

// machine is this machine with the service on it.
type machine struct {
	*testing.T
	api  *client.Client
	post *postOffice
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	api, err := client.New(address, admin)
	if err != nil {
		t.Fatal(err)
	}
	return &machine{T: t, api: api, post: openPostOffice(t)}
}

// step runs a line of shell that must succeed and tells how long it took.
func (m *machine) step(line string) {
	m.Helper()
	begin := time.Now()
	out := m.sh("%s", line)
	m.Logf("%s: %.0f s\n%s", line, time.Since(begin).Seconds(), out)
}

// run makes a test of its own of one thing that must hold; what follows is tried even if
// it fails.
func (m *machine) run(name string, test func(*machine)) {
	m.T.Run(name, func(t *testing.T) {
		begin := time.Now()
		defer func() {
			if t.Failed() {
				t.Log(try("journalctl -q --no-pager -n 60 -u 'convertd*'; systemctl --no-pager -l status 'convertd*'"))
			}
			result := "ok"
			if t.Failed() {
				result = "FAILED"
			}
			fmt.Printf("part: %-6s %4.0f s  %s\n", result, time.Since(begin).Seconds(), strings.ReplaceAll(name, "_", " "))
		}()
		test(&machine{T: t, api: m.api, post: m.post})
	})
}

// try runs a line of shell and returns what it printed.
func try(line string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sh", "-c", line).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// sh runs a line of shell that must succeed.
func (m *machine) sh(format string, args ...any) string {
	m.Helper()
	line := fmt.Sprintf(format, args...)
	out, err := try(line)
	if err != nil {
		m.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

// refused runs a line of shell that must fail, with these words.
func (m *machine) refused(words, format string, args ...any) {
	m.Helper()
	line := fmt.Sprintf(format, args...)
	out, err := try(line)
	if err == nil || !strings.Contains(out, words) {
		m.Errorf("%s: %v, want a refusal with %q\n%s", line, err, words, out)
	}
}

// await waits until something holds.
func (m *machine) await(what string, holds func() bool) {
	m.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			m.Fatalf("waited in vain: %s", what)
		}
	}
}

// property asks systemd about a unit.
func (m *machine) property(unit, name string) string {
	m.Helper()
	return m.sh("systemctl show -P %s %s", name, unit)
}

// active waits until a unit is.
func (m *machine) active(units ...string) {
	m.Helper()
	for _, unit := range units {
		m.await(unit+" is active", func() bool { return m.property(unit, "ActiveState") == "active" })
	}
}

// submit makes a job; content "" is a job without a file.
func (m *machine) submit(recipe, content string, params map[string]string) client.Job {
	m.Helper()
	job, err := m.trySubmit(recipe, content, params)
	if err != nil {
		m.Fatalf("submit %s: %v", recipe, err)
	}
	return job
}

func (m *machine) trySubmit(recipe, content string, params map[string]string) (client.Job, error) {
	s := client.Submission{Recipe: recipe, Params: map[string][]string{}}
	for name, value := range params {
		s.Params[name] = []string{value}
	}
	if content != "" {
		s.Files = []client.SubmissionFile{{Name: "in.txt", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(content)), nil
		}}}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return m.api.Submit(ctx, s)
}

// job asks for a job; the service may be restarting.
func (m *machine) job(id string) client.Job {
	m.Helper()
	var job client.Job
	m.await("an answer about the job", func() bool {
		var err error
		job, err = m.api.Job(context.Background(), id)
		return err == nil
	})
	return job
}

// ended waits for the end of a job.
func (m *machine) ended(id, state string) client.Job {
	m.Helper()
	var job client.Job
	m.await("the end of job "+id, func() bool { job = m.job(id); return job.Done })
	if job.State != state {
		m.Errorf("job %s (%s) is %s, want %s: %+v", id, job.Recipe, job.State, state, job.Error)
	}
	return job
}

// running waits until the converter of a job works, and returns its process.
func (m *machine) running(id string) (pid string) {
	m.Helper()
	m.await("job "+id+" runs", func() bool {
		pid, _ = try("pgrep -f '^" + playerPath + " play .*" + id + "'")
		return pid != "" && !strings.Contains(pid, "\n")
	})
	return pid
}

// output fetches the first output of a job.
func (m *machine) output(job client.Job) string {
	m.Helper()
	if len(job.Outputs) == 0 {
		m.Fatalf("job %s has no output: %+v", job.ID, job.Error)
	}
	body, err := m.api.Open(context.Background(), job.Outputs[0].URL)
	if err != nil {
		m.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		m.Fatal(err)
	}
	return string(text)
}

// folder is where the files of a job lie.
func folder(id string) string { return filepath.Join(spool, id[:2], id) }

// write writes a file of the machine.
func (m *machine) write(path, text string) {
	m.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.Fatal(err)
	}
}

// psql asks the database as the superuser.
func (m *machine) psql(statement string) string {
	m.Helper()
	return m.sh("cd / && setpriv --reuid postgres --regid postgres --init-groups psql -XAtqc %q convertd", statement)
}

// install puts the package and what the tests need onto the machine.
func (m *machine) install() {
	m.Helper()
	m.step("dpkg -i --force-confold convertd_1_amd64.deb")
	m.configure()
}

// configure gives the installed service the settings and recipes of the tests.
func (m *machine) configure() {
	m.Helper()
	m.sh("install -D -m 755 vm.test %s", playerPath)
	m.write("/etc/convertd/convertd.toml", settings)
	for name, text := range recipes() {
		m.write("/etc/convertd/recipes/"+name+".toml", "name = \""+name+"\"\n"+text)
	}
	m.sh("systemctl restart convertd-dispatcher convertd-web")
}

// settings are those of the package and what the tests need.
const settings = `
[web]
admin_token = "` + admin + `"
[database]
url = "postgres:///convertd?host=/run/postgresql"
[memcached]
address = "/run/convertd-memcached/socket"
[spool]
dir = "` + spool + `"
[dispatcher]
slots = 3
[mail]
smtp = "127.0.0.1:2525"
from = "convertd@localhost"
admin = "root@localhost"
`

// postOffice takes the mails of the service.
type postOffice struct {
	mu    sync.Mutex
	mails []string
}

func openPostOffice(t *testing.T) *postOffice {
	t.Helper()
	p := &postOffice{}
	listener, err := net.Listen("tcp", "127.0.0.1:2525")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(p)
	server.Domain = "localhost"
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	return p
}

// NewSession implements smtp.Backend.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return letter{p}, nil }

// has reports whether a mail with these words has come.
func (p *postOffice) has(words string) bool { return p.count(words) > 0 }

// count is how many mails with these words have come.
func (p *postOffice) count(words string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, mail := range p.mails {
		if strings.Contains(mail, words) {
			n++
		}
	}
	return n
}

type letter struct{ office *postOffice }

func (letter) Mail(string, *smtp.MailOptions) error { return nil }
func (letter) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (letter) Reset()                               {}
func (letter) Logout() error                        { return nil }

func (l letter) Data(r io.Reader) error {
	var text bytes.Buffer
	if _, err := text.ReadFrom(r); err != nil {
		return err
	}
	l.office.mu.Lock()
	defer l.office.mu.Unlock()
	l.office.mails = append(l.office.mails, text.String())
	return nil
}
