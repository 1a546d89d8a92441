package webui_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/webui/client"
)

func (b *bench) submitJSON(body string) answer {
	b.t.Helper()
	return b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(body), "Content-Type: application/json")
}

func (b *bench) unblock() {
	b.t.Helper()
	if _, _, err := b.jobs.Unblock(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) jobState(id string) client.Job {
	b.t.Helper()
	return b.get("/api/v1/jobs/"+id).job(b.t, http.StatusOK)
}

func TestSubmit_after_other_jobs_waits_for_them(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.made()
	next := b.submit([]string{"recipe=button", "after=" + first.ID}).job(t, http.StatusAccepted)
	also := b.submitJSON(`{"recipe": "button", "after": ["`+first.ID+`", "`+next.ID+`"]}`).job(t, http.StatusAccepted)
	if next.State != "blocked" || also.State != "blocked" || next.QueuePosition != nil {
		t.Errorf("states %s, %s", next.State, also.State)
	}
	b.finish(b.claim(), fault.Succeeded)
	b.unblock()
	if got := b.jobState(next.ID).State; got != "queued" {
		t.Errorf("after the success it is %s", got)
	}
	b.finish(b.claim(), fault.ConverterFailed)
	b.unblock()
	if got := b.jobState(also.ID); got.State != "cancelled" || got.Error == nil || !strings.Contains(got.Error.Detail, next.ID) {
		t.Errorf("after a failure: %s, %+v", got.State, got.Error)
	}
}

func TestSubmit_after_refuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, body := range map[string]string{
		"a job that is not there": `{"recipe": "button", "after": ["` + strings.Repeat("A", 26) + `"]}`,
		"no id":                   `{"recipe": "button", "after": ["x"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			b.submitJSON(body).problemOf(t, fault.Invalid)
		})
	}
}

func TestSubmit_takes_outputs_of_jobs_that_have_not_ended(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.made()
	body := `{"recipe": "copy", "inputs": [{"job": "` + first.ID + `", "output": "result.txt"}]}`
	next := b.submitJSON(body).job(t, http.StatusAccepted)
	if next.State != "blocked" || len(next.Inputs) != 0 {
		t.Errorf("accepted as %s with %v", next.State, next.Inputs)
	}
	b.submitJSON(strings.Replace(body, "result.txt", "a/b", 1)).problemOf(t, fault.Invalid)
	b.finish(b.claim(), fault.ConverterFailed)
	b.unblock()
	if got := b.jobState(next.ID).State; got != "cancelled" {
		t.Errorf("after a failure it is %s", got)
	}
	// Tried again it asks for the same file, which will never come now.
	b.do(http.MethodPost, "/api/v1/jobs/"+next.ID+"/retry", nil, asAdmin).problemOf(t, fault.NotFound)
}

func TestRetry_takes_a_file_that_was_awaited_in_vain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.made()
	next := b.submitJSON(`{"recipe": "copy", "inputs": [{"job": "`+first.ID+`", "output": "result.txt"}]}`).job(t, http.StatusAccepted)
	if _, err := b.jobs.RequestCancel(t.Context(), next.ID); err != nil {
		t.Fatal(err)
	}
	b.finish(b.claim(), fault.Succeeded, upload{"result.txt", "made"})
	again := b.do(http.MethodPost, "/api/v1/jobs/"+next.ID+"/retry", nil, asAdmin).job(t, http.StatusAccepted)
	if again.State != "queued" || len(again.Inputs) != 1 || again.Inputs[0].Name != "result.txt" {
		t.Errorf("again %s with %+v", again.State, again.Inputs)
	}
	stored, err := os.ReadFile(filepath.Join(b.spool.Job(again.ID).In(), "1.txt"))
	if err != nil || string(stored) != "made" {
		t.Errorf("stored %q, %v", stored, err)
	}
}
