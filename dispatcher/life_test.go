package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/process"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// theatre is a folder in which steps and tests see each other: steps write to "diary"
// and wait for "go".
type theatre struct {
	t   *testing.T
	dir string
}

func newTheatre(t *testing.T) theatre {
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
func gone(t *testing.T, pid int) {
	t.Helper()
	until(t, fmt.Sprintf("process %d is gone", pid), func() bool {
		_, err := process.NameOf(pid)
		return errors.Is(err, os.ErrNotExist)
	})
}

func pidIn(t *testing.T, path string) int {
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

func TestADispatcherKilledMidJobIsSucceededAndTheJobRunsOnce(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	first := w.spawn(StopSafely)
	awaitFile(t, th.path("diary"))
	first.kill()
	w.serve(w.opts)
	th.tell("go")
	j := w.await(id, job.Succeeded)
	if diary := awaitFile(t, th.path("diary")); diary != "begin\nend\n" || j.Attempt != 1 {
		t.Errorf("the job ran as %q in %d attempts, want once", diary, j.Attempt)
	}
	w.checkClean(id, 1)
}

func TestAnOutcomeWrittenWhileNobodyWatchedIsRecorded(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	first := w.spawn(StopSafely)
	awaitFile(t, th.path("diary"))
	first.kill()
	th.tell("go")
	awaitFile(t, w.spool.Job(id).Outcome(1))
	w.serve(w.opts)
	if j := w.await(id, job.Succeeded); j.Attempt != 1 || len(j.Outputs) != 1 {
		t.Errorf("attempt %d with %d outputs", j.Attempt, len(j.Outputs))
	}
	w.checkClean(id, 1)
}

func TestAJobThatDiedWithItsDispatcherIsTriedAgain(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("once", fmt.Sprintf(`echo $CONVERTD_ATTEMPT >> %s/diary; [ "$CONVERTD_ATTEMPT" = 1 ] && exec sleep 300; cp "$1" "$2.txt"`, th.dir), th.open))
	id := w.submit("once", "x")
	first := w.spawn(StopSafely)
	awaitFile(t, th.path("diary"))
	n, err := readNote(w.spool.Job(id), 1, w.token(id))
	if err != nil {
		t.Fatal(err)
	}
	first.kill()
	if err := unix.Kill(n.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	j := w.await(id, job.Succeeded)
	attempts, err := w.jobs.Attempts(context.Background(), id)
	if err != nil || len(attempts) != 2 || attempts[0].Class != fault.Lost || j.Failures != 1 {
		t.Errorf("attempts %+v (%v), failures %d; want the first lost and counted", attempts, err, j.Failures)
	}
	if diary := awaitFile(t, th.path("diary")); diary != "1\n2\n" {
		t.Errorf("diary %q", diary)
	}
	w.checkClean(id, 1)
	w.checkClean(id, 2)
}

// token reads the token of a running job's attempt.
func (w *world) token(id string) string {
	w.t.Helper()
	rows, err := w.jobs.Running(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, row := range rows {
		if row.ID == id {
			return row.Token
		}
	}
	w.t.Fatalf("job %s does not run", id)
	return ""
}

func TestAClaimWithoutAChildGoesBackUncounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	id := w.submit("copy", "x")
	if err := os.MkdirAll(w.spool.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	name, err := spoolName(w.spool)
	if err != nil {
		t.Fatal(err)
	}
	boot, err := process.BootID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.jobs.Claim(context.Background(), job.Claimer{Dispatcher: name, BootID: boot}, 1, nil); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	if j := w.await(id, job.Succeeded); j.Attempt != 2 || j.Failures != 0 {
		t.Errorf("attempt %d, failures %d; want the second, none counted", j.Attempt, j.Failures)
	}
}

func TestAnotherBootIsProofOfDeath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	id := w.submit("copy", "x")
	if err := os.MkdirAll(w.spool.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	name, err := spoolName(w.spool)
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := w.jobs.Claim(context.Background(), job.Claimer{Dispatcher: name, BootID: "another boot"}, 1, nil)
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	// The pid of the note is alive in this boot and somebody else's: this test's own.
	self, err := process.NameOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := writeNote(w.spool.Job(id), 1, note{Name: self, BootID: "another boot", Token: claimed[0].Token}); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	if j := w.await(id, job.Succeeded); j.Attempt != 2 || j.Failures != 1 {
		t.Errorf("attempt %d, failures %d; want the second, one counted", j.Attempt, j.Failures)
	}
}

func TestRowsOfAnotherSpoolAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	foreign := w.submit("copy", "x")
	if _, err := w.jobs.Claim(context.Background(), job.Claimer{Dispatcher: "elsewhere", BootID: "b"}, 1, nil); err != nil {
		t.Fatal(err)
	}
	own := w.submit("copy", "y")
	w.serve(w.opts)
	w.await(own, job.Succeeded)
	if j := w.await(foreign, job.Running); j.Attempt != 1 {
		t.Errorf("attempt %d of a job of another spool", j.Attempt)
	}
}

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
			pid := pidIn(t, th.path("pid"))
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

func TestACancelIsKeptOverTheDispatchersDeath(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	first := w.spawn(StopSafely)
	awaitFile(t, th.path("diary"))
	first.kill()
	if _, err := w.jobs.RequestCancel(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	w.await(id, job.Cancelled)
	w.checkClean(id, 1)
}

func TestTheTimeLimitIsBackedByTheDispatcher(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	short := func(r *recipe.Recipe) { r.Limits.Time = 300 * time.Millisecond }
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

func TestAKilledRunnerIsTheMachinesFailure(t *testing.T) {
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

func TestMoreMemoryThanTheLimitIsClassMemory(t *testing.T) {
	t.Parallel()
	small := func(r *recipe.Recipe) { r.Limits.Memory = 48 << 20 }
	w := newWorld(t, shell("hungry", `ulimit -v 1000000; tail /dev/zero > "$2.txt"`, small))
	id := w.submit("hungry", "x")
	w.serve(w.opts)
	j := w.await(id, job.Failed)
	if j.Result.Class != fault.Memory || !strings.Contains(j.Result.Detail, "48 MiB") && !strings.Contains(j.Result.Detail+j.Result.Hint, "memory") {
		t.Errorf("result %+v", j.Result)
	}
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

func TestTwoDispatchersServeOneSpoolInTurn(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	first := w.spawn(StopSafely)
	first.awaitReady()
	second := w.spawn(StopSafely)
	awaitFile(t, th.path("diary"))
	select {
	case <-second.ready:
		t.Fatal("the second dispatcher serves while the first one lives")
	default:
	}
	first.kill()
	second.awaitReady()
	th.tell("go")
	if j := w.await(id, job.Succeeded); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	if diary := awaitFile(t, th.path("diary")); diary != "begin\nend\n" {
		t.Errorf("diary %q", diary)
	}
}

func TestARestartLeavesJobsRunning(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	first := w.spawn(LeaveRunning)
	awaitFile(t, th.path("diary"))
	first.stop()
	if j := w.await(id, job.Running); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	w.serve(w.opts)
	th.tell("go")
	w.await(id, job.Succeeded)
	if diary := awaitFile(t, th.path("diary")); diary != "begin\nend\n" {
		t.Errorf("diary %q", diary)
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

func TestGroupsOfNobodyAreEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	if err := os.MkdirAll(w.spool.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	name, err := spoolName(w.spool)
	if err != nil {
		t.Fatal(err)
	}
	tree := cgroup.Open(cgroup.Options{Name: "convertd-" + name})
	if tree.Method().Tree == cgroup.None {
		if os.Getuid() == 0 {
			t.Fatal(tree.Why())
		}
		return
	}
	g, err := tree.Make(t.Context(), "copy-deadbeef.1")
	if err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	until(t, "the group of nobody is removed", func() bool {
		_, err := os.Stat(g.Dir())
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestRetentionAndDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	w.opts.Keep = Keep{Results: time.Hour, Failed: time.Hour, Rows: time.Hour}
	kept, short, deleted := w.submit("copy", "x"), w.submit("copy", "x"), w.submit("copy", "x")
	orphan := w.spool.Job("ORPHANORPHANORPHANORPHANOR")
	if err := os.MkdirAll(orphan.In(), 0o755); err != nil {
		t.Fatal(err)
	}
	w.opts.Times.Orphan = 50 * time.Millisecond
	w.serve(w.opts)
	for _, id := range []string{kept, short, deleted} {
		w.await(id, job.Succeeded)
	}
	if _, err := w.jobs.KeepUntil(context.Background(), short, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := w.jobs.Delete(context.Background(), deleted); err != nil {
		t.Fatal(err)
	}
	absent := func(dir spool.Job) func() bool {
		return func() bool { _, err := os.Stat(dir.Dir); return errors.Is(err, os.ErrNotExist) }
	}
	until(t, "files kept long enough are removed", absent(w.spool.Job(short)))
	until(t, "files of a deleted job are removed", absent(w.spool.Job(deleted)))
	until(t, "a folder without a job is removed", absent(orphan))
	until(t, "the row says so", func() bool {
		j, err := w.jobs.Find(context.Background(), short)
		return err == nil && j.FilesGoneAt != nil
	})
	if _, err := os.Stat(w.spool.Job(kept).Out(1)); err != nil {
		t.Errorf("files that are kept: %v", err)
	}
}

func TestDeletingARunningJobEndsItAndLeavesNothing(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("stubborn", fmt.Sprintf(stubborn, th.dir), th.open))
	id := w.submit("stubborn", "x")
	w.serve(w.opts)
	pid := pidIn(t, th.path("pid"))
	if err := w.jobs.Delete(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
	until(t, "its folder is removed", func() bool {
		_, err := os.Stat(w.spool.Job(id).Dir)
		return errors.Is(err, os.ErrNotExist)
	})
}
