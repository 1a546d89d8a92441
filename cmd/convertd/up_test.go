package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// noted returns the process that `up` noted for a service.
func (u *upInstance) noted(name string) processNote {
	u.t.Helper()
	raw, err := os.ReadFile(filepath.Join(u.Data, "run", name+".json"))
	if err != nil {
		u.t.Fatal(err)
	}
	var n processNote
	if err := json.Unmarshal(raw, &n); err != nil {
		u.t.Fatal(err)
	}
	if !n.alive() {
		u.t.Fatalf("%s is noted as process %d, which does not live", name, n.PID)
	}
	return n
}

// usersOf lists processes whose command line names the folder.
func usersOf(t testing.TB, data string) []string {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range entries {
		raw, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(raw), data) {
			found = append(found, path+": "+strings.ReplaceAll(string(raw), "\x00", " "))
		}
	}
	return found
}

func TestUpStopsWithoutATrace(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	u := startUp(t, data)
	if status, body := u.get("/healthz"); status != http.StatusOK {
		t.Fatalf("healthz: %d %s", status, body)
	}
	if status, body := u.get("/readyz"); status != http.StatusOK {
		t.Fatalf("readyz: %d %s", status, body)
	}
	services := []processNote{u.noted("web"), u.noted("dispatcher"), u.noted("memcached")}
	u.stop()
	for _, n := range services {
		if n.alive() {
			t.Errorf("process %d lives on", n.PID)
		}
	}
	if left := usersOf(t, data); len(left) > 0 {
		t.Errorf("left running: %v", left)
	}
	err := filepath.WalkDir(filepath.Join(data, "run"), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			t.Errorf("%s is left behind", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	startUp(t, data)
}

func TestUpRefusesASecondOnTheSameFolder(t *testing.T) {
	t.Parallel()
	u := startUp(t, dataFolder(t))
	second := exec.Command(filepath.Join(binDir, "convertd"), "up", "--data", u.Data, "--listen", "127.0.0.1:0")
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "already runs on "+u.Data) {
		t.Errorf("second up: %v\n%s", err, out)
	}
	if status, _ := u.get("/healthz"); status != http.StatusOK {
		t.Errorf("the first answers %d after that", status)
	}
}

func TestUpTakesOverAfterItWasKilled(t *testing.T) {
	t.Parallel()
	data := dataFolder(t)
	first := startUp(t, data)
	old := []processNote{first.noted("web"), first.noted("dispatcher"), first.noted("memcached")}
	first.kill()
	for _, n := range old {
		if !n.alive() {
			t.Errorf("process %d died with up; this test wants leftovers", n.PID)
		}
	}
	second := startUp(t, data)
	for _, n := range old {
		if n.alive() {
			t.Errorf("process %d of the killed up still lives", n.PID)
		}
	}
	if status, _ := second.get("/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
}

func TestUpStartsADeadServiceAgain(t *testing.T) {
	t.Parallel()
	u := startUp(t, dataFolder(t))
	for _, name := range []string{"web", "memcached", "dispatcher"} {
		old := u.noted(name)
		if err := syscall.Kill(old.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, name+" runs again", func() bool {
			raw, err := os.ReadFile(filepath.Join(u.Data, "run", name+".json"))
			var n processNote
			return err == nil && json.Unmarshal(raw, &n) == nil && n.PID != old.PID && n.alive()
		})
	}
	await(t, "the web process answers at the same address", func() bool {
		res, err := http.Get(u.URL + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

func TestUpSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	closed := filepath.Join(dataFolder(t), "file")
	if err := os.WriteFile(closed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args    []string
		environ []string
		want    string
	}{
		"no memcached":          {nil, []string{"PATH=/nonexistent"}, "apt-get install memcached"},
		"address taken":         {[]string{"--listen", taken.Addr().String()}, nil, "--listen picks another address"},
		"reachable by everyone": {[]string{"--listen", "0.0.0.0:0"}, nil, "[web] open = true"},
		"data is a file":        {[]string{"--data", closed}, nil, closed},
		"database away":         {nil, []string{"CONVERTD_DATABASE_URL=postgres://nobody@127.0.0.1:1/none?sslmode=disable"}, "127.0.0.1:1"},
		"wrong setting":         {nil, []string{"CONVERTD_DISPATCHER_SLOTS=0"}, "[dispatcher] slots"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"up", "--data", dataFolder(t), "--listen", "127.0.0.1:0"}, c.args...)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, filepath.Join(binDir, "convertd"), args...)
			cmd.Env = append(os.Environ(), c.environ...)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v\n%s\nwant a message with %q", err, out, c.want)
			}
		})
	}
}

// kill ends a process by the name of its folder in /proc; it may be gone already.
func kill(t testing.TB, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}
