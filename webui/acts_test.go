package webui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/webui/client"
)

// acts are lines of the audit log, the oldest first: how, what, to what, what came of it.
func (b *bench) acts() []string {
	b.t.Helper()
	var page client.Acts
	b.ask(http.MethodGet, "/api/v1/audit", &page)
	lines := make([]string, len(page.Acts))
	for i, a := range page.Acts {
		outcome := string(a.Code)
		switch {
		case a.Done == nil:
			outcome = "unknown"
		case *a.Done:
			outcome = "done"
		}
		if a.Who != "administrator" || a.Address != "127.0.0.1" || a.At.IsZero() {
			b.t.Errorf("act %+v", a)
		}
		lines[len(lines)-1-i] = strings.Join([]string{a.Via, a.Verb, a.Target, a.Detail, outcome}, " ")
	}
	return lines
}

// asJSON sends a document as the administrator.
func (b *bench) asJSON(method, path, body string) answer {
	b.t.Helper()
	return b.do(method, path, strings.NewReader(body), asAdmin, "Content-Type: application/json")
}

func TestActs_of_the_API_are_in_the_audit_log(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ended := b.done(upload{"out.txt", "x"}).ID
	waiting := b.made().ID
	in := b.submit([]string{"recipe=copy", "group=new"}, upload{"a.txt", "x"}).job(t, http.StatusAccepted)
	b.asJSON(http.MethodPost, "/api/v1/queues/default/pause", "")
	b.asJSON(http.MethodPost, "/api/v1/queues/default/resume", "")
	b.asJSON(http.MethodPost, "/api/v1/dispatchers/drain", `{"mode": "drain"}`)
	b.asJSON(http.MethodPost, "/api/v1/jobs/"+waiting+"/cancel", "")
	b.asJSON(http.MethodPost, "/api/v1/groups/"+*in.Group+"/cancel", "")
	b.asJSON(http.MethodPost, "/api/v1/jobs/"+ended+"/cancel", "").problemOf(t, fault.AlreadyEnded)
	b.asJSON(http.MethodPatch, "/api/v1/jobs/"+ended, `{"keep_until": "2099-01-01T00:00:00Z"}`).problemOf(t, fault.Invalid)
	b.asJSON(http.MethodPost, "/api/v1/jobs/"+ended+"/retry", "").job(t, http.StatusAccepted)
	b.asJSON(http.MethodPost, "/api/v1/jobs/"+ended+"/replay", "")
	b.asJSON(http.MethodDelete, "/api/v1/jobs/"+ended, "")
	want := []string{
		"api pause default  done", "api resume default  done", "api drain  drain done",
		"api cancel " + waiting + " copy done", "api cancel-group " + *in.Group + "  done",
		"api cancel " + ended + " copy already_ended", "api retry " + ended + " copy done",
		"api replay " + ended + " copy done", "api delete " + ended + " copy done",
	}
	if diff := cmp.Diff(want, b.acts()); diff != "" {
		t.Error(diff)
	}
}

func TestActs_are_only_those_of_the_administrator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := b.browser()
	id := owner.submitted([]string{"to=copy"}, upload{"a.txt", "x"})
	owner.post("/jobs/" + id + "/cancel")
	owner.post("/jobs/" + id + "/delete")
	b.get("/api/v1/audit").problemOf(t, fault.Unauthorized)
	if lines := b.acts(); len(lines) > 0 {
		t.Errorf("what an owner does stands in the log: %q", lines)
	}
	admin := b.browser()
	admin.post("/admin/sign-in", "code="+b.guard.NewCode())
	id = owner.submitted([]string{"to=copy"}, upload{"a.txt", "x"})
	admin.post("/jobs/" + id + "/cancel")
	admin.post("/jobs/" + id + "/delete")
	want := []string{"page sign-in   done", "page cancel " + id + " copy done", "page delete " + id + " copy done"}
	if diff := cmp.Diff(want, b.acts()); diff != "" {
		t.Error(diff)
	}
}

// What cannot be written down is not done.
func TestActs_that_cannot_be_noted_are_not_done(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	if _, err := b.others.Exec(`insert into act (id, who, address, via, verb, target) overriding system value
		select i, 'x', '', 'api', 'keep', '' from generate_series(1, 20) i`); err != nil {
		t.Fatal(err)
	}
	if a := b.asJSON(http.MethodDelete, "/api/v1/jobs/"+j.ID, ""); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("deleting is answered %d", a.StatusCode)
	}
	b.get("/api/v1/jobs/"+j.ID).job(t, http.StatusOK)
}

func TestActs_are_listed_in_pages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		b.asJSON(http.MethodPost, "/api/v1/queues/default/pause", "")
	}
	var first, rest client.Acts
	b.ask(http.MethodGet, "/api/v1/audit?limit=2&verb=pause&q=DEFAULT", &first)
	b.ask(http.MethodGet, "/api/v1/audit?limit=2&cursor="+first.Next, &rest)
	if len(first.Acts) != 2 || len(rest.Acts) != 1 || rest.Next != "" {
		t.Errorf("pages of %d and %d acts, then %q", len(first.Acts), len(rest.Acts), rest.Next)
	}
	for _, bad := range []string{"verb=dance", "cursor=x", "limit=0", "colour=red"} {
		if a := b.get("/api/v1/audit?"+bad, asAdmin); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s is answered %d", bad, a.StatusCode)
		}
	}
}
