package dispatcher

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/dispatcher/mail"
	"convertd/runner/failpoint"
	"convertd/runner/fault"
	"convertd/sql/job"
)

// buildWithFailpoints builds this test binary such that it can be killed at its places.
func buildWithFailpoints(t *testing.T) string {
	t.Helper()
	path := filepath.Join(openDir(t), "dispatcher.test")
	cmd := exec.Command("go", "test", "-c", "-tags", "failpoints", "-o", path, "convertd/dispatcher")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with failpoints: %v\n%s", err, out)
	}
	return path
}

// faultKilledAtEveryPlace kills a dispatcher at each place in the life of an
// attempt. Whatever the place: the job ends once, no two attempts overlap, one mail
// names it, and nothing is left.
func faultKilledAtEveryPlace(t *testing.T) {
	t.Parallel()
	binary := buildWithFailpoints(t)
	for _, place := range failpoint.OfAttempt() {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			killedAt(t, binary, place)
		})
	}
}

func killedAt(t *testing.T, binary, place string) {
	th := newTheatre(t)
	script := fmt.Sprintf(`echo begin $CONVERTD_ATTEMPT >> %[1]s/diary; sleep 0.1; echo end $CONVERTD_ATTEMPT >> %[1]s/diary; echo wrong >&2; exit 3`, th.dir)
	w := newWorld(t, shell("bad", script, th.open))
	box := &mailbox{}
	w.opts.Mail = mail.Config{SMTP: box.listen(t, "127.0.0.1:0"), From: "convertd@studio.example", Admin: "admin@studio.example", PerHour: 20, AttachLimit: 1 << 20}
	id := w.submit("bad", "x")
	first := w.spawnProgram(binary, StopSafely, failpoint.Variable+"="+place+"=kill")
	first.awaitDeath()
	w.serve(w.opts)
	j := w.await(id, job.Failed)
	if j.Result.Class != fault.ConverterFailed || j.Attempt > 2 || j.Failures != 1 {
		t.Errorf("attempt %d, failures %d, result %+v", j.Attempt, j.Failures, j.Result)
	}
	checkDiary(t, awaitFile(t, th.path("diary")))
	until(t, "the mail arrives", func() bool {
		if _, err := w.db.Exec(`update outbox set due_at = now() where sent_at is null`); err != nil {
			t.Fatal(err)
		}
		return len(box.all()) > 0
	})
	for _, m := range box.all() {
		if !strings.Contains(m, "<"+id+".failure@studio.example>") {
			t.Errorf("a mail under another id:\n%s", m)
		}
	}
	for n := 1; n <= j.Attempt; n++ {
		w.checkClean(id, n)
	}
	until(t, "no control group is left", func() bool { return len(groupsOf(t, w)) == 0 })
}

// checkDiary fails if an attempt ran twice, or began before the one before it ended.
func checkDiary(t *testing.T, diary string) {
	t.Helper()
	seen := map[string]bool{}
	open := ""
	for _, line := range strings.Fields(strings.ReplaceAll(diary, " ", "")) {
		if seen[line] {
			t.Errorf("%s twice:\n%s", line, diary)
		}
		seen[line] = true
		if n, ok := strings.CutPrefix(line, "begin"); ok {
			if open != "" {
				t.Errorf("attempt %s began while %s ran:\n%s", n, open, diary)
			}
			open = n
		} else {
			open = ""
		}
	}
	if open != "" {
		t.Errorf("attempt %s never ended:\n%s", open, diary)
	}
}

// groupsOf lists the control groups of this world's attempts.
func groupsOf(t *testing.T, w *world) []string {
	t.Helper()
	name, err := spoolName(w.spool)
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob("/sys/fs/cgroup/*/convertd-" + name + "/*.*")
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			groups = append(groups, path)
		}
	}
	return groups
}

// awaitDeath waits until the process has been killed.
func (p *dispatcherProcess) awaitDeath() {
	p.t.Helper()
	p.ended = true
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.t.Fatal("the dispatcher was not killed at its place")
	}
}

// faultPoison is the poison job: every attempt takes the runner
// with it, and the queue behind it goes on.
func faultPoison(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	// The step waits to be found by the test, which kills its runner.
	w := newWorld(t, shell("poison", th.patient(), th.open), shell("copy", `cp "$1" "$2.txt"`))
	w.opts.Lanes = Lanes{Slots: 1}
	id := w.submit("poison", "x")
	behind := w.submit("copy", "x")
	w.serve(w.opts)
	killed := 0
	until(t, "the poison job has failed", func() bool {
		j, err := w.jobs.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := w.jobs.Running(t.Context()); err == nil && j.Attempt == killed+1 {
			for _, row := range rows {
				if row.ID == id && killRunner(w, row) {
					killed++
				}
			}
		}
		return j.State == job.Failed
	})
	j := w.await(id, job.Failed)
	if j.Attempt != 3 || j.Result.Class != fault.Killed {
		t.Errorf("attempt %d, result %+v; want three attempts", j.Attempt, j.Result)
	}
	w.await(behind, job.Succeeded)
}

// killRunner kills the runner of an attempt that has begun to work: one that is killed
// before it was told anything is not counted.
func killRunner(w *world, row job.Claimed) bool {
	dir := w.spool.Job(row.ID)
	n, err := readNote(dir, row.Attempt, row.Token)
	if err != nil {
		return false
	}
	if _, err := os.Stat(dir.Work(row.Attempt)); err != nil {
		return false
	}
	p, err := os.FindProcess(n.PID)
	return err == nil && p.Kill() == nil
}
