package dispatcher

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/mail"
	"convertd/runner/failpoint"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
)

// faultsOfSteps kill the converter when its bar says so much.
func faultsOfSteps() []variant {
	var all []variant
	for _, percent := range []int{0, 50, 99} {
		all = append(all, variant{fmt.Sprintf("at_%d_percent", percent), func(t *testing.T) { t.Parallel(); stepKilledAt(t, percent) }})
	}
	return all
}

func stepKilledAt(t *testing.T, percent int) {
	th := newTheatre(t)
	script := fmt.Sprintf(`echo "%d at work" >&$CONVERTD_PROGRESS_FD; echo $$ > %[2]s/pid; while :; do sleep 1; done`, percent, th.dir)
	w := newWorld(t, shell("slow", script, th.open))
	box := &mailbox{}
	w.opts.Mail = mail.Config{SMTP: box.listen(t, "127.0.0.1:0"), From: "convertd@studio.example", Admin: "admin@studio.example", PerHour: 20}
	id := w.submit("slow", "x")
	w.serve(w.opts)
	if err := unix.Kill(pidOf(t, id, th.path("pid")), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	j := w.await(id, job.Failed)
	if j.Result.Class != fault.Killed || j.Result.Signal != "SIGKILL" || j.Attempt != 1 {
		t.Errorf("attempt %d, result %+v", j.Attempt, j.Result)
	}
	until(t, "the mail arrives", func() bool { return len(box.all()) > 0 })
	if n := len(box.all()); n != 1 {
		t.Errorf("%d mails", n)
	}
	w.checkClean(id, 1)
}

// killTheRunner kills the runner of a job's first attempt.
func (w *world) killTheRunner(id string) {
	w.t.Helper()
	n, err := readNote(w.spool.Job(id), 1, w.token(id))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := unix.Kill(n.PID, unix.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
}

func faultRunnerKilledTree(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("stubborn", fmt.Sprintf(stubborn, th.dir), th.open, func(r *recipe.Recipe) { r.Retry.MaxAttempts = 1 }))
	id := w.submit("stubborn", "x", func(d *job.Draft) { d.MaxAttempts = 1 })
	w.serve(w.opts)
	pid := pidOf(t, id, th.path("pid"))
	w.killTheRunner(id)
	gone(t, pid)
	w.await(id, job.Failed)
	until(t, "no control group is left", func() bool { return len(groupsOf(t, w)) == 0 })
}

func faultRunnerKilledOnce(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x", func(d *job.Draft) { d.MaxAttempts = 1 })
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	w.killTheRunner(id)
	if j := w.await(id, job.Failed); j.Attempt != 1 || j.Result.Class != fault.Killed {
		t.Errorf("attempt %d, result %+v", j.Attempt, j.Result)
	}
	if diary := awaitFile(t, th.path("diary")); diary != "begin\n" {
		t.Errorf("diary %q", diary)
	}
}

// faultKilledAtRandom kills one dispatcher after the other, each at a random passage of a
// random place, while jobs run.
func faultKilledAtRandom(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	if text := os.Getenv("CONVERTD_TEST_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CONVERTD_TEST_SEED=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	binary := buildWithFailpoints(t)
	th := newTheatre(t)
	script := fmt.Sprintf(`echo "$CONVERTD_JOB begin $CONVERTD_ATTEMPT" >> %[1]s/diary; sleep 0.05; echo "$CONVERTD_JOB end $CONVERTD_ATTEMPT" >> %[1]s/diary; cp "$1" "$2.txt"`, th.dir)
	w := newWorld(t, shell("note", script, th.open))
	var ids []string
	for range 24 {
		ids = append(ids, w.submit("note", "x", func(d *job.Draft) { d.MaxAttempts = 20 }))
	}
	places := failpoint.OfAttempt()
	places = places[:slices.Index(places, failpoint.AfterCommit)] // no mails are owed here
	for range 6 {
		place := fmt.Sprintf("%s=kill@%d", places[dice.IntN(len(places))], 1+dice.IntN(3))
		p := w.spawnProgram(binary, StopSafely, failpoint.Variable+"="+place)
		if !p.diesWithin(10 * time.Second) {
			p.kill() // everything had ended before that passage
		}
	}
	w.serve(w.opts)
	attempts := 0
	for _, id := range ids {
		j := w.await(id, job.Succeeded)
		attempts += j.Attempt
		for n := 1; n <= j.Attempt; n++ {
			w.checkClean(id, n)
		}
		if len(j.Outputs) != 1 || j.Outputs[0].Attempt != j.Attempt {
			t.Errorf("attempt %d made %+v", j.Attempt, j.Outputs)
		}
	}
	diary := awaitFile(t, th.path("diary"))
	for _, id := range ids {
		var own strings.Builder
		for line := range strings.Lines(diary) {
			if rest, ok := strings.CutPrefix(line, id+" "); ok {
				own.WriteString(rest)
			}
		}
		checkDiary(t, own.String())
	}
	t.Logf("%d jobs in %d attempts", len(ids), attempts)
	until(t, "no control group is left", func() bool { return len(groupsOf(t, w)) == 0 })
}

// diesWithin reports whether the process was killed in this time.
func (p *dispatcherProcess) diesWithin(patience time.Duration) bool {
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case <-ended:
		p.ended = true
		return true
	case <-time.After(patience):
		return false
	}
}

// faultStoppedAndContinued stops a dispatcher in the middle of jobs; a second one waits,
// however long, and the first goes on where it was.
func faultStoppedAndContinued(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open), shell("copy", `cp "$1" "$2.txt"`))
	id := w.submit("slow", "x")
	first := w.spawn(StopSafely)
	awaitFile(t, th.path("diary"))
	if err := first.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second := w.spawn(StopSafely)
	until(t, "the second is a standby", func() bool {
		var n int
		err := w.db.Get(&n, `select count(*) from dispatcher where pid = $1 and state = 'standby'`, second.cmd.Process.Pid)
		return err == nil && n == 1
	})
	th.tell("go")
	awaitFile(t, w.spool.Job(id).Outcome(1))
	waiting := w.submit("copy", "x")
	// Poll after poll passes for the second one.
	until(t, "the second has been seen again", func() bool {
		var again bool
		err := w.db.Get(&again, `select seen_at > started_at + interval '2 seconds' from dispatcher where pid = $1`, second.cmd.Process.Pid)
		return err == nil && again
	})
	for id, want := range map[string]job.State{id: job.Running, waiting: job.Queued} {
		if j := w.await(id, want); j.State != want {
			t.Errorf("%s while the first is stopped", j.State)
		}
	}
	if err := first.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{id, waiting} {
		if j := w.await(id, job.Succeeded); j.Attempt != 1 {
			t.Errorf("attempt %d", j.Attempt)
		}
	}
	select {
	case <-second.ready:
		t.Error("the second serves while the first lives")
	default:
	}
	if diary := awaitFile(t, th.path("diary")); diary != "begin\nend\n" {
		t.Errorf("diary %q", diary)
	}
}
