package runner_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
)

func (tr *trial) sendSpec() {
	tr.t.Helper()
	must(tr.t, json.NewEncoder(tr.pipe).Encode(tr.spec))
}

// waitReading waits until a process reads its Spec; by then it serves signals.
func waitReading(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
		must(t, err)
		for _, thread := range threads {
			text, err := os.ReadFile(thread)
			if err == nil && strings.HasPrefix(string(text), fmt.Sprintf("%d 0x%x ", unix.SYS_READ, runner.SpecFD)) {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d never waited for its Spec", pid)
		}
	}
}

func TestNoSpecNothingDone(t *testing.T) {
	t.Parallel()
	whole, err := json.Marshal(newTrial(t, sh("true")).spec)
	must(t, err)
	for _, row := range []struct {
		name, sent string
		status     int
	}{
		{"nothing", "", 0},
		{"half a Spec", string(whole[:len(whole)/2]), 0},
		{"another version", strings.Replace(string(whole), `"version":1`, `"version":99`, 1), runner.ExitSpec},
		{"not a Spec", "hello\n", runner.ExitSpec},
		{"a number", "7\n", runner.ExitSpec},
		{"an empty document", "{}\n", runner.ExitSpec},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t)
			tr.launch()
			_, err := tr.pipe.WriteString(row.sent)
			must(t, err)
			must(t, tr.pipe.Close())
			if status := tr.exit(); status != row.status {
				t.Errorf("child ended with %d: %s", status, tr.words.String())
			}
			left, err := os.ReadDir(tr.job.Dir)
			must(t, err)
			for _, entry := range left {
				if entry.Name() != "lock.1" {
					t.Errorf("child left %s", entry.Name())
				}
			}
		})
	}
}

func TestEndOfThePipeAfterTheSpecMeansNothing(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("sleep 0.1"))
	tr.start()
	must(t, tr.pipe.Close())
	if o := tr.wait(); o.Class != fault.Succeeded {
		t.Errorf("outcome is %s %q", o.Class, o.Detail)
	}
}

func TestLockIsHeldToTheEnd(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("echo ready > ready; read x < /dev/null; while [ ! -e go ]; do sleep 0.01; done"))
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	must(t, err)
	must(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
	tr.start(lock) // as a further descriptor it is inherited just like the lock
	path := lock.Name()
	must(t, lock.Close())
	tr.waitFor("ready")
	if free(t, path) {
		t.Error("the lock is free while the child runs")
	}
	must(t, os.WriteFile(filepath.Join(tr.job.Work(1), "run", "go"), nil, 0o644))
	tr.wait()
	if !free(t, path) {
		t.Error("the lock is held after the end of the child")
	}
}

func free(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

func TestDescriptorsArriveOverASocket(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("echo 42 working >&3"))
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	status, statusEnd, err := os.Pipe()
	must(t, err)
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	must(t, err)
	tr.spec.Status = runner.Sink{Kind: "lines"}
	document, err := json.Marshal(tr.spec)
	must(t, err)
	tr.launchOn(theirs)
	rights := unix.UnixRights(int(lock.Fd()), int(statusEnd.Fd()))
	must(t, unix.Sendmsg(int(ours.Fd()), document, rights, nil, 0))
	lock.Close()
	statusEnd.Close()
	if o := tr.wait(); o.Class != fault.Succeeded {
		t.Fatalf("outcome is %s %q", o.Class, o.Detail)
	}
	documents := readStatus(t, status)
	if last := documents[len(documents)-1]; last.Percent == nil || *last.Percent != 42 || last.Message != "working" {
		t.Errorf("last status is %+v", last)
	}
}

func TestEnvironmentIsBuiltFromNothing(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("env"))
	tr.spec.Steps[0].Env = map[string]string{"MODE": "fast", "LANG": "de_DE.UTF-8"}
	tr.spec.Env = []string{"TRACEPARENT=00-1-2-01", "MODE=slow"}
	tr.input("1.bin", "a.bin", "x")
	tr.spec.Outputs = []recipe.Output{{Match: "*", Min: 0}}
	tr.run()
	got := map[string]string{}
	for _, line := range strings.Split(tr.log(), "\n") {
		if _, text, ok := strings.Cut(line, " out "); ok {
			name, value, _ := strings.Cut(text, "=")
			got[name] = value
		}
	}
	if socket := got["NOTIFY_SOCKET"]; !strings.HasPrefix(socket, tr.job.Work(1)) && !strings.HasPrefix(socket, "@convertd-") {
		t.Errorf("NOTIFY_SOCKET is %q", socket)
	}
	delete(got, "NOTIFY_SOCKET")
	work := func(name string) string { return filepath.Join(tr.job.Work(1), name) }
	want := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG": "de_DE.UTF-8", "HOME": work("home"), "TMPDIR": work("tmp"), "PWD": work("run"),
		"CONVERTD_JOB": tr.spec.Job, "CONVERTD_ATTEMPT": "1",
		"CONVERTD_INPUT":  filepath.Join(tr.job.In(), "1.bin"),
		"CONVERTD_OUTPUT": work("out"), "CONVERTD_PREVIEW": work("preview"), "CONVERTD_SUBMIT": work("submit"),
		"CONVERTD_STATE": tr.job.State(), "CONVERTD_PROGRESS_FD": "3",
		"TRACEPARENT": "00-1-2-01", "MODE": "fast",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestBoxOfAStep(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, bad("descriptors"))
	tr.spec.Limits.Disk = 1 << 30
	tr.run()
	var got []string
	for _, line := range strings.Split(tr.log(), "\n") {
		if _, text, ok := strings.Cut(line, " out "); ok {
			if strings.HasPrefix(text, "fd 0 ") && strings.HasSuffix(text, "/dev/null") {
				text = "fd 0 /dev/null" // opened outside of the box: below a chroot it has a longer name
			}
			got = append(got, text)
		}
	}
	id := fmt.Sprint(tr.spec.Box.UID)
	all := strings.Join([]string{id, id, id, id}, " ")
	want := []string{
		"fd 0 /dev/null", "fd 1 pipe", "fd 2 pipe", "fd 3 pipe",
		"Uid: " + all, "Gid: " + all, "Groups:", "CapEff: 0000000000000000", "NoNewPrivs: 1",
	}
	if tr.spec.Box.UID == 0 { // not root: who we are stays
		want = append(want[:4], "NoNewPrivs: 1")
	}
	for _, line := range append(want, "core 0 0", fmt.Sprintf("fsize %d %d", 1<<30, 1<<30)) {
		if !slices.Contains(got, line) {
			t.Errorf("%q is missing in %q", line, got)
		}
	}
	for _, line := range got {
		if strings.HasPrefix(line, "fd ") && !slices.Contains(want, line) {
			t.Errorf("descriptor is open: %s", line)
		}
	}
}

func TestBoxCannotReadAnotherJobsInput(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("without root all boxes are one user; the mount namespace separates them")
		return
	}
	other := newTrial(t, sh("true"))
	other.input("1.txt", "secret.txt", "secret")
	other.run()
	tr := newTrial(t, sh("cat "+filepath.Join(other.job.In(), "1.txt")))
	if o := tr.run(); o.Class != fault.ConverterFailed {
		t.Errorf("outcome is %s: the box read the input of another job\n%s", o.Class, tr.log())
	}
}

// An attempt that is killed cannot leave its cache as the next one needs it: files of its
// own user alone, and more of them than fit.
func TestCacheAfterAKill(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`umask 077; head -c 70000 /dev/zero > $CONVERTD_CACHE/old; touch -d '2 hours ago' $CONVERTD_CACHE/old
		echo found > $CONVERTD_CACHE/kept; echo ready > ready; sleep 5`))
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	tr.spec.Cache = runner.Cache{Dir: dir, Size: 64 << 10}
	tr.start()
	tr.waitFor("ready")
	must(t, tr.cmd.Process.Kill())
	_ = tr.cmd.Wait()
	next := newTrial(t, sh("ls $CONVERTD_CACHE > $CONVERTD_STATE/list; cat $CONVERTD_CACHE/kept > $CONVERTD_STATE/kept"))
	next.spec.Cache = tr.spec.Cache
	if o := next.run(); o.Class != fault.Succeeded {
		t.Fatalf("%s: %s\n%s", o.Class, o.Detail, strings.Join(o.LogTail, "\n"))
	}
	if list, kept := contents(t, filepath.Join(next.job.State(), "list")), contents(t, filepath.Join(next.job.State(), "kept")); list != "kept\n" || kept != "found\n" {
		t.Errorf("the next job found %q, %q", list, kept)
	}
}

func TestStateGoesFromAttemptToAttempt(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("echo half > $CONVERTD_STATE/point"))
	tr.run()
	next := *tr
	next.spec.Attempt = 2
	if next.spec.Box.UID != 0 {
		next.spec.Box = runner.Box{UID: tr.spec.Box.UID + 500, GID: tr.spec.Box.GID + 500}
	}
	next.spec.Steps = []runner.Step{sh("cat $CONVERTD_STATE/point; echo more >> $CONVERTD_STATE/point")}
	next.start()
	if status := next.exit(); status != 0 {
		t.Fatalf("child ended with %d", status)
	}
	if text := contents(t, filepath.Join(tr.job.State(), "point")); text != "half\nmore\n" {
		t.Errorf("state is %q", text)
	}
}
