package webui_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/check"
	"convertd/sql/roster"
	"convertd/webui"
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
	for _, path := range []string{"/admin", "/admin/audit", "/admin/queues", "/admin/failures", "/admin/refused", "/admin/recipes", "/admin/findings", "/admin/charts"} {
		stranger.open(path, http.StatusNotFound)
	}
	if a := stranger.post("/admin", "act=delete", "job="+id); a.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger's act upon many jobs is answered %d", a.StatusCode)
	}
	for _, form := range []string{"/admin/queues", "/admin/drain"} {
		if a := stranger.post(form, "queue=default", "do=pause", "mode=drain"); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered %d to a stranger", form, a.StatusCode)
		}
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
	says(t, after("act=cancel", "job="+ended, "job="+waiting), "1 job was cancelled. 1 job was left as it is: The job has ended already")
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

func TestAdmin_queues_resources_and_dispatchers(t *testing.T) {
	t.Parallel()
	gpu := testRecipes().All()
	for i := range gpu {
		gpu[i].NeedsResource = map[string]int{"gpu": 2}
	}
	set := recipe.NewSet(gpu, nil)
	b := setup(t, func(o *webui.Options) {
		o.QueueLimits = map[string]webui.QueueLimits{"default": {Running: 4, Waiting: 9}}
		o.Resources, o.Recipes = map[string]int{"gpu": 3}, func() *recipe.Set { return set }
	})
	admin := b.administrator()
	says(t, admin.open("/admin/queues", http.StatusOK), "No dispatcher was seen lately")
	b.made()
	b.claim()
	b.made()
	seen := roster.NewStore(b.others)
	self := roster.Dispatcher{ID: "one", Spool: "/s", Host: "farm-7", PID: 7, Version: "1", State: roster.Serving, Slots: 8, Running: 1, StartedAt: time.Now(), Trouble: "The disk is full."}
	if _, err := seen.Say(t.Context(), self); err != nil {
		t.Fatal(err)
	}
	says(t, admin.open("/admin/queues", http.StatusOK), "1 of 4", "1 of 9", "Pause default", "farm-7", "The disk is full.", "1 of 8", "2 of 3</td><td class=\"num\">1</td><td class=\"num\">1</td>")
	admin.post("/admin/queues", "queue=default", "do=pause")
	says(t, admin.open("/admin/queues", http.StatusOK), "Resume default", "Paused")
	admin.post("/admin/queues", "queue=default", "do=resume")
	lacks(t, admin.open("/admin/queues", http.StatusOK), "Paused")
	for _, mode := range []roster.Mode{roster.Drain, roster.Now} {
		admin.post("/admin/drain", "mode="+string(mode))
		if told, err := seen.Say(t.Context(), self); told != mode || err != nil {
			t.Errorf("the dispatcher is told %q, want %q (%v)", told, mode, err)
		}
	}
	admin.post("/admin/drain", "mode=off")
	if told, err := seen.Say(t.Context(), self); told != roster.Off || err != nil {
		t.Errorf("the dispatcher is told %q after the drain was taken back (%v)", told, err)
	}
	if a := admin.post("/admin/queues", "queue=nowhere", "do=pause"); a.StatusCode != http.StatusNotFound {
		t.Errorf("pausing a queue that there is not is answered %d", a.StatusCode)
	}
	want := []string{"page sign-in   done", "page pause default  done", "page resume default  done", "page drain  drain done", "page drain  now done", "page drain  off done"}
	if diff := cmp.Diff(want, b.acts()); diff != "" {
		t.Error(diff)
	}
}

func TestAdmin_failures_refusals_recipes_and_findings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.administrator()
	for path, nothing := range map[string]string{"failures": "Nothing failed", "refused": "Nobody was turned away", "findings": "No dispatcher has examined"} {
		says(t, admin.open("/admin/"+path, http.StatusOK), nothing)
	}
	b.made()
	failed := b.claim()
	b.finish(failed, fault.BadInput)
	b.submit([]string{"recipe=copy"}, upload{"empty.txt", ""}).problemOf(t, fault.EmptyFile)
	if err := check.NewStore(b.others).Replace(t.Context(), "farm-7", []check.Finding{{Topic: "swap", Level: "warn", Text: "There is swap.", Remedy: "Switch it off."}}); err != nil {
		t.Fatal(err)
	}
	says(t, admin.open("/admin/failures", http.StatusOK), "The file is no good.", "bad_input", "/jobs/"+failed.ID, "/admin?recipe=copy&state=failed")
	says(t, admin.open("/admin/failures?recipe=merge", http.StatusOK), "Nothing failed")
	says(t, admin.open("/admin/refused", http.StatusOK), "empty_file", "copy")
	says(t, admin.open("/admin/recipes", http.StatusOK), "Missing: no-such-program-anywhere", "no-such-package", "prod.example", "nothing", "7 days")
	says(t, admin.open("/admin/findings", http.StatusOK), "farm-7", "swap", "Look at it", "There is swap.", "Switch it off.")
}

func TestAdmin_attempts_and_replay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.administrator()
	id := b.made().ID
	says(t, admin.open("/admin/jobs/"+id, http.StatusOK), "This job has not started yet.", "There is nothing to replay")
	b.finish(b.claim(), fault.ConverterFailed)
	if _, err := b.others.Exec(`update attempt set ran = $2, limits = $3, machine = '{"host": "farm-7"}', peak_memory_bytes = 500000000 where job = $1`, id,
		`[{"argv": ["cp", "it's here", "b"], "version": "9.1", "exit_code": 4, "seconds": 2}]`, `{"memory": 1000000000, "time": 60000000000}`); err != nil {
		t.Fatal(err)
	}
	text := admin.open("/admin/jobs/"+id, http.StatusOK)
	says(t, text, "Attempt 1", "converter_failed", `cp 'it'\''s here' b`, "9.1 · 2 s · Exit status 4", "500 MB of 1 GB", `value="50.0"`, "1.5 s of 1 min", "farm-7",
		"convertd replay "+id, "The limit of memory was 1000000000 and is 2147483648 now.", "Replay the last attempt")
	says(t, admin.open("/jobs/"+id, http.StatusOK), `href="/admin/jobs/`+id+`"`)
	lacks(t, b.browser().open("/jobs/"+id, http.StatusOK), "/admin/jobs/")
	a := admin.post("/admin/jobs/" + id + "/replay")
	made, ok := strings.CutPrefix(a.Header.Get("Location"), "/jobs/")
	if a.StatusCode != http.StatusSeeOther || !ok || made == id {
		t.Fatalf("replaying is answered %d to %q: %s", a.StatusCode, a.Header.Get("Location"), shown(words(a)))
	}
	if j, err := b.jobs.Find(t.Context(), made); err != nil || j.RetryOf != id {
		t.Errorf("the replay is of %q, %v", j.RetryOf, err)
	}
	if a := b.browser().post("/admin/jobs/" + id + "/replay"); a.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger's replay is answered %d", a.StatusCode)
	}
	b.browser().open("/admin/jobs/"+id, http.StatusNotFound)
	if acts := b.acts(); acts[len(acts)-1] != "page replay "+id+" copy done" {
		t.Errorf("acts %q", acts)
	}
}

func TestAdmin_charts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.administrator()
	says(t, admin.open("/admin/charts", http.StatusOK), "Nothing ended in the last 24 hours.", "Disk of the spool")
	b.made()
	b.finish(b.claim(), fault.Succeeded)
	b.made()
	b.finish(b.claim(), fault.BadInput)
	text := admin.open("/admin/charts", http.StatusOK)
	says(t, text, `<rect class="good" x="471.00" y="50.00" width="8.00" height="50.00">`, `<rect class="bad" x="471.00" y="0.00"`, "At most 2", "0 B of 2.1 GB", `/admin?recipe=copy`)
}
