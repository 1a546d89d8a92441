package job_test

import (
	"testing"

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
