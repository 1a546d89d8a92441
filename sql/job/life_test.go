package job_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

func TestLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := draft("ann")
	made := b.insert(d)
	if made.State != job.Queued {
		t.Fatalf("state after insert = %s", made.State)
	}
	if diff := cmp.Diff(made, b.find(d.ID), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("found differs from inserted (-inserted +found):\n%s", diff)
	}
	claimed := b.claim(5)
	if len(claimed) != 1 || claimed[0].ID != d.ID || claimed[0].Attempt != 1 || claimed[0].Token == "" || claimed[0].State != job.Running {
		t.Fatalf("claimed = %+v", claimed)
	}
	if diff := cmp.Diff(d.Inputs, claimed[0].Inputs); diff != "" {
		t.Errorf("inputs of the claim (-want +got):\n%s", diff)
	}
	end := job.End{
		ID: d.ID, Attempt: 1, Token: claimed[0].Token, Next: job.Succeeded,
		Result:   &job.Result{Class: fault.Succeeded, Detail: "zero \x00 and \\u0000 and ü", Usage: job.Usage{WallSeconds: 1.5, CPUSeconds: 1, PeakMemoryBytes: 1 << 20}},
		Outputs:  []job.Output{{File: "1", Name: "a.nk", Size: 3, SHA256: "cd", MediaType: "text/plain"}, {File: "2", Name: "b.shk"}},
		Previews: []job.Output{{File: "1", Name: "a.png"}},
		Ran:      json.RawMessage(`[{"argv":["x"]}]`),
		Mails:    []outbox.Draft{{Kind: "success", To: "ann@studio.example"}},
	}
	if applied := b.finish(end); !applied[0] {
		t.Fatal("end was not applied")
	}
	if applied := b.finish(end); applied[0] {
		t.Error("end was applied twice")
	}
	found := b.find(d.ID)
	if found.State != job.Succeeded || found.EndedAt == nil || found.KeepUntil == nil {
		t.Errorf("found = %+v", found)
	}
	want := *end.Result
	want.Detail = "zero  and \\u0000 and ü"
	if diff := cmp.Diff(&want, found.Result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	outputs := []job.Output{{Attempt: 1, File: "1", Name: "a.nk", Size: 3, SHA256: "cd", MediaType: "text/plain"}, {Attempt: 1, File: "2", Name: "b.shk"}}
	if diff := cmp.Diff(outputs, found.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if len(found.Previews) != 1 {
		t.Errorf("previews = %+v", found.Previews)
	}
}
