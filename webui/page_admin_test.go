package webui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
)

// administrator is a browser that has signed in.
func (b *bench) administrator() *browser {
	b.t.Helper()
	admin := b.browser()
	if a := admin.post("/admin/sign-in", "code="+b.guard.NewCode()); a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("signing in is answered %d", a.StatusCode)
	}
	return admin
}

// lacks reports what a page must not say.
func lacks(t *testing.T, text string, unwanted ...string) {
	t.Helper()
	for _, bad := range unwanted {
		if strings.Contains(text, bad) {
			t.Errorf("the page says %q:\n%s", bad, shown(text))
		}
	}
}

func TestAdmin_pages_are_for_the_administrator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stranger := b.browser()
	id := stranger.submitted([]string{"to=copy"}, upload{"a.txt", "x"})
	for _, path := range []string{"/admin", "/admin/audit"} {
		stranger.open(path, http.StatusNotFound)
	}
	if a := stranger.post("/admin", "act=delete", "job="+id); a.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger's act upon many jobs is answered %d", a.StatusCode)
	}
	stranger.open("/jobs/"+id, http.StatusOK)
}

func TestAdmin_list_is_narrowed_by_its_address(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner, admin := b.browser(), b.administrator()
	failed := owner.submitted([]string{"to=copy"}, upload{"broken.txt", "x"})
	b.finish(b.claim(), fault.BadInput)
	owner.submitted([]string{"to=webp"}, upload{"wait.exr", "x"})
	b.browser().submitted([]string{"to=copy"}, upload{"other.txt", "x"})
	rows, err := b.jobs.Find(t.Context(), failed)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ query, has, not string }{
		{"", "broken.txt wait.exr other.txt", ""},
		{"?state=failed", "broken.txt", "wait.exr other.txt"},
		{"?recipe=to-webp", "wait.exr", "broken.txt other.txt"},
		{"?owner=" + rows.Owner, "broken.txt wait.exr", "other.txt"},
		{"?q=NO GOOD", "broken.txt", "wait.exr other.txt"},
		{"?q=" + strings.ToLower(failed[:12]), "broken.txt", "wait.exr other.txt"},
		{"?since=hour&state=queued&q=.txt", "other.txt", "broken.txt wait.exr"},
		{"?q=nothing-has-this-name", "Nothing matches", "broken.txt wait.exr other.txt"},
		{"?recipe=gone", `value="gone" selected`, "broken.txt"},
	} {
		text := admin.open("/admin"+strings.ReplaceAll(tt.query, " ", "+"), http.StatusOK)
		says(t, text, strings.Fields(tt.has)[0])
		if !strings.Contains(tt.has, "matches") && !strings.Contains(tt.has, "value=") {
			says(t, text, strings.Fields(tt.has)...)
		}
		lacks(t, text, strings.Fields(tt.not)...)
	}
	says(t, admin.open("/admin?state=failed&q=x", http.StatusOK), `/admin?q=x&state=queued`, `Failed <span class="soft num">1</span>`, "The file is no good.", "bad_input")
	if a := admin.post("/admin?cursor=x", "act=retry"); a.StatusCode != http.StatusBadRequest {
		t.Errorf("nothing chosen is answered %d", a.StatusCode)
	}
}

func TestAdmin_does_the_same_to_many_jobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner, admin := b.browser(), b.administrator()
	ended := owner.submitted([]string{"to=copy"}, upload{"ended.txt", "x"})
	b.finish(b.claim(), fault.BadInput)
	waiting := owner.submitted([]string{"to=copy"}, upload{"waiting.txt", "x"})
	other := owner.submitted([]string{"to=copy"}, upload{"other.txt", "x"})

	after := func(fields ...string) string {
		t.Helper()
		a := admin.post("/admin", fields...)
		if a.StatusCode != http.StatusSeeOther {
			t.Fatalf("%q is answered %d: %s", fields, a.StatusCode, shown(words(a)))
		}
		return admin.open(a.Header.Get("Location"), http.StatusOK)
	}
	says(t, after("act=cancel", "job="+ended, "job="+waiting), "1 job was cancelled. 1 could not be: The job has ended already")
	text := after("act=retry", "job="+ended, "job="+waiting, "state=failed")
	says(t, text, "2 jobs are tried again.", "ended.txt", `name="state" value="failed"`)
	lacks(t, text, "other.txt")
	says(t, after("act=delete", "which=matching", "q=other.txt"), "1 job was deleted.")
	admin.open("/jobs/"+other, http.StatusNotFound)
	if a := admin.post("/admin", "act=explode", "job="+waiting); a.StatusCode != http.StatusBadRequest {
		t.Errorf("an act that there is not is answered %d", a.StatusCode)
	}
	want := []string{"page sign-in   done", "page cancel " + ended + " copy already_ended", "page cancel " + waiting + " copy done",
		"page retry " + ended + " copy done", "page retry " + waiting + " copy done", "page delete " + other + " copy done"}
	if diff := cmp.Diff(want, b.acts()); diff != "" {
		t.Error(diff)
	}
	audit := admin.open("/admin/audit", http.StatusOK)
	says(t, audit, "Signed in", "Deleted a job", "Refused: already_ended", `href="/jobs/`+waiting+`"`)
	lacks(t, admin.open("/admin/audit?verb=delete", http.StatusOK), waiting)
}
