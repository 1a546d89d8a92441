package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"convertd/webui/client"
)

// tracksCSV is a small shot of our own making, with its frame size.
const tracksCSV = `# width 1920
# height 1080
tracker,frame,x,y,residual
corner,0,100.5,200.25,0
corner,1,101.5,201.25,0.1
sign,0,900,500,0
`

// command runs the program as a person would and returns what it printed and its exit
// status.
type ran struct {
	stdout, stderr string
	code           int
}

func convertd(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binDir, "convertd"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// inbox is an SMTP server that keeps what it is sent.
type inbox struct {
	mu    sync.Mutex
	mails []string
}

// Session of one connection.
type inboxSession struct{ *inbox }

// NewSession takes every client.
func (i *inbox) NewSession(*smtp.Conn) (smtp.Session, error) { return inboxSession{i}, nil }

// Mail takes every sender, Rcpt every recipient.
func (inboxSession) Mail(string, *smtp.MailOptions) error { return nil }
func (inboxSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (inboxSession) Reset()                               {}
func (inboxSession) Logout() error                        { return nil }

// Data keeps the mail.
func (s inboxSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // cut off in the middle: no server delivers half a mail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, string(raw))
	return nil
}

func (i *inbox) all() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.mails...)
}

// startInbox runs the server until the test is over and returns its address.
func startInbox(t *testing.T) (*inbox, string) {
	t.Helper()
	box := &inbox{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(box)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return box, l.Addr().String()
}

// serviceBundle is a running service and where its mails arrive.
type serviceBundle struct {
	*upInstance
	inbox *inbox
	api   *client.Client
}

func TestService(t *testing.T) {
	t.Parallel()
	box, address := startInbox(t)
	u := startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipesFolder(t),
		"CONVERTD_MAIL_SMTP="+address, "CONVERTD_MAIL_FROM=convertd@example.org", "CONVERTD_MAIL_ADMIN=admin@example.org")
	api, err := client.New(u.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	s := serviceBundle{u, box, api}
	t.Run("one call converts", s.oneCallConverts)
	t.Run("the command line sees a job to its end", s.commandLine)
	t.Run("a failure is told and mailed with the file", s.mailsAFailure)
	t.Run("memcached killed in the middle costs the bar only", s.losesMemcached)
	t.Run("nothing stays of a refused submission", s.refuses)
}

func (s serviceBundle) oneCallConverts(t *testing.T) {
	file := testFile(t, "shot.csv", []byte(tracksCSV))
	out, err := exec.Command("curl", "-sSLf", "-F", "to=nuke", "-F", "file=@"+file, s.URL+"/api/v1/jobs?redirect=output").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Tracker3 {") || !strings.Contains(string(out), "name corner") {
		t.Errorf("curl: %v\n%s", err, out)
	}
}

func (s serviceBundle) commandLine(t *testing.T) {
	file, results := testFile(t, "shot.csv", []byte(tracksCSV)), t.TempDir()
	sent := convertd(t, "", "submit", file, "--recipe", "tracks", "--param", "to=3de4", "--param", "to=shake", "-o", results, "--server", s.URL)
	if sent.code != 0 || !strings.Contains(sent.stdout, "succeeded  shot.csv") {
		t.Fatalf("submit: %+v", sent)
	}
	for _, name := range []string{"shot_3de_v4.txt", "shot_shake_trackers.txt"} {
		if raw, err := os.ReadFile(filepath.Join(results, name)); err != nil || !strings.Contains(string(raw), "corner") {
			t.Errorf("%s: %v\n%s", name, err, raw)
		}
	}
	again := convertd(t, "", "submit", file, "--to", "3de4", "-o", results, "--server", s.URL)
	if again.code == 0 || !strings.Contains(again.stderr, "--force overwrites") {
		t.Errorf("results were overwritten: %+v", again)
	}
	id, _, _ := strings.Cut(sent.stdout, " ")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"show", id}, "shot_3de_v4.txt"},
		{[]string{"jobs", "--recipe", "tracks"}, id},
		{[]string{"jobs", "-q", "shot.csv", "--json"}, `"id": "` + id + `"`},
		{[]string{"retry", id}, "again for " + id},
		{[]string{"delete", id}, "deleted"},
	} {
		if got := convertd(t, "", append(c.args, "--server", s.URL)...); got.code != 0 || !strings.Contains(got.stdout, c.want) {
			t.Errorf("%v: %+v, want %q", c.args, got, c.want)
		}
	}
	if got := convertd(t, "", "show", id, "--server", s.URL); got.code != 1 || !strings.Contains(got.stderr, "not_found") {
		t.Errorf("show after delete: %+v", got)
	}
	s.cancelByCommand(t)
}

func (s serviceBundle) cancelByCommand(t *testing.T) {
	file := testFile(t, "long.slow", []byte("data"))
	sent := convertd(t, "", "submit", file, "--to", "copy", "--param", "lines=100", "--server", s.URL)
	id, _, _ := strings.Cut(sent.stdout, " ")
	await(t, "the job runs", func() bool {
		j, err := s.api.Job(t.Context(), id)
		return err == nil && j.State == "running" && j.Percent != nil
	})
	if got := convertd(t, "", "cancel", id, "--server", s.URL); got.code != 0 {
		t.Fatalf("cancel: %+v", got)
	}
	if got := convertd(t, "", "log", "-f", id, "--server", s.URL); got.code != 0 {
		t.Errorf("log -f of a cancelled job: %+v", got)
	}
	await(t, "the job is cancelled", func() bool {
		j, err := s.api.Job(t.Context(), id)
		return err == nil && j.State == "cancelled"
	})
}

func (s serviceBundle) mailsAFailure(t *testing.T) {
	file := testFile(t, "broken.strict", []byte("these bytes come back in the mail"))
	sent := convertd(t, "", "submit", file, "--to", "read", "--wait", "--server", s.URL)
	if sent.code != 1 || !strings.Contains(sent.stderr, "its first bytes are wrong") {
		t.Fatalf("submit --wait: %+v", sent)
	}
	await(t, "the administrator has a mail", func() bool { return len(s.inbox.all()) > 0 })
	mail := s.inbox.all()[0]
	for _, want := range []string{"[convertd] strict failed (bad_input)", "admin@example.org", "convertd replay", "Content-Disposition: attachment"} {
		if !strings.Contains(mail, want) {
			t.Errorf("the mail has no %q:\n%s", want, mail)
		}
	}
}

func (s serviceBundle) losesMemcached(t *testing.T) {
	file := testFile(t, "bar.slow", []byte("data"))
	sent := convertd(t, "", "submit", file, "--to", "copy", "--param", "lines=60", "--server", s.URL)
	id, _, _ := strings.Cut(sent.stdout, " ")
	bar := func() bool {
		status, err := s.api.Status(t.Context(), id)
		return err == nil && status.State == "running" && status.Percent != nil
	}
	await(t, "the bar is there", bar)
	if err := syscall.Kill(s.noted("memcached").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	before, err := s.api.Status(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the bar goes on", func() bool {
		status, err := s.api.Status(t.Context(), id)
		return err == nil && status.State == "running" && status.Percent != nil && status.Seq > before.Seq
	})
	await(t, "the job succeeds", func() bool {
		j, err := s.api.Job(t.Context(), id)
		return err == nil && j.State == "succeeded" && j.Attempt == 1
	})
}

func (s serviceBundle) refuses(t *testing.T) {
	before := s.jobFolders(t)
	file := testFile(t, "shot.csv", []byte(tracksCSV))
	empty := testFile(t, "empty.csv", nil)
	for name, c := range map[string]struct {
		form []string
		code string
	}{
		"unknown recipe":  {[]string{"recipe=nothing", "file=@" + file}, "invalid"},
		"unknown target":  {[]string{"to=nothing", "file=@" + file}, "invalid"},
		"wrong kind":      {[]string{"to=mp4", "file=@" + file}, "unsupported_media"},
		"empty file":      {[]string{"to=nuke", "file=@" + empty}, "empty_file"},
		"no file":         {[]string{"to=nuke"}, "invalid"},
		"wrong parameter": {[]string{"to=nuke", "param.width=many", "file=@" + file}, "invalid"},
		"not built yet":   {[]string{"to=nuke", "colour=blue", "file=@" + file}, "unsupported"},
		"too many files":  {[]string{"recipe=strict", "file=@" + file, "file=@" + file}, "too_many_files"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"-sS"}
			for _, part := range c.form {
				args = append(args, "-F", part)
			}
			out, err := exec.Command("curl", append(args, s.URL+"/api/v1/jobs")...).Output()
			var p client.Problem
			if err != nil || json.Unmarshal(out, &p) != nil || string(p.Code) != c.code || p.Detail == "" {
				t.Errorf("%v\n%s\nwant a problem document with code %s", err, out, c.code)
			}
		})
	}
	if after := s.jobFolders(t); after != before {
		t.Errorf("%d job folders before, %d after refusals", before, after)
	}
}

func (s serviceBundle) jobFolders(t *testing.T) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(s.Data, "spool", "??", "*", "in", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// Everything is killed at once, PostgreSQL included, while a job runs: the next start
// finds all jobs again and the job ends.
func TestEverythingKilledIsTakenOver(t *testing.T) {
	t.Parallel()
	data, recipes := dataFolder(t), recipesFolder(t)
	first := startUp(t, data, "CONVERTD_RECIPES_DIR="+recipes)
	done := convertd(t, tracksCSV, "submit", testFile(t, "done.csv", []byte(tracksCSV)), "--to", "nuke", "--wait", "--server", first.URL)
	running := convertd(t, "", "submit", testFile(t, "run.slow", []byte("data")), "--to", "copy", "--param", "lines=20", "--server", first.URL)
	doneID, _, _ := strings.Cut(done.stdout, " ")
	runningID, _, _ := strings.Cut(running.stdout, " ")
	api, err := client.New(first.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the job runs", func() bool {
		j, err := api.Job(t.Context(), runningID)
		return err == nil && j.State == "running"
	})
	first.killEverything()

	second := startUp(t, data, "CONVERTD_RECIPES_DIR="+recipes)
	if api, err = client.New(second.URL, ""); err != nil {
		t.Fatal(err)
	}
	j, err := api.Job(t.Context(), doneID)
	if err != nil || j.State != "succeeded" || len(j.Outputs) != 1 {
		t.Fatalf("the finished job: %+v, %v", j, err)
	}
	if status, body := second.get(j.Outputs[0].URL); status != http.StatusOK || !strings.Contains(body, "Tracker3") {
		t.Errorf("its result: %d %s", status, body)
	}
	await(t, "the interrupted job succeeds", func() bool {
		j, err = api.Job(t.Context(), runningID)
		return err == nil && j.State == "succeeded"
	})
	if j.Attempt < 1 || j.Attempt > 2 {
		t.Errorf("it took %d attempts", j.Attempt)
	}
}

// killEverything kills up, then what could still record an end, then whatever else
// belongs to the data folder.
func (u *upInstance) killEverything() {
	u.t.Helper()
	u.kill()
	await(u.t, "every process is gone", func() bool {
		notes := []string{filepath.Join(u.Data, "run", "dispatcher.json"), filepath.Join(u.Data, "run", "web.json")}
		children, err := filepath.Glob(filepath.Join(u.Data, "spool", "??", "*", "child.*.json"))
		if err != nil {
			u.t.Fatal(err)
		}
		left := 0
		for _, path := range append(notes, children...) {
			raw, err := os.ReadFile(path)
			var n processNote
			if err == nil && json.Unmarshal(raw, &n) == nil && syscall.Kill(n.PID, 0) == nil && startTime(n.PID) != "" {
				kill(u.t, strconv.Itoa(n.PID))
				left++
			}
		}
		for _, line := range usersOf(u.t, u.Data) {
			pid, _, _ := strings.Cut(strings.TrimPrefix(line, "/proc/"), "/")
			kill(u.t, pid)
			left++
		}
		return left == 0
	})
}
