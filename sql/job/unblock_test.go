package job_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/sql/job"
)

func keyed(owner, key string, reject bool) job.Draft {
	d := draft(owner)
	d.Concurrency = job.Concurrency{Key: key, Reject: reject}
	return d
}

func (b bundle) unblock() []string {
	b.t.Helper()
	cancelled, _, err := b.Unblock(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return cancelled
}

// Of the jobs with one concurrency key one at a time is let through, whatever ends it.
func TestConcurrencyKeyWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		if made := b.insert(keyed("ann", "k", false)); made.State != job.Blocked {
			t.Fatalf("state %s", made.State)
		}
	}
	b.insert(keyed("bob", "other", false))
	b.unblock()
	first := b.claim(10)
	slices.SortFunc(first, func(a, c job.Claimed) int { return len(a.ConcurrencyKey) - len(c.ConcurrencyKey) })
	if len(first) != 2 || first[0].ConcurrencyKey != "k" {
		t.Fatalf("claimed %+v", first)
	}
	b.unblock()
	if got := b.claim(10); len(got) != 0 {
		t.Fatalf("claimed %d beside the running one", len(got))
	}
	// Back to its queue it goes through the gate again.
	back := end(first[0], job.Queued)
	back.Result = nil
	b.finish(back)
	if got := b.find(first[0].ID).State; got != job.Blocked {
		t.Errorf("put back as %s", got)
	}
	for _, next := range []job.State{job.Succeeded, job.Failed, job.Cancelled} {
		b.unblock()
		b.unblock()
		got := b.claim(10)
		if len(got) != 1 {
			t.Fatalf("claimed %d, want one", len(got))
		}
		b.finish(end(got[0], next))
	}
}

func TestConcurrencyKeyRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	codes := make(chan fault.Code, 8)
	for range 8 {
		wg.Go(func() {
			_, err := b.Insert(context.Background(), keyed("ann", "k", true))
			codes <- fault.CodeOf(err)
		})
	}
	wg.Wait()
	close(codes)
	counts := map[fault.Code]int{}
	for code := range codes {
		counts[code]++
	}
	if counts[""] != 1 || counts[fault.Conflict] != 7 {
		t.Errorf("of eight at once: %v", counts)
	}
	b.unblock()
	running := b.claim(1)
	_, err := b.Insert(context.Background(), keyed("bob", "k", true))
	wantCode(t, err, fault.Conflict)
	b.finish(end(running[0], job.Failed))
	b.insert(keyed("bob", "k", true))
}

// after makes a draft that needs other jobs.
func after(needs ...string) job.Draft {
	d := draft("ann")
	for _, id := range needs {
		d.Needs = append(d.Needs, job.Need{Job: id})
	}
	return d
}

func TestAfterAll(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		ends []job.State
		want job.State
		why  string
	}{
		{"all succeed", []job.State{job.Succeeded, job.Succeeded}, job.Queued, ""},
		{"one has not ended", []job.State{job.Succeeded}, job.Blocked, ""},
		{"one fails", []job.State{job.Succeeded, job.Failed}, job.Cancelled, "failed."},
		{"one fails while another runs", []job.State{job.Failed}, job.Cancelled, "failed."},
		{"one is cancelled", []job.State{job.Cancelled, job.Succeeded}, job.Cancelled, "was cancelled."},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			one, two := b.insert(draft("ann")), b.insert(draft("ann"))
			last := b.insert(after(one.ID, two.ID))
			next := b.insert(after(last.ID))
			running := b.claim(2)
			for i, state := range row.ends {
				b.finish(end(running[i], state))
			}
			b.unblock()
			b.unblock()
			found := b.find(last.ID)
			if found.State != row.want {
				t.Errorf("state %s, want %s", found.State, row.want)
			}
			if row.want != job.Cancelled {
				return
			}
			if found.Result == nil || !strings.HasSuffix(found.Result.Detail, ", which this one was to follow, "+row.why) {
				t.Errorf("the reason is %+v", found.Result)
			}
			if got := b.find(next.ID).State; got != job.Cancelled {
				t.Errorf("what follows the cancelled job is %s", got)
			}
		})
	}
}

// A dependency that was met stays met when its job is removed, and one that was deleted
// before can never be.
func TestDependenciesOutliveTheirJobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one := b.run(draft("ann"))
	later := time.Now().Add(time.Hour)
	d := after(one.ID)
	d.RunAt = &later
	met := b.insert(d)
	b.finish(end(one, job.Succeeded))
	unmet := b.insert(after(b.insert(draft("bob")).ID))
	needs, err := b.Needs(t.Context(), unmet.ID)
	if err != nil || len(needs) != 1 {
		t.Fatal(needs, err)
	}
	b.unblock()
	for _, id := range []string{one.ID, needs[0].Job} {
		if err := b.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	b.exec(`update job set run_at = now() where id = $1`, met.ID)
	if _, err := b.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.unblock()
	if got := b.find(met.ID).State; got != job.Queued {
		t.Errorf("the job whose dependency was met is %s", got)
	}
	if got := b.find(unmet.ID).State; got != job.Cancelled {
		t.Errorf("the job whose dependency was deleted is %s", got)
	}
}

func TestAwaitedOutputs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	source := b.run(draft("ann"))
	d := draft("ann")
	d.Inputs = nil
	d.Needs = []job.Need{{Job: source.ID, Output: "a.nk", Input: 1}}
	waits := b.insert(d)
	d = draft("ann")
	d.Needs = []job.Need{{Job: source.ID, Output: "nothing", Input: 2}}
	vain := b.insert(d)
	done := end(source, job.Succeeded)
	done.Outputs = []job.Output{{File: "1", Name: "a.nk", Size: 3, SHA256: "cd", MediaType: "text/plain"}}
	b.finish(done)
	b.unblock()
	found, err := b.Awaited(t.Context(), 10)
	if err != nil || len(found) != 2 || found[0].Missing || found[0].Attempt != 1 || found[0].File != "1" || !found[1].Missing {
		t.Fatalf("awaited %+v, %v", found, err)
	}
	for range 2 {
		if err := b.Deliver(t.Context(), found[0], "1.nk"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.GiveUp(t.Context(), vain.ID, "Not there.", "Name another."); err != nil {
		t.Fatal(err)
	}
	b.unblock()
	j := b.find(waits.ID)
	if j.State != job.Queued || len(j.Inputs) != 1 || j.Inputs[0].Number != 1 || j.Inputs[0].Name != "a.nk" || j.Inputs[0].File != "1.nk" {
		t.Errorf("delivered to %+v, %+v", j.State, j.Inputs)
	}
	if j := b.find(vain.ID); j.State != job.Cancelled || j.Result.Detail != "Not there." {
		t.Errorf("given up: %s, %+v", j.State, j.Result)
	}
}
