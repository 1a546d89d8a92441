package webui_test

import (
	"net/http"
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
