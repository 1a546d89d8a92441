package job_test

import (
	"context"
	"sync"
	"testing"

	"convertd/runner/fault"
	"convertd/sql/job"
)

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("a waiting job is cancelled at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		made := b.insert(draft("ann"))
		cancelled, err := b.RequestCancel(ctx, made.ID)
		if err != nil || cancelled.State != job.Cancelled || cancelled.Result.Class != fault.Cancelled || cancelled.KeepUntil == nil {
			t.Errorf("cancelled = %+v, %v", cancelled, err)
		}
		if again, err := b.RequestCancel(ctx, made.ID); err != nil || again.State != job.Cancelled {
			t.Errorf("again = %s, %v", again.State, err)
		}
		if claimed := b.claim(5); len(claimed) != 0 {
			t.Errorf("claimed a cancelled job: %+v", claimed)
		}
	})
	t.Run("services are told of what waited between two attempts", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		back, gone := b.run(draft("ann")), b.run(draft("ann"))
		b.finish(end(back, job.Queued), end(gone, job.Queued))
		fresh := b.insert(draft("ann"))
		for _, id := range []string{fresh.ID, back.ID} {
			if _, err := b.RequestCancel(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Delete(ctx, gone.ID); err != nil {
			t.Fatal(err)
		}
		if waiting, err := b.Deleted(ctx, 5); err != nil || len(waiting) != 0 {
			t.Errorf("%d jobs are removed before their services are told, %v", len(waiting), err)
		}
		owed, err := b.Farewells(ctx, 5)
		if err != nil || len(owed) != 2 || owed[0].ID != back.ID || owed[1].ID != gone.ID || owed[0].Attempt != 1 {
			t.Fatalf("owed = %+v, %v", owed, err)
		}
		for i, told := range []bool{false, true} { // the first could not be told: later again
			if err := b.FarewellOver(ctx, owed[i].ID, told); err != nil {
				t.Fatal(err)
			}
		}
		if owed, err := b.Farewells(ctx, 5); err != nil || len(owed) != 1 || owed[0].ID != back.ID {
			t.Errorf("still owed = %+v, %v", owed, err)
		}
		if deleted, err := b.Deleted(ctx, 5); err != nil || len(deleted) != 1 {
			t.Errorf("deleted = %+v, %v", deleted, err)
		}
	})
	t.Run("a running job is asked to end and does not go back", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		running := b.run(draft("ann"))
		asked, err := b.RequestCancel(ctx, running.ID)
		if err != nil || asked.State != job.Running || !asked.CancelRequested {
			t.Fatalf("asked = %+v, %v", asked, err)
		}
		ids, err := b.CancelRequested(ctx)
		if err != nil || len(ids) != 1 || ids[0] != running.ID {
			t.Fatalf("cancel requested = %v, %v", ids, err)
		}
		back := end(running, job.Queued)
		back.CountFailure = true
		b.finish(back)
		found := b.find(running.ID)
		if found.State != job.Cancelled || found.Result.Class != fault.Cancelled || found.Result.Detail != "" {
			t.Errorf("found = %+v %+v", found.Life, found.Result)
		}
		if ids, err := b.CancelRequested(ctx); err != nil || len(ids) != 0 {
			t.Errorf("cancel requested after the end = %v, %v", ids, err)
		}
	})
	t.Run("a result that was faster stays", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		running := b.run(draft("ann"))
		if _, err := b.RequestCancel(ctx, running.ID); err != nil {
			t.Fatal(err)
		}
		b.finish(end(running, job.Succeeded))
		if found := b.find(running.ID); found.State != job.Succeeded {
			t.Errorf("state = %s", found.State)
		}
	})
	t.Run("an ended job answers already_ended", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		running := b.run(draft("ann"))
		b.finish(end(running, job.Failed))
		found, err := b.RequestCancel(ctx, running.ID)
		wantCode(t, err, fault.AlreadyEnded)
		if found.State != job.Failed {
			t.Errorf("state = %s", found.State)
		}
	})
	t.Run("an unknown job is not found", func(t *testing.T) {
		t.Parallel()
		_, err := setup(t).RequestCancel(ctx, "nobody")
		wantCode(t, err, fault.NotFound)
	})
}

// Whoever of the two comes first, the job is either cancelled and never claimed, or
// claimed and asked to end: never both, never neither.
func TestCancelAgainstClaim(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 40 {
		made := b.insert(draft("ann"))
		var claimed []job.Claimed
		both(
			func() { claimed = b.claim(1) },
			func() { b.cancel(made.ID) },
		)
		after := b.find(made.ID)
		switch {
		case len(claimed) == 0 && after.State == job.Cancelled && after.Attempt == 0:
		case len(claimed) == 1 && after.State == job.Running && after.CancelRequested:
			b.finish(end(claimed[0], job.Cancelled))
		default:
			t.Fatalf("claimed %d, then %+v", len(claimed), after.Life)
		}
	}
}

// A cancel that meets the end of an attempt that goes back must not be lost.
func TestCancelAgainstFinish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 40 {
		running := b.run(draft("ann"))
		both(
			func() { b.finish(end(running, job.Queued)) },
			func() { b.cancel(running.ID) },
		)
		if after := b.find(running.ID); after.State != job.Cancelled {
			t.Fatalf("after cancel and going back: %+v", after.Life)
		}
	}
}

// cancel cancels a job that has not ended.
func (b bundle) cancel(id string) {
	if _, err := b.RequestCancel(context.Background(), id); err != nil {
		b.t.Errorf("cancel: %v", err)
	}
}

// both runs two things at once and waits for them.
func both(one, other func()) {
	var work sync.WaitGroup
	work.Go(one)
	work.Go(other)
	work.Wait()
}
