package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/process"
	"convertd/runner/fault"
	"convertd/sql/job"
)

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

func faultRowsOfAnotherSpool(t *testing.T) {
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

func faultSecondWaits(t *testing.T) {
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

// TestAClaimCarriedOutAfterItsClaimerDied is what a busy server does: the statement of a
// killed dispatcher is carried out when its successor has long looked at the rows.
func TestAClaimCarriedOutAfterItsClaimerDied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`), shell("hold", `sleep 300`))
	w.opts.Lanes = Lanes{Slots: 1}
	hold := w.submit("hold", "x")
	w.serve(w.opts)
	w.await(hold, job.Running)
	id := w.submit("copy", "x")
	name, err := spoolName(w.spool)
	if err != nil {
		t.Fatal(err)
	}
	boot, err := process.BootID()
	if err != nil {
		t.Fatal(err)
	}
	late, err := w.jobs.Claim(context.Background(), job.Claimer{Dispatcher: name, BootID: boot}, 1, nil)
	if err != nil || len(late) != 1 || late[0].ID != id {
		t.Fatalf("late claim of %v: %v", late, err)
	}
	if _, err := w.jobs.RequestCancel(context.Background(), hold); err != nil {
		t.Fatal(err)
	}
	if j := w.await(id, job.Succeeded); j.Attempt != 2 || j.Failures != 0 {
		t.Errorf("attempt %d, failures %d", j.Attempt, j.Failures)
	}
}
