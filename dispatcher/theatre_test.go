package dispatcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"convertd/dispatcher/process"
	"convertd/runner/recipe"
)

// theatre is a folder in which steps and tests see each other: steps write to "diary"
// and wait for "go".
type theatre struct {
	t   testing.TB
	dir string
}

func newTheatre(t testing.TB) theatre {
	t.Helper()
	dir := openDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	// Steps of several attempts, each under a user of its own, write to one diary.
	if err := os.WriteFile(filepath.Join(dir, "diary"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "diary"), 0o666); err != nil {
		t.Fatal(err)
	}
	return theatre{t: t, dir: dir}
}

func (th theatre) path(name string) string { return filepath.Join(th.dir, name) }

// open lets steps read and write the folder.
func (th theatre) open(r *recipe.Recipe) {
	r.Access.Read = append(r.Access.Read, th.dir)
	r.Access.Write = append(r.Access.Write, th.dir)
}

func (th theatre) tell(name string) {
	th.t.Helper()
	if err := os.WriteFile(th.path(name), []byte("go\n"), 0o644); err != nil {
		th.t.Fatal(err)
	}
}

// patient is a script that notes its begin and end and waits in between to be told.
func (th theatre) patient() string {
	return fmt.Sprintf(`echo begin >> %[1]s/diary; while [ ! -e %[1]s/go ]; do sleep 0.02; done; echo end >> %[1]s/diary; cp "$1" "$2.txt"`, th.dir)
}

// gone waits until a process is no more.
func gone(t testing.TB, pid int) {
	t.Helper()
	until(t, fmt.Sprintf("process %d is gone", pid), func() bool {
		_, err := process.NameOf(pid)
		return errors.Is(err, os.ErrNotExist)
	})
}

// pidOf is the number, outside of its box, of the process of a job that wrote its number
// inside to a file.
func pidOf(t testing.TB, jobID, path string) int {
	t.Helper()
	inside := strconv.Itoa(pidIn(t, path))
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range all {
		environ, err := os.ReadFile(filepath.Join(folder, "environ"))
		if err != nil || !strings.Contains(string(environ), "CONVERTD_JOB="+jobID) {
			continue
		}
		status, _ := os.ReadFile(filepath.Join(folder, "status"))
		if _, rest, found := strings.Cut(string(status), "NSpid:"); found {
			numbers := strings.Fields(strings.SplitN(rest, "\n", 2)[0])
			if numbers[len(numbers)-1] == inside {
				pid, _ := strconv.Atoi(numbers[0])
				return pid
			}
		}
	}
	t.Fatalf("no process of the job has the number %s in its box", inside)
	return 0
}

func pidIn(t testing.TB, path string) int {
	t.Helper()
	var pid int
	until(t, path+" holds a pid", func() bool {
		b, _ := os.ReadFile(path)
		if !strings.HasSuffix(string(b), "\n") {
			return false
		}
		var err error
		pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
		return err == nil
	})
	return pid
}
