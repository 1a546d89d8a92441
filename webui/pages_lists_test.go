package webui_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/webui/client"
)

func TestPages_choices_follow_the_content(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
	a := b.do(http.MethodPost, "/choices?name=photo.txt", "application/octet-stream", strings.NewReader(png))
	text := words(a)
	says(t, text, `value="to-webp"`, "Looks like PNG", `value="copy"`, `data-settings="copy"`, `name="param.quality"`)
	if strings.Index(text, `value="to-webp"`) > strings.Index(text, `value="copy"`) {
		t.Error("the recipe for anything stands before the one for pictures")
	}
	for _, bad := range []string{"missing-tool", "merge", "button"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s is offered, which cannot take this one file", bad)
		}
	}
	large := b.do(http.MethodPost, "/choices?name=a", "application/octet-stream", strings.NewReader(strings.Repeat("x", 1<<20)))
	if large.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a megabyte of beginning is answered %d", large.StatusCode)
	}
}

// TestRecipes_that_are_not_installed: people are told that, the administrator what to type.
func TestRecipes_that_are_not_installed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	person, admin := b.browser(), b.administrator()
	const command, program = "apt-get install no-such-package", "no-such-program-anywhere"
	for _, path := range []string{"/recipes", "/recipes/missing-tool"} {
		text := person.open(path, http.StatusOK)
		says(t, text, "Not installed here")
		if strings.Contains(text, command) || strings.Contains(text, program) {
			t.Errorf("%s tells a person what only the administrator can do:\n%s", path, shown(text))
		}
		says(t, admin.open(path, http.StatusOK), "Not installed here", command)
	}
	says(t, admin.open("/admin/recipes", http.StatusOK), program, command)
	var told client.Recipe
	for _, tt := range []struct {
		headers []string
		want    string
	}{{nil, "What it needs is not installed here."}, {[]string{asAdmin}, command}} {
		a := b.do(http.MethodGet, "/api/v1/recipes/missing-tool", nil, tt.headers...)
		if err := json.Unmarshal(a.body, &told); err != nil || told.Available || told.Problem != tt.want {
			t.Errorf("the API tells %v: %+v, %v", tt.headers, told, err)
		}
		body, contentType := formBody(t, []string{"recipe=missing-tool"}, upload{"a.txt", "x"})
		refused := b.do(http.MethodPost, "/api/v1/jobs", body, append(tt.headers, "Content-Type: "+contentType)...).problem(t)
		if refused.Code != fault.Unavailable || strings.Contains(refused.Hint, command) != (tt.headers != nil) {
			t.Errorf("the refusal tells %v: %+v", tt.headers, refused)
		}
	}
}

func TestPages_lists_page_and_filter(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	for i := range 35 {
		b.submitted([]string{"to=copy"}, upload{fmt.Sprintf("file-%02d.txt", i), "x"})
	}
	text := b.open("/jobs", 200)
	says(t, text, "file-34.txt", "Older jobs")
	if strings.Contains(text, "file-04.txt") {
		t.Error("the first page shows all jobs")
	}
	next := regexp.MustCompile(`href="(/jobs\?cursor=[^"]+)"`).FindStringSubmatch(text)
	if next == nil {
		t.Fatal("there is no address of the next page")
	}
	says(t, b.open(next[1], 200), "file-04.txt", "file-00.txt", "Newest jobs")
	b.finish(b.claim(), fault.BadInput)
	failed := b.open("/jobs?state=failed", 200)
	says(t, failed, "file-00.txt", "The file is no good.")
	if strings.Contains(failed, "file-01.txt") {
		t.Error("the filter lets other states through")
	}
	says(t, b.open("/jobs?state=cancelled", 200), "No jobs in this state.")
}

func TestPages_own_jobs_are_filtered_by_recipe_and_time(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	b.submitted([]string{"recipe=to-webp"}, upload{"frame.exr", "x"})
	for i := range 31 {
		b.submitted([]string{"to=copy"}, upload{fmt.Sprintf("copied-%02d.txt", i), "x"})
	}
	text := b.open("/jobs?recipe=copy&since=day", 200)
	says(t, text, "copied-30.txt", `<option value="copy" selected>`, `<option value="day" selected>`, `<a class="button" rel="next" href="/jobs?cursor=`, "&recipe=copy&since=day")
	if strings.Contains(text, "frame.exr") {
		t.Error("the filter lets another recipe through")
	}
	says(t, b.open("/jobs?recipe=to-webp", 200), "frame.exr", "/jobs?recipe=to-webp&state=failed")
	says(t, b.open("/jobs?recipe=gone-by-now", 200), "Nothing matches this search.", `<option value="gone-by-now" selected>`)
	if _, err := b.others.Exec(`update job set created_at = created_at - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	says(t, b.open("/jobs?since=hour", 200), "Nothing matches this search.")
	says(t, b.open("/jobs?since=day", 200), "copied-30.txt")
	says(t, setup(t).browser().open("/jobs?owner=anyone", 200), "No jobs yet.")
}

func TestPages_administration(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner, admin := b.browser(), b.browser()
	owner.submitted([]string{"to=copy"}, upload{"needle.txt", "x"})
	owner.submitted([]string{"to=copy"}, upload{"hay.txt", "x"})
	says(t, owner.open("/admin", 404), "Nothing here")
	code := b.guard.NewCode()
	says(t, admin.open("/admin/sign-in?code="+code, 200), code) // looking does not use it up
	if a := admin.post("/admin/sign-in", "code="+code); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/admin" {
		t.Fatalf("signing in is answered %d", a.StatusCode)
	}
	says(t, admin.open("/admin", 200), "needle.txt", "hay.txt", "anon:")
	found := admin.open("/admin?q=needle", 200)
	says(t, found, "needle.txt")
	if strings.Contains(found, "hay.txt") {
		t.Error("the search finds everything")
	}
	if a := b.browser().post("/admin/sign-in", "code="+code); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("the code works twice: %d", a.StatusCode)
	}
	admin.post("/admin/sign-out")
	admin.open("/admin", 404)
}

func TestPages_groups(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	b.open("/", 200)
	first := b.submitted([]string{"to=copy", "group=new"}, upload{"one.txt", "x"})
	j, err := b.jobs.Find(context.Background(), first)
	if err != nil {
		t.Fatal(err)
	}
	b.submitted([]string{"to=copy", "group=" + j.Group}, upload{"two.txt", "x"})
	b.finish(b.claim(), fault.Succeeded, upload{"one.copy", "x"})
	text := b.open("/groups/"+j.Group, 200)
	says(t, text, "2 files", "one.txt", "two.txt", `value="50"`, "Download all results", "Cancel all")
	if strings.Index(text, "one.txt") > strings.Index(text, "two.txt") {
		t.Error("the jobs of a group are not in the order in which they came")
	}
	if a := b.bench.browser().post("/groups/" + j.Group + "/cancel"); a.StatusCode != http.StatusForbidden {
		t.Errorf("a stranger cancels a group: %d", a.StatusCode)
	}
	if a := b.post("/groups/" + j.Group + "/cancel"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("cancelling the group is answered %d", a.StatusCode)
	}
	says(t, b.open("/groups/"+j.Group+"/head", 200), "Cancelled", `value="100"`)
}

func TestPages_recipes(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	says(t, b.open("/recipes", 200), "To webp", "pictures · .exr", "Missing tool", "Not installed here")
	says(t, b.open("/recipes/merge", 200), `type="file" name="file" required multiple`)
	says(t, b.open("/recipes/button", 200), ">Run<", "Nobody has run it yet.")
	b.open("/recipes/nope", 404)
}

func TestPages_tell_what_is_not_there(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/nothing", "/jobs/x", "/jobs/AAAAAAAAAAAAAAAAAAAAAAAAAA", "/groups/x", "/groups/AAAAAAAAAAAAAAAAAAAAAAAAAA", "/jobs/AAAAAAAAAAAAAAAAAAAAAAAAAA/card"} {
		text := b.browser().open(path, http.StatusNotFound)
		says(t, text, "Nothing here")
	}
	if a := b.get("/", "Host: evil.example"); a.StatusCode != http.StatusMisdirectedRequest || !bytes.Contains(a.body, []byte("<h1>")) {
		t.Errorf("a strange host is answered %d", a.StatusCode)
	}
	if a := b.get("/nothing"); len(a.Cookies()) != 0 {
		t.Error("an error page gives a cookie")
	}
}

func TestPages_without_files_any_more(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	id := b.submitted([]string{"to=copy"}, upload{"a.txt", "x"})
	b.finish(b.claim(), fault.Succeeded, upload{"a.copy", "x"})
	if _, err := b.jobs.KeepUntil(context.Background(), id, time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	text := b.open("/jobs/"+id, 200)
	says(t, text, "The files were deleted")
	if strings.Contains(text, "/retry") {
		t.Error("a job without files can be tried again")
	}
	b.open("/jobs/"+id+"/retry", http.StatusGone)
}

func TestPages_lines_of_a_log_of_any_kind(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	id := b.submitted([]string{"to=copy"}, upload{"a.txt", "x"})
	claimed := b.claim()
	content := "2026-03-14T12:00:00Z stdout " + strings.Repeat("x", 100_000) + "\nno stamp here \xff\xfe\n\n2026-03-14T12:00:01.5Z stderr <b>end</b>\n"
	b.writeLog(id, claimed.Attempt, content)
	b.finish(claimed, fault.ConverterFailed)
	a := b.do(http.MethodGet, "/jobs/"+id, "", nil)
	says(t, words(a), "no stamp here \uFFFD", "12:00:01", "<b>end</b>")
	if bytes.Contains(a.body, []byte("<b>end")) {
		t.Error("a line of a log came through as markup")
	}
	if len(a.body) > 100_000 {
		t.Errorf("the page has %d bytes, a long line among them", len(a.body))
	}
}
