package dispatcher

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"convertd/dispatcher/process"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
)

// faultsOfClock have the clock set while jobs wait, run and are kept.
func faultsOfClock() []variant {
	const day = 24 * time.Hour
	return []variant{
		{"three_days_forward", func(t *testing.T) { t.Parallel(); clockSet(t, 3*day) }},
		{"three_days_back", func(t *testing.T) { t.Parallel(); clockSet(t, -3*day) }},
		{"second_attempt_put_off_by_days", faultPutOff},
	}
}

// serveWithClock runs a dispatcher whose clock is ahead by so much.
func (w *world) serveWithClock(ahead *atomic.Int64) {
	w.t.Helper()
	start := time.Now()
	w.serve(w.opts, func(d *Dispatcher) {
		d.clock.Now = func() (wall, boot time.Duration) {
			boot = time.Since(start)
			return time.Duration(start.UnixNano()) + boot + time.Duration(ahead.Load()), boot
		}
	})
}

// clockSet sets the clock. For the rows, whose clock is the database's, a date that the
// jump brought into the past is simply one in the past.
func clockSet(t *testing.T, by time.Duration) {
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open), shell("copy", `cp "$1" "$2.txt"`))
	w.opts.Keep.Results = time.Hour
	beats := make(chan struct{})
	w.opts.Beat = func() {
		select {
		case beats <- struct{}{}:
		default:
		}
	}
	var ahead atomic.Int64
	running, kept := w.submit("slow", "x"), w.submit("copy", "x")
	w.serveWithClock(&ahead)
	w.await(kept, job.Succeeded)
	awaitFile(t, th.path("diary"))
	later := time.Now().Add(time.Hour)
	early := w.submit("copy", "x", func(d *job.Draft) { d.RunAt = &later })
	expiring := w.submit("copy", "x", func(d *job.Draft) { d.RunAt, d.WaitUntil = &later, &later })
	ahead.Store(int64(by))
	beat := func(n int) {
		for range n {
			<-beats
		}
	}
	beat(2)
	past := time.Now().Add(-time.Second)
	if _, err := w.db.Exec(`update job set run_at = $1, wait_until = case when id = $3 then $1::timestamptz end where id = any(array[$2, $3])`, past, early, expiring); err != nil {
		t.Fatal(err)
	}
	if _, err := w.jobs.KeepUntil(context.Background(), kept, past); err != nil {
		t.Fatal(err)
	}
	beat(6)
	for id, want := range map[string]job.State{running: job.Running, early: job.Scheduled, expiring: job.Scheduled, kept: job.Succeeded} {
		if got := w.find(id).State; got != want {
			t.Errorf("after the jump a job is %s, want %s", got, want)
		}
	}
	if _, err := os.Stat(w.spool.Job(kept).Out(1)); err != nil {
		t.Errorf("files were removed because of the jump: %v", err)
	}
	th.tell("go")
	if j := w.await(running, job.Succeeded); j.Attempt != 1 || j.Result.Usage.WallSeconds > patience.Seconds() {
		t.Errorf("attempt %d ran %f s", j.Attempt, j.Result.Usage.WallSeconds)
	}
	ahead.Store(0) // somebody sets it right
	w.await(early, job.Succeeded)
	w.await(expiring, job.Expired)
	until(t, "what is really over goes", func() bool { _, err := os.Stat(w.spool.Job(kept).Dir); return os.IsNotExist(err) })
}

// faultPutOff has a job wait for its second attempt until a date that only a wrong clock
// can have made.
func faultPutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `[ "$CONVERTD_ATTEMPT" = 1 ] && exit 3; cp "$1" "$2.txt"`, func(r *recipe.Recipe) { r.Retry.On = []fault.Class{fault.ConverterFailed} }))
	w.opts.Times.RetryBase, w.opts.Times.RetryMax = 72*time.Hour, 72*time.Hour
	id := w.submit("copy", "x")
	first := w.serve(w.opts)
	w.await(id, job.Scheduled)
	first.stop()
	w.reach(w.url)
	w.serve(w.opts)
	if j := w.await(id, job.Succeeded); j.Attempt != 2 {
		t.Errorf("attempt %d", j.Attempt)
	}
}

// faultsOfDates use dates far ahead and a local time that is not UTC.
func faultsOfDates() []variant {
	return []variant{{"local_time_with_summer", faultLocalTime}, {"after_2038", faultLateDates}}
}

// faultLocalTime runs a dispatcher in a place with summer time: everything it writes is
// UTC.
func faultLocalTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `echo said; date +%z > "$2.txt"; echo "5 half" >&$CONVERTD_PROGRESS_FD`))
	id := w.submit("copy", "x")
	before := time.Now().Add(-time.Second)
	w.spawn(StopSafely, "TZ=America/New_York")
	j := w.await(id, job.Succeeded)
	if j.StartedAt.Before(before) || j.EndedAt.After(time.Now().Add(time.Second)) || j.StartedAt.Location() != time.UTC {
		t.Errorf("started %v, ended %v", j.StartedAt, j.EndedAt)
	}
	for _, path := range []string{w.spool.Job(id).Log(1), w.spool.Job(id).Progress(1)} {
		first := strings.Fields(awaitFile(t, path))[0]
		at, err := time.Parse(time.RFC3339Nano, first)
		if err != nil || !strings.HasSuffix(first, "Z") || at.Before(before.Truncate(time.Second)) {
			t.Errorf("%s begins with %q: %v", path, first, err)
		}
	}
	o := awaitFile(t, w.spool.Job(id).Outcome(1))
	if strings.Contains(o, "-05:00\"") || strings.Contains(o, "-04:00\"") {
		t.Errorf("outcome in local time: %s", o)
	}
}

func faultLateDates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	for _, at := range []time.Time{
		time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC), time.Date(2500, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		id := w.submit("copy", "x", func(d *job.Draft) { d.RunAt, d.WaitUntil = &at, &at })
		j, err := w.jobs.Find(context.Background(), id)
		if err != nil || j.State != job.Scheduled || !j.RunAt.Equal(at) || !j.WaitUntil.Equal(at) {
			t.Errorf("%v: %s, run_at %v, %v", at, j.State, j.RunAt, err)
		}
		done := w.submit("copy", "x")
		if claimed, err := w.jobs.Claim(context.Background(), job.Claimer{Dispatcher: "d", BootID: "b"}, 1, nil); err != nil || len(claimed) != 1 {
			t.Fatal(claimed, err)
		} else if _, err := w.jobs.Finish(context.Background(), []job.End{{ID: done, Attempt: 1, Token: claimed[0].Token, Next: job.Succeeded, Result: &job.Result{Class: fault.Succeeded}, KeepUntil: &at}}); err != nil {
			t.Fatal(err)
		}
		if j, err := w.jobs.Find(context.Background(), done); err != nil || j.KeepUntil == nil || !j.KeepUntil.Equal(at) {
			t.Errorf("kept until %v, %v", j.KeepUntil, err)
		}
	}
	if due, err := w.jobs.FilesDue(context.Background(), 10); err != nil || len(due) > 0 {
		t.Errorf("files of %v are due: %v", due, err)
	}
}

// faultsOfSleep have the machine sleep: limits count on a clock that stands still then.
func faultsOfSleep() []variant {
	return []variant{{"an_adopted_job_goes_on_counting", func(t *testing.T) {
		t.Parallel()
		now, err := process.Monotonic()
		if err != nil {
			t.Fatal(err)
		}
		// The child began a minute of running time ago, whatever the clock says by now.
		if ran := time.Since(beganAt(note{Began: now - time.Minute})); ran < time.Minute || ran > 2*time.Minute {
			t.Errorf("it ran %v", ran)
		}
	}}}
}
