package job_test

import (
	"testing"
	"time"

	"convertd/sql/job"
)

func TestRecipeStats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, next := range []job.State{job.Succeeded, job.Succeeded, job.Failed} {
		last := end(b.run(draft("ann")), next)
		last.Result.Usage = job.Usage{WallSeconds: 2, CPUSeconds: 1.5, PeakMemoryBytes: 7}
		b.finish(last)
	}
	other := draft("ann")
	other.Recipe = "other"
	b.insert(other)
	if _, err := b.RequestCancel(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	found, err := b.RecipeStats(t.Context())
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	if o := found[0]; o.Recipe != "other" || o.Cancelled != 1 || o.Seconds != nil {
		t.Errorf("other %+v", o)
	}
	if r := found[1]; r.Succeeded != 2 || r.Failed != 1 || r.Seconds == nil || *r.Seconds != 2 || r.CPUSeconds != 4.5 || r.PeakMemoryBytes != 7 {
		t.Errorf("tracks %+v", r)
	}
}

func TestHours(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, next := range []job.State{job.Succeeded, job.Succeeded, job.Failed} {
		last := end(b.run(draft("ann")), next)
		last.Result.Usage = job.Usage{WallSeconds: 2}
		b.finish(last)
	}
	found, err := b.Hours(t.Context(), 3)
	if err != nil || len(found) != 3 {
		t.Fatal(found, err)
	}
	sum, with := job.Hour{}, 0
	for i, h := range found {
		sum.Succeeded, sum.Failed, sum.Cancelled = sum.Succeeded+h.Succeeded, sum.Failed+h.Failed, sum.Cancelled+h.Cancelled
		if h.Succeeded > 0 {
			with++
			if h.Waited == nil || *h.Waited < 0 || h.Ran == nil || *h.Ran != 2 {
				t.Errorf("hour %+v", h)
			}
		} else if h.Waited != nil && h.Failed == 0 || h.Ran != nil {
			t.Errorf("an hour without ends has medians: %+v", h)
		}
		if i > 0 && h.Hour.Sub(found[i-1].Hour) != time.Hour {
			t.Errorf("%v follows %v", h.Hour, found[i-1].Hour)
		}
	}
	if sum.Succeeded != 2 || sum.Failed != 1 || sum.Cancelled != 0 || with == 0 {
		t.Errorf("in all %+v", sum)
	}
}

func TestLoads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.run(draft("ann"))
	b.insert(draft("ann"))
	b.insert(draft("ann"))
	found, err := b.Loads(t.Context())
	if err != nil || len(found) != 1 || found[0].Waiting != 2 || found[0].Running != 1 {
		t.Errorf("loads %+v, %v", found, err)
	}
}
