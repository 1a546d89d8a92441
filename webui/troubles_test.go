package webui_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/webui/client"
)

func TestFailures_most_common_first(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, class := range []fault.Class{fault.BadInput, fault.Timeout, fault.Timeout} {
		b.made()
		b.finish(b.claim(), class)
	}
	var all, none client.Failures
	b.ask(http.MethodGet, "/api/v1/failures", &all)
	b.ask(http.MethodGet, "/api/v1/failures?recipe=merge", &none)
	if len(all.Failures) != 2 || all.Failures[0].Class != fault.Timeout || all.Failures[0].Failures != 2 || all.Failures[0].LastJob == "" || len(none.Failures) != 0 {
		t.Errorf("all %+v, none %+v", all, none)
	}
	b.get("/api/v1/failures").problemOf(t, fault.Unauthorized)
	b.get("/api/v1/failures?limit=0", asAdmin).problemOf(t, fault.Invalid)
	b.get("/api/v1/failures?since=yesterday", asAdmin).problemOf(t, fault.Unsupported)
}

func TestRefused_submissions_are_kept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.made()
	b.submit([]string{"recipe=copy"}, upload{"empty.txt", ""}).problemOf(t, fault.EmptyFile)
	b.submit([]string{"recipe=nobody"}, upload{"a.txt", "x"}).problemOf(t, fault.Invalid)
	var page, next client.Refusals
	b.ask(http.MethodGet, "/api/v1/refused?limit=1", &page)
	if len(page.Refused) != 1 || page.Refused[0].Recipe != "nobody" || page.Next == "" {
		t.Fatalf("newest %+v", page)
	}
	b.ask(http.MethodGet, "/api/v1/refused?limit=1&cursor="+page.Next, &next)
	if len(next.Refused) != 1 || next.Refused[0].Code != fault.EmptyFile || next.Refused[0].Recipe != "copy" || next.Refused[0].Owner == "" || next.Next != "" {
		t.Errorf("the one before %+v", next)
	}
	b.get("/api/v1/refused").problemOf(t, fault.Unauthorized)
}

// Whatever way a submission comes, its refusal is kept.
func TestRefusals_of_forms_and_retries_are_kept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	page := b.browser()
	page.open("/", http.StatusOK)
	page.upload([]string{"recipe=copy"}, upload{"empty.txt", ""})
	id := page.submitted([]string{"recipe=copy"}, upload{"a.txt", "x"})
	b.finish(b.claim(), fault.BadInput)
	if a := page.post("/jobs/"+id+"/retry", "param.quality=9999"); a.StatusCode != http.StatusBadRequest {
		t.Fatalf("retry answers %d", a.StatusCode)
	}
	b.do(http.MethodPost, "/api/v1/jobs/"+id+"/retry", strings.NewReader(`{"params": {"quality": 9999}}`), asAdmin, "Content-Type: application/json").problemOf(t, fault.Invalid)
	var list client.Refusals
	b.ask(http.MethodGet, "/api/v1/refused", &list)
	var codes []fault.Code
	for _, refused := range list.Refused {
		codes = append(codes, refused.Code)
		if refused.Owner == "" || refused.Recipe != "copy" || refused.Detail == "" {
			t.Errorf("kept %+v", refused)
		}
	}
	if want := []fault.Code{fault.Invalid, fault.Invalid, fault.EmptyFile}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
}
