package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binDir holds the programs under test, built once.
var binDir string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "convertd-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-o", dir, "../convertd", "../convertd-runner", "../convertd-net")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	// Steps run under users of their own and must reach the child program.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binDir = dir
	return m.Run()
}

// service under test: a whole `convertd up`.
type upInstance struct {
	t      testing.TB
	cmd    *exec.Cmd
	URL    string
	Data   string
	stderr *os.File
	ended  chan error
}

// said returns what the service has logged so far.
func (u *upInstance) said() string {
	raw, err := os.ReadFile(u.stderr.Name())
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// startUp starts `convertd up` on a folder and waits until it is ready. environ adds
// settings, NAME=VALUE.
func startUp(t testing.TB, data string, environ ...string) *upInstance {
	t.Helper()
	u := &upInstance{t: t, Data: data, ended: make(chan error, 1)}
	u.cmd = exec.Command(filepath.Join(binDir, "convertd"), "up", "--data", data, "--listen", "127.0.0.1:0")
	u.cmd.Env = append(os.Environ(), environ...)
	// A file, not a pipe: what a killed one leaves behind would hold a pipe open.
	log, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	u.stderr, u.cmd.Stderr = log, log
	stdout, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.stop)
	line, err := readLine(stdout)
	if err != nil {
		_ = u.cmd.Process.Kill()
		log, _ := os.ReadFile(filepath.Join(data, "postgresql", "log"))
		t.Fatalf("convertd up did not get ready: %v\n%s\nPostgreSQL's log:\n%s", err, u.said(), log)
	}
	go func() { u.ended <- u.cmd.Wait() }()
	address, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		t.Fatalf("first line = %q, want listening on http://HOST:PORT", line)
	}
	u.URL = address
	return u
}

func readLine(r io.Reader) (string, error) {
	type result struct {
		line string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		line, err := bufio.NewReader(r).ReadString('\n')
		got <- result{strings.TrimSpace(line), err}
	}()
	select {
	case r := <-got:
		return r.line, r.err
	case <-time.After(time.Minute):
		return "", errors.New("no line within a minute")
	}
}

// stop ends it as Ctrl-C does.
func (u *upInstance) stop() {
	if u.cmd.Process.Signal(syscall.SIGINT) != nil {
		return
	}
	select {
	case err := <-u.ended:
		if err != nil {
			u.t.Errorf("convertd up ended with %v\n%s", err, u.said())
		}
	case <-time.After(90 * time.Second):
		_ = u.cmd.Process.Kill()
		u.t.Errorf("convertd up did not stop\n%s", u.said())
	}
	u.ended <- nil
}

// kill ends `up` itself the hard way; its children are left behind.
func (u *upInstance) kill() {
	u.t.Helper()
	if err := u.cmd.Process.Kill(); err != nil {
		u.t.Fatal(err)
	}
	<-u.ended
	u.ended <- nil
}

// dataFolder is a folder that the users PostgreSQL and the steps run as may pass.
func dataFolder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "convertd-data-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// await asks until ok says yes.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// get returns status and body.
func (u *upInstance) get(path string) (int, string) {
	u.t.Helper()
	res, err := http.Get(u.URL + path)
	if err != nil {
		u.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}
