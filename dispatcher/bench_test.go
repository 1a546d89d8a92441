package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/job"
	"convertd/sql/queue"
)

// inFlight is how many children run at once, and perRound how many in one measurement.
const (
	inFlight = 4
	perRound = 200
)

// BenchmarkNoOpJobs compares the jobs of one step that does nothing, from the first claim to
// the last recorded end, with two ways to run as many of the same child without a dispatcher
// and a database: turn about in one run, as many in flight, because only the ratios of the
// medians say anything.
//
// raw starts the same attempt directly: the child with its Spec on a pipe, the step in its
// box, all that the child makes durable, and the outcome read. What a job has on top of that
// is the dispatcher's: claim, control group, lock, note, proof of death, record of the end,
// status, and the removal of what is left.
// bare is a child that finds no Spec and ends.
func BenchmarkNoOpJobs(b *testing.B) {
	noop := shell("none", `echo x > "$2.txt"`)
	w := newWorld(b, noop)
	w.opts.Lanes, w.opts.Times = Lanes{Slots: inFlight}, Times{}
	s := w.serve(w.opts)
	defer s.stop()
	var jobs, raw, bare []time.Duration
	for b.Loop() {
		bare = append(bare, w.bareRound())
		raw = append(raw, w.rawRound(noop))
		jobs = append(jobs, w.roundOfJobs(noop))
	}
	b.ReportMetric(middle(raw)/middle(jobs), "jobs/raw")
	b.ReportMetric(middle(bare)/middle(jobs), "jobs/bare")
	b.ReportMetric(perRound/middle(jobs), "jobs/s")
	b.ReportMetric(perRound/middle(raw), "raw/s")
	b.ReportMetric(perRound/middle(bare), "bare/s")
}

func middle(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}

// inRound does something perRound times, inFlight at a time, each in a seat of its own.
func (w *world) inRound(do func(n, seat int) error) time.Duration {
	left := make(chan int, perRound)
	for n := range perRound {
		left <- n
	}
	close(left)
	started := time.Now()
	var workers sync.WaitGroup
	for seat := range inFlight {
		workers.Go(func() {
			for n := range left {
				if err := do(n, seat); err != nil {
					w.t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	return time.Since(started)
}

// bareRound starts and awaits children that find nothing to do.
func (w *world) bareRound() time.Duration {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer null.Close()
	return w.inRound(func(int, int) error {
		p, err := startChild(null, null)
		if err == nil {
			_, err = p.Wait()
		}
		return err
	})
}

func startChild(null, spec *os.File) (*os.Process, error) {
	return os.StartProcess(runnerPath, []string{runnerPath}, &os.ProcAttr{
		Dir: "/", Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, null, spec},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

// rawRound runs attempts whose folders are there already.
func (w *world) rawRound(r recipe.Recipe) time.Duration {
	var dirs []spool.Job
	for range perRound {
		dirs = append(dirs, w.spool.Job(w.prepare("x")))
	}
	return w.inRound(func(n, seat int) error { return w.rawAttempt(r, dirs[n], seat) })
}

func (w *world) rawAttempt(r recipe.Recipe, dir spool.Job, seat int) error {
	box := runner.Box{MemoryHeld: true}
	if os.Geteuid() == 0 {
		box.UID, box.GID = w.opts.Box.UIDBase+seat, w.opts.Box.UIDBase+seat
	}
	spec, err := runner.NewSpec(r, runner.Request{
		Job: dir.ID, Attempt: 1, Token: "token", Dir: dir, Box: box,
		Inputs: []runner.Input{{File: "1.txt", Name: "my file.txt"}},
	})
	if err != nil {
		return err
	}
	if err := runChild(spec); err != nil {
		return err
	}
	o, err := readOutcome(dir, 1, "token")
	if err == nil && o.Class != fault.Succeeded {
		err = fmt.Errorf("a raw attempt ended %s: %s", o.Class, o.Detail)
	}
	return err
}

func runChild(spec runner.Spec) error {
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	defer null.Close()
	p, err := startChild(null, in)
	in.Close()
	if err != nil {
		return err
	}
	if err := sendSpec(out, spec); err != nil {
		return err
	}
	_, err = p.Wait()
	return err
}

// roundOfJobs lets a dispatcher that serves already run jobs that wait already. The rows say
// when the first was claimed and when the last had ended.
func (w *world) roundOfJobs(r recipe.Recipe) time.Duration {
	queues := queue.NewStore(w.db)
	if err := queues.Pause(context.Background(), r.Queue); err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for range perRound {
		ids = append(ids, w.submit(r.Name, "x"))
	}
	if err := queues.Resume(context.Background(), r.Queue); err != nil {
		w.t.Fatal(err)
	}
	w.awaitEnds(ids)
	var first, last time.Time
	for _, id := range ids {
		j := w.await(id, job.Succeeded)
		if first.IsZero() || j.StartedAt.Before(first) {
			first = *j.StartedAt
		}
		if j.EndedAt.After(last) {
			last = *j.EndedAt
		}
	}
	return last.Sub(first)
}

// awaitEnds looks seldom, and at little: to look would be a good part of what is measured.
func (w *world) awaitEnds(ids []string) {
	seldom := time.NewTicker(100 * time.Millisecond)
	defer seldom.Stop()
	for deadline := time.Now().Add(patience); ; <-seldom.C {
		var ended int
		if err := w.db.Get(&ended, `select count(*) from result where job = any($1)`, pq.Array(ids)); err != nil {
			w.t.Fatal(err)
		}
		if ended == len(ids) {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d of %d jobs ended", ended, len(ids))
		}
	}
}

// BenchmarkOtherOwner submits one job while a thousand of another owner wait, again and
// again: slot-times is how long it waited for its start, held against how long a job keeps
// a slot from its successor, and is to stay at 1 at most.
func BenchmarkOtherOwner(b *testing.B) {
	w := newWorld(b, shell("nap", `sleep 0.3; cp "$1" "$2.txt"`))
	for range 1000 {
		w.submit("nap", "x")
	}
	w.serve(w.opts)
	until(b, "the slots are taken", func() bool { return len(w.began(b, "ann")) > 2 })
	var waits []float64
	for b.Loop() {
		before := len(w.began(b, "bob"))
		w.submit("nap", "x", func(d *job.Draft) { d.Owner = "bob" })
		until(b, "the other owner's job begins", func() bool { return len(w.began(b, "bob")) > before })
		waited := w.began(b, "bob")
		waits = append(waits, waited[len(waited)-1])
	}
	var slot float64
	if err := w.db.Get(&slot, `select $1 * extract(epoch from max(started_at) - min(started_at)) / (count(*) - 1) from job where started_at is not null`, w.opts.Lanes.Slots); err != nil {
		b.Fatal(err)
	}
	slices.Sort(waits)
	b.ReportMetric(waits[len(waits)/2]/slot, "slot-times")
}

// began is how many seconds each job of an owner that has begun had waited.
func (w *world) began(b *testing.B, owner string) []float64 {
	b.Helper()
	waited := []float64{}
	if err := w.db.Select(&waited, `select extract(epoch from started_at - created_at) from job
		where owner = $1 and started_at is not null order by started_at`, owner); err != nil {
		b.Fatal(err)
	}
	return waited
}
