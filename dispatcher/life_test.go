package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
)

const stubborn = `(setsid sh -c 'trap "" TERM HUP; echo $$ > %[1]s/pid; while :; do sleep 1; done' &)
trap "" TERM; while :; do sleep 1; done`

func TestCancelEndsTheWholeTree(t *testing.T) {
	t.Parallel()
	for _, held := range []bool{true, false} {
		t.Run(fmt.Sprintf("in a control group %v", held), func(t *testing.T) {
			t.Parallel()
			th := newTheatre(t)
			w := newWorld(t, shell("stubborn", fmt.Sprintf(stubborn, th.dir), th.open))
			if !held {
				w.opts.Box.CgroupParent = "/nowhere"
			}
			id := w.submit("stubborn", "x")
			w.spawn(StopSafely)
			pid := pidOf(t, id, th.path("pid"))
			if _, err := w.jobs.RequestCancel(context.Background(), id); err != nil {
				t.Fatal(err)
			}
			j := w.await(id, job.Cancelled)
			if j.Result.Class != fault.Cancelled {
				t.Errorf("result %+v", j.Result)
			}
			gone(t, pid)
			w.checkClean(id, 1)
		})
	}
}

func TestTheTimeLimitIsBackedByTheDispatcher(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	short := func(r *recipe.Recipe) { r.Limits.Time = 3 * time.Second }
	w := newWorld(t, shell("slow", th.patient(), th.open, short))
	w.opts.Times.TimeMargin = 300 * time.Millisecond
	id := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	n, err := readNote(w.spool.Job(id), 1, w.token(id))
	if err != nil {
		t.Fatal(err)
	}
	// A runner that is stopped cannot keep the limit itself.
	if err := unix.Kill(n.PID, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	j := w.await(id, job.Failed)
	if j.Result.Class != fault.Timeout || !strings.Contains(j.Result.Hint, "slow.toml") {
		t.Errorf("result %+v, want a timeout that says where the limit is set", j.Result)
	}
	gone(t, n.PID)
	w.checkClean(id, 1)
}

func faultRunnerKilled(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("once", fmt.Sprintf(`echo $CONVERTD_ATTEMPT >> %s/diary; [ "$CONVERTD_ATTEMPT" = 1 ] && exec sleep 300; cp "$1" "$2.txt"`, th.dir), th.open))
	id := w.submit("once", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	n, err := readNote(w.spool.Job(id), 1, w.token(id))
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(n.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	j := w.await(id, job.Succeeded)
	attempts, err := w.jobs.Attempts(context.Background(), id)
	if err != nil || len(attempts) != 2 || attempts[0].Class != fault.Killed || j.Failures != 1 {
		t.Errorf("attempts %+v (%v), failures %d", attempts, err, j.Failures)
	}
}

func TestTheConvertersOwnFailureIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	retried := func(r *recipe.Recipe) { r.Retry.On = []fault.Class{fault.ConverterFailed} }
	w := newWorld(t, shell("bad", `echo broken >&2; exit 3`), shell("flaky", `exit 3`, retried))
	once, thrice := w.submit("bad", "x"), w.submit("flaky", "x")
	w.serve(w.opts)
	j := w.await(once, job.Failed)
	if j.Attempt != 1 || j.Result.Class != fault.ConverterFailed || j.Result.ExitCode != 3 {
		t.Errorf("attempt %d, result %+v", j.Attempt, j.Result)
	}
	if j := w.await(thrice, job.Failed); j.Attempt != 3 || j.Failures != 3 {
		t.Errorf("attempt %d, failures %d; want 3 since the recipe asks for it", j.Attempt, j.Failures)
	}
}

// Where a control group counts memory the kernel ends the whole job, whatever kind of
// memory it was.
func TestAttack_E06_memory_in_a_control_group(t *testing.T) {
	t.Parallel()
	small := func(r *recipe.Recipe) { r.Limits.Memory = 48 << 20 }
	w := newWorld(t,
		shell("heap", `ulimit -v 1000000; tail /dev/zero > "$2.txt"`, small),
		shell("shm", `cat /dev/zero > /dev/shm/fill; sleep 60`, small),
		shell("daemons", `for i in 1 2 3; do setsid sh -c 'ulimit -v 1000000; tail /dev/zero' & done; sleep 60`, small),
		shell("honest", `cp "$1" "$2.txt"`))
	ids := map[string]string{}
	for _, kind := range []string{"heap", "shm", "daemons"} {
		ids[kind] = w.submit(kind, "x")
	}
	w.serve(w.opts)
	for kind, id := range ids {
		j := w.await(id, job.Failed)
		if j.Result.Class != fault.Memory || !strings.Contains(j.Result.Detail, "48 MiB") || !strings.Contains(j.Result.Hint, "[limits] memory") {
			t.Errorf("%s: %+v", kind, j.Result)
		}
		if j.Result.Usage.PeakMemoryBytes < 40<<20 {
			t.Errorf("%s: peak %d", kind, j.Result.Usage.PeakMemoryBytes)
		}
		w.checkClean(id, 1)
	}
	w.await(w.submit("honest", "x"), job.Succeeded)
}

func TestWhatCannotRunFailsWithTheReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	vanished := w.submit("vanished", "x")
	misfit := w.submit("copy", "x", func(d *job.Draft) { d.Params = map[string][]string{"quality": {"9"}} })
	damaged := w.submit("copy", "x", func(d *job.Draft) { d.Inputs[0].Size = 2 })
	escaping := w.submit("copy", "x", func(d *job.Draft) { d.Inputs[0].File = ".." })
	w.serve(w.opts)
	for id, word := range map[string]string{vanished: "no longer there", misfit: "no longer fit", damaged: "damaged", escaping: "damaged"} {
		j := w.await(id, job.Failed)
		if j.Result.Class != fault.InternalError || !strings.Contains(j.Result.Detail, word) || j.Result.Hint == "" || j.Attempt != 1 {
			t.Errorf("attempt %d, result %+v; want one that says %q", j.Attempt, j.Result, word)
		}
	}
}

func TestASafeStopPutsTheJobBackUncounted(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("safe", fmt.Sprintf(`echo begin >> %[1]s/diary
if [ -e "$CONVERTD_STATE/half" ]; then cp "$CONVERTD_STATE/half" "$2.txt"; exit 0; fi
trap 'cp "$1" "$CONVERTD_STATE/half"; exit 75' TERM; while :; do sleep 0.05; done`, th.dir), th.open))
	id := w.submit("safe", "half way")
	first := w.spawn(StopSafely)
	awaitFile(t, th.path("diary"))
	first.stop()
	if j := w.await(id, job.Queued); j.Failures != 0 || j.Attempt != 1 {
		t.Errorf("failures %d, attempt %d", j.Failures, j.Attempt)
	}
	w.checkClean(id, 1)
	w.serve(w.opts)
	j := w.await(id, job.Succeeded)
	if got, err := os.ReadFile(filepath.Join(w.spool.Job(id).Out(2), j.Outputs[0].File)); err != nil || string(got) != "half way" {
		t.Errorf("result %q, %v", got, err)
	}
}

func TestDrainWaitsForWhatRuns(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	s := w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	s.Stop(Drain)
	until(t, "the drain has begun", func() bool { return len(s.stops) == 0 })
	later := w.submit("slow", "x")
	th.tell("go")
	select {
	case <-s.done:
	case <-time.After(patience):
		t.Fatal("the drain does not end")
	}
	w.await(id, job.Succeeded)
	if j, err := w.jobs.Find(context.Background(), later); err != nil || j.State != job.Queued {
		t.Errorf("a job submitted after the drain began is %s (%v)", j.State, err)
	}
}

func TestLimitsOfQueuesAndSlotsHold(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	script := fmt.Sprintf(`mkdir %[1]s/busy || touch %[1]s/overlap; sleep 0.05; rmdir %[1]s/busy; cp "$1" "$2.txt"`, th.dir)
	w := newWorld(t, shell("one", script, th.open))
	w.opts.Lanes = Lanes{Slots: 4, Queues: map[string]int{"default": 1}}
	var ids []string
	for range 6 {
		ids = append(ids, w.submit("one", "x"))
	}
	w.serve(w.opts)
	for _, id := range ids {
		w.await(id, job.Succeeded)
	}
	if _, err := os.Stat(th.path("overlap")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("two jobs of a queue of one ran at once (%v)", err)
	}
}
