package webui_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/webui"
	"convertd/webui/auth"
	"convertd/webui/client"
)

// browser is a client with the cookies of one browser.
type browser struct {
	*bench
	cookies map[string]string
}

func (b *bench) browser() *browser { return &browser{b, map[string]string{}} }

func (b *browser) do(method, path, contentType string, body io.Reader) answer {
	b.t.Helper()
	headers := []string{"Content-Type: " + contentType}
	for name, value := range b.cookies {
		headers = append(headers, "Cookie: "+name+"="+value)
	}
	a := b.bench.do(method, path, body, headers...)
	for _, cookie := range a.Cookies() {
		b.cookies[cookie.Name] = cookie.Value
	}
	return a
}

// open returns the page's words, entities turned back.
func (b *browser) open(path string, status int) string {
	b.t.Helper()
	a := b.do(http.MethodGet, path, "", nil)
	if a.StatusCode != status || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		b.t.Fatalf("%s answers %d %s, want %d and a page: %s", path, a.StatusCode, a.Header.Get("Content-Type"), status, shown(words(a)))
	}
	return words(a)
}

func words(a answer) string {
	return strings.ReplaceAll(html.UnescapeString(string(a.body)), "\u00a0", " ")
}

// post sends a form without files.
func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	values := url.Values{}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		values.Add(name, value)
	}
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()))
}

// upload sends the form of the first page.
func (b *browser) upload(fields []string, files ...upload) answer {
	b.t.Helper()
	body, contentType := formBody(b.t, fields, files...)
	return b.do(http.MethodPost, "/jobs", contentType, body)
}

// submitted uploads a file and returns the id of the job it became.
func (b *browser) submitted(fields []string, file upload) string {
	b.t.Helper()
	a := b.upload(fields, file)
	id, ok := strings.CutPrefix(a.Header.Get("Location"), "/jobs/")
	if a.StatusCode != http.StatusSeeOther || !ok {
		b.t.Fatalf("the form is answered %d to %q: %s", a.StatusCode, a.Header.Get("Location"), shown(words(a)))
	}
	return id
}

func says(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, shown(text))
		}
	}
}

// shown is what a person sees of a page's body, for messages.
func shown(text string) string {
	_, body, _ := strings.Cut(text, "<main")
	bare := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")
	return strings.Join(strings.Fields(bare), " ")
}

func TestPages_answer_with_policy_and_cookie(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/", "/jobs", "/recipes", "/recipes/copy"} {
		a := b.get(path)
		if a.StatusCode != http.StatusOK || len(a.Cookies()) != 1 || a.Cookies()[0].Name != auth.OwnerCookie {
			t.Errorf("%s answers %d with cookies %v", path, a.StatusCode, a.Cookies())
		}
		if policy := a.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'self'") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if h := b.do(http.MethodHead, path, nil); h.StatusCode != http.StatusOK || len(h.body) > 0 {
			t.Errorf("HEAD %s answers %d with %d bytes", path, h.StatusCode, len(h.body))
		}
	}
	small := b.get("/", "Accept-Encoding: gzip")
	unzipped, err := gzip.NewReader(bytes.NewReader(small.body))
	if err != nil || small.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("no compressed page: %v", err)
	}
	if text, err := io.ReadAll(unzipped); err != nil || !bytes.Contains(text, []byte("<h1>")) {
		t.Errorf("the compressed page is %q (%v)", text, err)
	}
}

func TestPages_static_files_and_icons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, found := range regexp.MustCompile(`(?:href|src)="(/(?:static|icon)/[^"]+)"`).FindAllStringSubmatch(string(b.get("/").body), -1) {
		if a := b.get(found[1]); a.StatusCode != http.StatusOK || len(a.body) == 0 {
			t.Errorf("%s answers %d", found[1], a.StatusCode)
		}
	}
	if a := b.get("/icon/62.svg"); a.StatusCode != http.StatusNotFound {
		t.Errorf("an icon that is not there answers %d", a.StatusCode)
	}
}

func TestPages_form_becomes_a_job_of_this_browser(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	says(t, b.open("/", 200), `<select name="to" required>`, `<option value="copy">COPY</option>`)
	id := b.submitted([]string{"recipe=copy", "param.quality=7", "param.title=", "param.colours=red\r\n\r\nblue\n"}, upload{"päth.txt", "hello"})
	j, err := b.jobs.Find(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(j.Params); got != "map[colours:[red blue] quality:[7]]" {
		t.Errorf("the parameters are %s", got)
	}
	says(t, b.open("/jobs", 200), "päth.txt")
	says(t, b.open("/", 200), "Your latest jobs", "päth.txt")
	stranger := b.bench.browser()
	if text := stranger.open("/jobs", 200); strings.Contains(text, "päth.txt") {
		t.Error("another browser lists the job")
	}
	byTarget := b.submitted([]string{"to=copy"}, upload{"b.txt", "x"})
	says(t, b.open("/jobs/"+byTarget, 200), "b.txt")
}

func TestPages_form_that_is_refused_comes_back_with_the_reason(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		fields []string
		file   upload
		status int
		want   string
	}{
		{"empty file", []string{"to=copy"}, upload{"a.txt", ""}, 400, "is empty"},
		{"nothing chosen", []string{"to="}, upload{"a.txt", "x"}, 400, "neither a recipe"},
		{"no such target", []string{"to=gold"}, upload{"a.txt", "x"}, 400, `Nothing here makes "gold"`},
		{"wrong kind", []string{"to=webp"}, upload{"a.txt", "x"}, 415, "cannot be made from this file"},
		{"wrong parameter", []string{"recipe=copy", "param.quality=99"}, upload{"a.txt", "x"}, 400, `value="99"`},
		{"no file", []string{"recipe=copy"}, upload{"", ""}, 400, "The file is missing."},
		{"unknown recipe", []string{"recipe=nope"}, upload{"a.txt", "x"}, 400, "There is no recipe"},
		{"not installed", []string{"recipe=missing-tool"}, upload{"a.txt", "x"}, 503, "is not installed here"},
		{"unknown field", []string{"to=copy", "colour=red"}, upload{"a.txt", "x"}, 400, "is not known here"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t).browser()
			a := b.upload(row.fields, row.file)
			if a.StatusCode != row.status || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				t.Errorf("answered %d %s, want %d and a page", a.StatusCode, a.Header.Get("Content-Type"), row.status)
			}
			says(t, words(a), row.want)
			b.nothingLeft()
		})
	}
}

// The page of a recipe asks for an address where mail is sent to people, and nowhere else.
func TestPages_recipe_asks_whom_to_mail(t *testing.T) {
	t.Parallel()
	const field = `name="email"`
	if page := setup(t).browser().open("/recipes/copy", 200); strings.Contains(page, field) {
		t.Error("asks for an address where no mail is sent")
	}
	b := setup(t, func(o *webui.Options) { o.UserAddresses = []string{"studio.example", "film.example"} }).browser()
	says(t, b.open("/recipes/copy", 200), field, "…@studio.example, …@film.example")
	a := b.upload([]string{"recipe=copy", "email=ann@elsewhere.example"}, upload{"a.txt", "x"})
	says(t, words(a), "Mail to this address is not sent from here.", `value="ann@elsewhere.example"`)
	for _, address := range []string{"ann@studio.example", ""} {
		id := b.submitted([]string{"recipe=copy", "email=" + address}, upload{"a.txt", "x"})
		if made, err := b.jobs.Find(t.Context(), id); err != nil || made.Email != address {
			t.Errorf("the job mails %q, %v, want %q", made.Email, err, address)
		}
	}
}

func TestPages_job_in_every_state(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Pages.MailsFailures = true }).browser()
	first := b.submitted([]string{"to=copy"}, upload{"first.txt", "x"})
	second := b.submitted([]string{"to=copy"}, upload{"second.txt", "x"})
	says(t, b.open("/jobs/"+first, 200), "Next in line", `http-equiv="refresh"`)
	says(t, b.open("/jobs/"+second, 200), "2nd in line", "1 job is ahead of this one.")

	claimed := b.claim()
	b.status.put(client.Status{ID: first, State: "running", Percent: ptr(62.4), Step: "Copying", Message: "half of it", Attempt: 1, UpdatedAt: time.Now()})
	says(t, b.open("/jobs/"+first, 200), `value="62.4"`, "Copying: half of it", "<title data-plain=\"first.txt · convertd\">62 % · first.txt", "/icon/60.svg")
	b.finish(claimed, fault.Succeeded, upload{"first.copy", "x"}, upload{"second.copy", "yy"})
	says(t, b.open("/jobs/"+first, 200), "Download all (2 files, 3 B)", "first.copy", "/outputs.zip", "Kept until")

	claimed = b.claim()
	b.writeLog(second, claimed.Attempt, manyLines(30))
	b.finish(claimed, fault.BadInput)
	text := b.open("/jobs/"+second, 200)
	says(t, text, "Could not be converted", "The file is no good.", "Send another.", "(last 20 lines)", "line 29 of the log", "This file was sent to the administrator.", "/retry")
	if strings.Contains(text, "line 9 of the log") || strings.Contains(text, `http-equiv="refresh"`) {
		t.Error("the failed job shows too much of its log, or reloads")
	}
	says(t, b.open("/jobs/"+second+"/card", 200), "Could not be converted")
}

func ptr[T any](v T) *T { return &v }

// manyLines is a log of so many lines.
func manyLines(n int) string {
	var log strings.Builder
	for i := range n {
		fmt.Fprintf(&log, "2026-03-14T12:00:%02dZ stderr line %d of the log\n", i%60, i)
	}
	return log.String()
}

func TestAttack_B07_names_are_escaped_in_pages(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	id := b.submitted([]string{"to=copy"}, upload{"<img src=x onerror=alert(1)>.txt", "x"})
	for _, path := range []string{"/jobs/" + id, "/jobs", "/", "/jobs/" + id + "/card"} {
		if a := b.do(http.MethodGet, path, "", nil); bytes.Contains(a.body, []byte("<img src=x")) {
			t.Errorf("%s shows the name as markup", path)
		}
	}
}

func TestPages_only_who_may_manage_acts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.made() // through the API: its manage link opens in any browser
	page := b.browser()
	page.open("/", 200) // from now on it is not only an address
	for _, action := range []string{"cancel", "delete", "retry"} {
		if a := page.post("/jobs/" + made.ID + "/" + action); a.StatusCode != http.StatusForbidden {
			t.Errorf("a stranger's %s is answered %d", action, a.StatusCode)
		}
	}
	token := made.Links.Manage
	says(t, page.open(token, 200), "/cancel?manage=")
	_, query, _ := strings.Cut(token, "?")
	a := page.post("/jobs/" + made.ID + "/cancel?" + query)
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != token {
		t.Errorf("cancelling by the manage link is answered %d to %s, want %s", a.StatusCode, a.Header.Get("Location"), token)
	}
	says(t, page.open(token, 200), "This job was cancelled on request.")
	if a := page.post("/jobs/" + made.ID + "/cancel?" + query); a.StatusCode != http.StatusSeeOther {
		t.Errorf("cancelling again is answered %d, want the page that shows the end", a.StatusCode)
	}
}

func TestAttack_C04_forms_of_other_sites_are_refused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.made()
	a := b.do(http.MethodPost, "/jobs/"+made.ID+"/cancel", nil, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site")
	if a.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site is answered %d", a.StatusCode)
	}
}

func TestPages_retry_with_other_settings(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	id := b.submitted([]string{"recipe=copy", "param.quality=7", "param.title=Old"}, upload{"a.txt", "x"})
	b.finish(b.claim(), fault.BadInput)
	says(t, b.open("/jobs/"+id+"/retry", 200), "Convert a.txt again", `name="param.quality" value="7"`, `value="Old"`)
	refused := b.post("/jobs/"+id+"/retry", "param.quality=99", "param.title=New")
	if refused.StatusCode != http.StatusBadRequest {
		t.Errorf("a wrong setting is answered %d", refused.StatusCode)
	}
	says(t, words(refused), `value="99"`, `value="New"`, `role="alert"`)
	a := b.post("/jobs/"+id+"/retry", "param.quality=3", "param.title=")
	again, err := b.jobs.Find(context.Background(), strings.TrimPrefix(a.Header.Get("Location"), "/jobs/"))
	if err != nil || a.StatusCode != http.StatusSeeOther {
		t.Fatalf("answered %d: %v", a.StatusCode, err)
	}
	if got := fmt.Sprint(again.Params); got != "map[quality:[3]]" || again.RetryOf != id {
		t.Errorf("the new job has %s and tries %s again", got, again.RetryOf)
	}
}

func TestPages_delete(t *testing.T) {
	t.Parallel()
	b := setup(t).browser()
	id := b.submitted([]string{"to=copy"}, upload{"a.txt", "x"})
	a := b.post("/jobs/" + id + "/delete")
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/jobs?deleted" {
		t.Errorf("answered %d to %s", a.StatusCode, a.Header.Get("Location"))
	}
	says(t, b.open("/jobs?deleted", 200), "The job and its files were deleted.", "No jobs yet.")
	says(t, b.open("/jobs/"+id, 404), "Nothing here")
}
