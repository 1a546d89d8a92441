package dispatcher

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/sql/job"
)

func TestAJobRunsFromClaimToResult(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("upper", `tr a-z A-Z < "$1" > "$2.txt"`))
	id := w.submit("upper", "hello")
	w.serve(w.opts)
	j := w.await(id, job.Succeeded)
	if len(j.Outputs) != 1 || j.Outputs[0].Name != "my file.txt" || j.Outputs[0].Attempt != 1 {
		t.Fatalf("outputs %+v, want one named after the input", j.Outputs)
	}
	got, err := os.ReadFile(filepath.Join(w.spool.Job(id).Out(1), j.Outputs[0].File))
	if err != nil || string(got) != "HELLO" {
		t.Errorf("result %q, %v", got, err)
	}
	if j.Result.Class != fault.Succeeded || j.Result.Usage.WallSeconds <= 0 || j.KeepUntil == nil {
		t.Errorf("result %+v, kept until %v", j.Result, j.KeepUntil)
	}
	w.checkClean(id, 1)
	var s progress.Status
	until(t, "the final status is in memcached", func() bool {
		docs, err := w.cache.store.Get(context.Background(), []string{id})
		return err == nil && json.Unmarshal(docs[id], &s) == nil && s.Done
	})
	if s.State != "succeeded" || s.Percent == nil || *s.Percent != 100 {
		t.Errorf("final status %+v", s)
	}
}
