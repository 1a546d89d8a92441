package webui_test

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/webui"
	"convertd/webui/auth"
)

// press sends the form of a button and returns the newest run.
func (b *browser) press(recipe string, fields ...string) job.Job {
	b.t.Helper()
	a := b.upload(append([]string{"recipe=" + recipe}, fields...))
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/recipes/"+recipe {
		b.t.Fatalf("the button is answered %d to %q: %s", a.StatusCode, a.Header.Get("Location"), shown(words(a)))
	}
	found, err := b.jobs.List(context.Background(), job.Filter{Recipe: recipe, Limit: 1})
	if err != nil || len(found.Jobs) != 1 {
		b.t.Fatalf("the run is not there: %v", err)
	}
	return found.Jobs[0]
}

func TestButton_is_seen_by_all_who_may_press_it(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	other := b.bench.browser()
	says(t, b.open("/recipes/restart", 200), "Run …", "Everybody is cut off.", "Yes, run it", "Nobody has run it yet.")
	run := b.press("restart", "param.host=web2")
	own, theirs := b.open("/recipes/restart", 200), other.open("/recipes/restart", 200)
	says(t, own, "Run by you", "host = web2", `action="/jobs/`+run.ID+`/cancel"`, ">Stop<", `data-run disabled`)
	says(t, theirs, "Run by somebody without a name", "/jobs/"+run.ID, `data-log="/api/v1/jobs/`+run.ID+`/log"`)
	for _, text := range []string{own, theirs} {
		if strings.Contains(text, "anon:") {
			t.Error("the owner's digest is on the page")
		}
	}
	if strings.Contains(theirs, "/cancel") {
		t.Error("a stranger is offered to stop it")
	}
	says(t, own, `<option value="web2" selected>`)
	says(t, theirs, `<option value="web1" selected>`)
	a := other.upload([]string{"recipe=restart"})
	if a.StatusCode != http.StatusConflict {
		t.Errorf("a second press is answered %d", a.StatusCode)
	}
	says(t, words(a), "role=\"alert\"", "Run by somebody without a name")
	b.unblock()
	b.finish(b.claim(), fault.Succeeded)
	part := other.open("/recipes/restart/runs", 200)
	says(t, part, `data-newest="`+run.ID+`"`, "Done")
	if strings.Contains(part, "data-busy") || strings.Contains(part, "<html") {
		t.Errorf("after the end the part is %s", part)
	}
	says(t, b.open("/jobs/"+run.ID, 200), "Done in", "To its button")
	next := other.press("restart")
	says(t, b.open("/recipes/restart/runs", 200), `data-newest="`+next.ID+`"`)
}

func TestButton_runs_again_and_names_people(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) {
		o.Guard = auth.New(auth.Options{UserHeader: "X-Remote-User", TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	})
	const ann = "X-Remote-User: ann"
	body, contentType := formBody(t, []string{"recipe=restart", "param.host=web2"})
	run := b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType, ann).job(t, http.StatusAccepted)
	if got := b.get("/api/v1/recipes/restart/jobs"); !strings.Contains(string(got.body), `"owner":"ann"`) {
		t.Errorf("the runs do not name who ran them: %s", got.body)
	}
	if got := b.get("/api/v1/recipes/restart"); !strings.Contains(string(got.body), `"confirm":"Everybody is cut off."`) {
		t.Errorf("the recipe is %s", got.body)
	}
	if got := b.get("/api/v1/jobs/" + run.ID); strings.Contains(string(got.body), `"ann"`) {
		t.Errorf("the job's own document names its owner: %s", got.body)
	}
	says(t, b.browser().open("/recipes/restart", 200), "Run by ann")
	b.unblock()
	b.finish(b.claim(), fault.ConverterFailed)
	text := words(b.get("/jobs/"+run.ID+"/retry", ann))
	says(t, text, "Run Restart again", `<option value="web2" selected>`, ">Run<")
	if strings.Contains(text, "The file is still here") {
		t.Error("a run without a file speaks of one")
	}
}

func TestButton_is_nobodys_who_may_not_press_it(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	for _, path := range []string{"/recipes/deploy", "/recipes/deploy/runs", "/recipes/copy/runs", "/recipes/nope/runs"} {
		b.open(path, http.StatusNotFound)
	}
	b.press("button")
	if text := b.open("/recipes/button", 200); strings.Contains(text, "data-run disabled") {
		t.Error("a button that may be pressed twice is off")
	}
}

// ranged asks for bytes of a log.
func (b *bench) ranged(path, bytes string, status int) string {
	b.t.Helper()
	a := b.get(path, "Range: bytes="+bytes)
	if a.StatusCode != status {
		b.t.Errorf("bytes %s are answered %d, want %d", bytes, a.StatusCode, status)
	}
	return string(a.body)
}

func TestLog_in_ranges_and_searched(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	const head, tail = "one Alpha\ntwo beta\nfull\n", "eight ALPHA\nnine\n"
	b.writeLog(j.ID, c.Attempt, head)
	path := "/api/v1/jobs/" + j.ID + "/log"
	if got := b.ranged(path, "4-8", http.StatusPartialContent); got != "Alpha" {
		t.Errorf("a range of the head is %q", got)
	}
	b.ranged(path, strconv.Itoa(len(head))+"-", http.StatusRequestedRangeNotSatisfiable)
	if err := os.WriteFile(b.spool.Job(j.ID).LogTail(c.Attempt), []byte(tail), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ bytes, want string }{
		{"-5", "nine\n"}, {"0-", head + tail}, {"19-30", "full\neight A"}, {strconv.Itoa(len(head)) + "-28", "eight"},
	} {
		if got := b.ranged(path, row.bytes, http.StatusPartialContent); got != row.want {
			t.Errorf("bytes %s are %q, want %q", row.bytes, got, row.want)
		}
	}
	for _, row := range []struct{ query, want string }{
		{"q=alpha", "one Alpha\neight ALPHA\n"}, {"q=alpha&limit=1", "one Alpha\n"}, {"q=nothing", ""},
	} {
		if a := b.get(path + "?" + row.query); a.StatusCode != http.StatusOK || string(a.body) != row.want {
			t.Errorf("%s finds %q, want %q", row.query, a.body, row.want)
		}
	}
	for _, bad := range []string{"q=", "q=" + strings.Repeat("x", 201), "q=x&limit=0", "q=x&limit=many"} {
		b.get(path+"?"+bad).problemOf(t, fault.Invalid)
	}
}
