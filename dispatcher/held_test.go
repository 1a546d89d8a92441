package dispatcher

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"convertd/runner/progress"
	"convertd/runner/recipe"
	"convertd/sql/dbtest"
	"convertd/sql/job"
	"convertd/sql/queue"
)

// crowdedWorld has one gpu, which a job holds until it is told to go, and a second job
// that was claimed with it and waits for the gpu.
func crowdedWorld(t *testing.T, change ...func(*job.Draft)) (w *world, th theatre, running, waiting string) {
	t.Helper()
	th = newTheatre(t)
	gpu := func(r *recipe.Recipe) { r.NeedsResource = map[string]int{"gpu": 1} }
	w = newWorld(t, shell("gpu", th.patient(), th.open, gpu))
	w.opts.Lanes = Lanes{Slots: 3, Resources: map[string]int{"gpu": 1}}
	running, waiting = w.submit("gpu", "x"), w.submit("gpu", "x", change...)
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	w.await(waiting, job.Running)
	return w, th, running, waiting
}

// begun fails the test unless as many steps began as are wanted.
func (th theatre) begun(want int) {
	th.t.Helper()
	if got := strings.Count(awaitFile(th.t, th.path("diary")), "begin"); got != want {
		th.t.Errorf("%d steps began, want %d", got, want)
	}
}

func TestWhatWaitsForRoomIsCancelledAtOnce(t *testing.T) {
	t.Parallel()
	w, th, running, waiting := crowdedWorld(t)
	if _, err := w.jobs.RequestCancel(context.Background(), waiting); err != nil {
		t.Fatal(err)
	}
	w.await(waiting, job.Cancelled)
	th.begun(1)
	th.tell("go")
	w.await(running, job.Succeeded)
	w.checkClean(waiting, 1)
}

func TestWhatWaitsForRoomExpires(t *testing.T) {
	t.Parallel()
	var soon time.Time // late enough for a claim on a busy machine
	w, th, running, waiting := crowdedWorld(t, func(d *job.Draft) {
		soon = time.Now().Add(6 * time.Second)
		d.WaitUntil = &soon
	})
	if j := w.await(waiting, job.Expired); j.EndedAt.Before(soon.Add(-time.Second)) || j.Result != nil {
		t.Errorf("expired at %s, to begin by %s: %+v", j.EndedAt, soon, j.Result)
	}
	th.tell("go")
	w.await(running, job.Succeeded)
	th.begun(1)
}

func TestWhatWaitsForRoomInAPausedQueueGoesBack(t *testing.T) {
	t.Parallel()
	w, th, running, waiting := crowdedWorld(t)
	queues := queue.NewStore(w.db)
	if err := queues.Pause(context.Background(), "default"); err != nil {
		t.Fatal(err)
	}
	w.await(waiting, job.Queued)
	th.tell("go")
	w.await(running, job.Succeeded)
	th.begun(1)
	if err := queues.Resume(context.Background(), "default"); err != nil {
		t.Fatal(err)
	}
	w.await(waiting, job.Succeeded)
}

// A claim that a crash of the database undid is let go while its job still waits for room,
// and the job is claimed again.
func TestWhatWaitsForRoomIsLetGoWhenItsClaimIsUndone(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	gpu := func(r *recipe.Recipe) { r.NeedsResource = map[string]int{"gpu": 1} }
	w := newWorld(t, shell("gpu", th.patient(), th.open, gpu))
	w.opts.Lanes = Lanes{Slots: 3, Resources: map[string]int{"gpu": 1}}
	letGo := w.counts("the claim of the job could not be confirmed; nothing was started")
	running, waiting := w.submit("gpu", "x"), w.submit("gpu", "x")
	p := w.proxied()
	var undone atomic.Bool
	p.Watch(func(said []byte) dbtest.Cut {
		if !undone.Load() && bytes.Contains(said, w.tokenOf(waiting)) {
			undone.Store(true)
			w.undoClaim(waiting)
		}
		return dbtest.Never
	})
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	until(t, "the claim is let go", func() bool { return letGo.Load() == 1 })
	w.await(waiting, job.Running)
	th.tell("go")
	w.await(running, job.Succeeded)
	w.await(waiting, job.Succeeded)
	th.begun(2)
}

func TestTheStatusTellsWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	w, th, running, waiting := crowdedWorld(t)
	var told progress.Status
	until(t, "the status tells", func() bool {
		docs, err := w.cache.store.Get(context.Background(), []string{waiting})
		return err == nil && json.Unmarshal(docs[waiting], &told) == nil && told.Message != ""
	})
	if told.Message != "Waits until other jobs give back gpu." || told.State != "running" || told.Percent != nil || told.Attempt != 1 {
		t.Errorf("told %+v", told)
	}
	th.tell("go")
	w.await(running, job.Succeeded)
	w.await(waiting, job.Succeeded)
}

// A job that needs much memory is passed by small ones only so often.
func TestSmallJobsDoNotStarveALargeOne(t *testing.T) {
	t.Parallel()
	l := newLanes(Lanes{Slots: 4, MemoryBytes: 4 << 30})
	of := func(gigabytes int64) need {
		return l.needOf(recipe.Recipe{Slots: 1, Limits: recipe.Limits{Memory: gigabytes << 30}}, "q")
	}
	running := of(1)
	seat := l.take(running, -1)
	large, passed := of(4), 0
	for !l.fits(large) {
		if passed > mostPassed {
			t.Fatalf("passed %d times", passed)
		}
		next := of(1)
		if fits := l.fits(next); fits {
			// One begins before the other ends: there is never room for the large one.
			was := seat
			seat = l.take(next, -1)
			l.give(running, was)
			running, passed = next, passed+1
			continue
		}
		l.leave(next)
		l.give(running, seat)
	}
	if passed != mostPassed {
		t.Errorf("passed %d times, want %d", passed, mostPassed)
	}
	seat = l.take(large, -1)
	small := of(1)
	if l.fits(small) || len(l.hungry) != 1 {
		t.Errorf("beside the large one: %v", l.hungry)
	}
	l.give(large, seat)
	if !l.fits(small) {
		t.Error("nothing runs and there is no room")
	}
	l.leave(small)
	if len(l.hungry) != 0 {
		t.Errorf("wait still: %v", l.hungry)
	}
}
