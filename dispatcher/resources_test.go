package dispatcher

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
	"convertd/sql/job"
)

func TestUnitsOfResources(t *testing.T) {
	t.Parallel()
	l := newLanes(Lanes{Slots: 8, Resources: map[string]int{"gpu": 3}})
	one, two := need{resources: map[string]int{"gpu": 1}}, need{resources: map[string]int{"gpu": 2}}
	first, second := l.grant(one, nil), l.grant(two, nil)
	if diff := cmp.Diff([]map[string][]int{{"gpu": {0}}, {"gpu": {1, 2}}}, []map[string][]int{first, second}); diff != "" {
		t.Error(diff)
	}
	if !l.lacks(one) {
		t.Error("a fourth unit of three")
	}
	l.revoke(first)
	if l.lacks(one) || !l.lacks(two) {
		t.Error("one unit is free and no more")
	}
	// One that was adopted keeps its own.
	if got := l.grant(one, map[string][]int{"gpu": {0}}); got["gpu"][0] != 0 || !l.lacks(one) {
		t.Errorf("adopted got %v", got)
	}
}

// Each running job has units of its own, and a job that waits for one holds up nobody
// who needs none.
func TestResourcesAreHandedOut(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	gpu := func(r *recipe.Recipe) { r.NeedsResource = map[string]int{"gpu": 1} }
	w := newWorld(t, shell("gpu", `while [ ! -e `+th.path("go")+` ]; do sleep 0.02; done; echo $CONVERTD_RESOURCE_GPU > "$2.txt"`, th.open, gpu), shell("copy", `cp "$1" "$2.txt"`))
	w.opts.Lanes = Lanes{Slots: 3, Resources: map[string]int{"gpu": 2}}
	var ids []string
	for range 4 {
		ids = append(ids, w.submit("gpu", "x"))
	}
	free := w.submit("copy", "x")
	w.serve(w.opts)
	w.await(free, job.Succeeded)
	th.tell("go")
	var seen []string
	for _, id := range ids {
		j := w.await(id, job.Succeeded)
		got, err := os.ReadFile(filepath.Join(w.spool.Job(id).Out(1), j.Outputs[0].File))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, strings.TrimSpace(string(got)))
	}
	slices.Sort(seen)
	if seen[0] != "0" || !slices.Contains(seen, "1") || seen[3] != "1" {
		t.Errorf("units %v", seen)
	}
}

// A recipe that needs what the machine does not have fails and says so.
func TestAResourceThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("gpu", `cp "$1" "$2.txt"`, func(r *recipe.Recipe) { r.NeedsResource = map[string]int{"gpu": 1} }))
	id := w.submit("gpu", "x")
	w.serve(w.opts)
	if j := w.await(id, job.Failed); !strings.Contains(j.Result.Detail, "gpu") {
		t.Errorf("failed with %q", j.Result.Detail)
	}
}
