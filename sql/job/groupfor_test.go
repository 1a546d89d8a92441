package job_test

import (
	"crypto/rand"
	"testing"

	"convertd/sql/job"
)

func TestGroupFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.run(draft("ann"))
	first := rand.Text()
	for _, id := range []string{first, rand.Text()} {
		if got, err := b.GroupFor(t.Context(), c.ID, id); got != first || err != nil {
			t.Errorf("group %s, %v, want the first", got, err)
		}
	}
	b.finish(end(c, job.Succeeded))
	if n, err := b.InGroup(t.Context(), first, 10); n != 1 || err != nil {
		t.Errorf("%d in the group, %v", n, err)
	}
	if got := b.find(c.ID).Group; got != first {
		t.Errorf("the job is in %q", got)
	}
}
