package job_test

import (
	"testing"

	"convertd/runner/fault"
	"convertd/sql/job"
)

func TestFailuresAreCountedByKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, detail := range []string{"Line 7 of “a.txt” is broken.", "Line 81 of “b.txt” is broken.", "Something else."} {
		last := end(b.run(draft("ann")), job.Failed)
		last.Result.Class, last.Result.Detail = fault.BadInput, detail
		b.finish(last)
	}
	b.finish(end(b.run(draft("ann")), job.Succeeded))
	found, err := b.Failures(t.Context(), "", 10)
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	if f := found[0]; f.Failures != 2 || f.LastDay != 2 || f.Reason != "Line # of “…” is broken." || f.LastDetail != "Line 81 of “b.txt” is broken." || f.Class != fault.BadInput {
		t.Errorf("most common %+v", f)
	}
	if found, err := b.Failures(t.Context(), "other", 10); err != nil || len(found) != 0 {
		t.Errorf("of another recipe: %+v, %v", found, err)
	}
}
