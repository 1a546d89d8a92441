package webui_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
	"convertd/webui"
	"convertd/webui/client"
)

func (b *bench) statusDocument(id string) client.Status {
	b.t.Helper()
	a := b.get("/api/v1/jobs/" + id + "/status")
	var s client.Status
	if a.StatusCode != http.StatusOK || json.Unmarshal(a.body, &s) != nil {
		b.t.Fatalf("status: %d %s", a.StatusCode, a.body)
	}
	return s
}

func running(c job.Claimed, percent float64) client.Status {
	return client.Status{ID: c.ID, State: "running", Percent: &percent, Message: "frame 3", Step: "encode", Attempt: c.Attempt, Seq: 1, UpdatedAt: time.Now()}
}

func TestStatus_comes_from_the_runner_and_else_from_the_row(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	if s := b.statusDocument(j.ID); s.State != "queued" || s.Percent != nil || s.QueuePosition == nil || *s.QueuePosition != 1 {
		t.Errorf("waiting: %+v", s)
	}
	waiting := client.Status{ID: j.ID, State: "scheduled", UpdatedAt: time.Now()}
	b.status.put(waiting)
	if s := b.statusDocument(j.ID); s.State != "queued" {
		t.Errorf("waiting, as a document tells: %+v", s)
	}
	c := b.claim()
	b.status.put(running(c, 41.5))
	if s := b.statusDocument(j.ID); s.State != "running" || s.Percent == nil || *s.Percent != 41.5 || s.Message != "frame 3" {
		t.Errorf("running: %+v", s)
	}
	if d := b.get("/api/v1/jobs/"+j.ID).job(t, 200); d.Percent == nil || *d.Percent != 41.5 || d.Step != "encode" {
		t.Errorf("document: %+v", d)
	}
	stale := running(c, 50)
	stale.UpdatedAt = time.Now().Add(-31 * time.Second)
	b.status.put(stale)
	b.eventually("a stale document counts no more", func() bool { s := b.statusDocument(j.ID); return s.State == "running" && s.Percent == nil })
	b.finish(c, fault.Succeeded, upload{"out.txt", "x"})
	b.eventually("the row tells the end", func() bool {
		s := b.statusDocument(j.ID)
		return s.State == "succeeded" && s.Done && s.Percent != nil && *s.Percent == 100
	})
}

func TestStatus_of_an_earlier_attempt_is_not_the_document_of_this_one(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	c.Attempt = 7
	b.status.put(running(c, 41.5))
	if d := b.get("/api/v1/jobs/"+j.ID).job(t, 200); d.Percent != nil {
		t.Errorf("percent %v of another attempt", *d.Percent)
	}
}

func TestStatus_is_answered_304_and_costs_no_database(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	b.status.put(running(c, 10))
	link := "/api/v1/jobs/" + j.ID + "/status"
	tag := b.get(link).Header.Get("ETag")
	if a := b.get(link, "If-None-Match: "+tag); a.StatusCode != http.StatusNotModified || len(a.body) != 0 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if err := b.db.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if a := b.get(link); a.StatusCode != http.StatusOK {
		t.Errorf("without the database: %d %s", a.StatusCode, a.body)
	}
}

func TestStatus_survives_memcached_and_garbage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	b.status.mu.Lock()
	b.status.docs[j.ID] = []byte("\x00garbage")
	b.status.mu.Unlock()
	if s := b.statusDocument(j.ID); s.State != "queued" {
		t.Errorf("garbage: %+v", s)
	}
	b.status.mu.Lock()
	b.status.away = true
	b.status.mu.Unlock()
	if s := b.statusDocument(j.ID); s.State != "queued" {
		t.Errorf("away: %+v", s)
	}
}

func TestJob_is_unknown_once_deleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	b.status.put(running(c, 10))
	b.statusDocument(j.ID)
	if a := b.do(http.MethodDelete, j.Links.Self, nil); a.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	for _, link := range []string{"", "/status", "/events", "/log", "/outputs", "/outputs.zip", "/attempts", "/inputs"} {
		if p := b.get(j.Links.Self + link).problem(t); p.Status != http.StatusNotFound {
			t.Errorf("%s: %d", link, p.Status)
		}
	}
	if p := b.do(http.MethodDelete, j.Links.Self, nil).problem(t); p.Status != http.StatusNotFound {
		t.Errorf("again: %d", p.Status)
	}
}

func TestJob_is_changed_by_owner_token_and_administrator_only(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const stranger = "Cookie: convertd_owner=BBBBBBBBBBBBBBBBBBBBBBBBBB"
	j := b.done(upload{"out.txt", "x"})
	made := b.made()
	for _, change := range []struct{ method, path string }{
		{http.MethodPost, j.Links.Cancel}, {http.MethodPost, j.Links.Retry}, {http.MethodDelete, j.Links.Self},
		{http.MethodPatch, j.Links.Self}, {http.MethodGet, j.Links.Self + "/inputs"}, {http.MethodGet, j.Links.Self + "/inputs/x"},
	} {
		if p := b.do(change.method, change.path, nil, stranger).problem(t); p.Status != http.StatusForbidden {
			t.Errorf("%s %s by a stranger: %d", change.method, change.path, p.Status)
		}
		if p := b.do(change.method, change.path+"?manage=AAAAAAAAAAAAAAAAAAAAAAAAAA", nil, stranger).problem(t); p.Status != http.StatusForbidden {
			t.Errorf("%s %s by a wrong token: %d", change.method, change.path, p.Status)
		}
	}
	token := strings.TrimPrefix(made.Links.Manage, made.Links.Page+"?manage=")
	if a := b.do(http.MethodPost, made.Links.Cancel+"?manage="+token, nil, stranger); a.StatusCode != http.StatusOK {
		t.Errorf("by the token: %d %s", a.StatusCode, a.body)
	}
	if a := b.do(http.MethodDelete, made.Links.Self, nil, "Authorization: Bearer "+adminToken, stranger); a.StatusCode != http.StatusAccepted {
		t.Errorf("by the administrator: %d %s", a.StatusCode, a.body)
	}
	if p := b.do(http.MethodDelete, j.Links.Self, nil, "Authorization: Bearer wrong").problem(t); p.Status != http.StatusUnauthorized {
		t.Errorf("by a wrong administrator's token: %d", p.Status)
	}
}

func TestJob_names_from_a_trusted_proxy_only(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body, contentType := formBody(t, []string{"recipe=deploy"})
	if p := b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType, "X-Remote-User: ann").problem(t); p.Status != http.StatusForbidden {
		t.Errorf("a name from anywhere counts: %d", p.Status)
	}
}

func TestAttack_C18_cancel_twice_and_after_the_end(t *testing.T) {
	t.Parallel()
	b := setup(t)
	waiting := b.made()
	for range 2 {
		if j := b.do(http.MethodPost, waiting.Links.Cancel, nil).job(t, 200); j.State != "cancelled" || !j.Done || j.Error != nil {
			t.Errorf("%+v", j)
		}
	}
	ended := b.done(upload{"out.txt", "x"})
	if p := b.do(http.MethodPost, ended.Links.Cancel, nil).problem(t); p.Status != 409 || p.Code != fault.AlreadyEnded {
		t.Errorf("%+v", p)
	}
}

func TestJob_retry_keeps_files_and_changes_parameters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.submit([]string{"recipe=copy", "param.title=Film", "tag=a=b"}, upload{"a.txt", "hello"}).job(t, 202)
	if p := b.do(http.MethodPost, first.Links.Retry, nil).problem(t); p.Status != 409 {
		t.Errorf("while it waits: %+v", p)
	}
	b.finish(b.claim(), fault.ConverterFailed)
	again := b.do(http.MethodPost, first.Links.Retry, strings.NewReader(`{"params":{"quality":9}}`), "Content-Type: application/json").job(t, 202)
	if again.RetryOf == nil || *again.RetryOf != first.ID || again.Params["quality"] != 9.0 || again.Params["title"] != "Film" || again.Tags["a"] != "b" {
		t.Errorf("%+v", again)
	}
	old, err1 := os.Stat(filepath.Join(b.spool.Job(first.ID).In(), "1.txt"))
	new, err2 := os.Stat(filepath.Join(b.spool.Job(again.ID).In(), "1.txt"))
	if err1 != nil || err2 != nil || !os.SameFile(old, new) {
		t.Errorf("the input was copied: %v %v", err1, err2)
	}
}

func TestJob_keep_until_moves_the_expiry(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.done(upload{"out.txt", "x"})
	keep := func(at time.Time) answer {
		return b.do(http.MethodPatch, j.Links.Self, strings.NewReader(fmt.Sprintf(`{"keep_until":%q}`, at.Format(time.RFC3339))), "Content-Type: application/json")
	}
	until := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Second)
	if d := keep(until).job(t, 200); d.ExpiresAt == nil || !d.ExpiresAt.Equal(until) {
		t.Errorf("expires at %v", d.ExpiresAt)
	}
	if p := keep(time.Now().Add(-time.Hour)).problem(t); p.Status != 400 {
		t.Errorf("%+v", p)
	}
}

func TestJob_results_answer_410_after_their_time(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.done(upload{"out.txt", "x"})
	if _, err := b.jobs.KeepUntil(context.Background(), j.ID, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"/outputs", "/outputs/out.txt", "/outputs.zip"} {
		if p := b.get(j.Links.Self + link).problem(t); p.Status != http.StatusGone || p.Code != fault.Gone {
			t.Errorf("%s: %+v", link, p)
		}
	}
	if d := b.get(j.Links.Self).job(t, 200); d.State != "succeeded" || d.Outputs[0].URL != "" {
		t.Errorf("%+v", d)
	}
}

func TestOutputs_list_one_range_and_archive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.done(upload{"a.txt", "0123456789"}, upload{"ü b.txt", "second"}, upload{"A.TXT", "third"})
	if len(j.Outputs) != 3 || j.Outputs[1].Name != "ü b.txt" {
		t.Fatalf("%+v", j.Outputs)
	}
	a := b.get(path(j.Outputs[0].URL))
	if string(a.body) != "0123456789" || a.Header.Get("ETag") != `"`+j.Outputs[0].SHA256+`"` {
		t.Errorf("%s %v", a.body, a.Header)
	}
	if a = b.get(j.Outputs[0].URL, "Range: bytes=2-4"); a.StatusCode != 206 || string(a.body) != "234" {
		t.Errorf("range: %d %s", a.StatusCode, a.body)
	}
	if a = b.get(j.Outputs[0].URL, "If-None-Match: \""+j.Outputs[0].SHA256+"\""); a.StatusCode != 304 {
		t.Errorf("%d", a.StatusCode)
	}
	if a = b.get(j.Outputs[1].URL); a.Header.Get("Content-Disposition") != `attachment; filename="_ b.txt"; filename*=UTF-8''%C3%BC%20b.txt` {
		t.Errorf("%s", a.Header.Get("Content-Disposition"))
	}
	if a = b.do(http.MethodHead, j.Outputs[0].URL, nil); a.StatusCode != 200 || a.ContentLength != 10 || len(a.body) != 0 {
		t.Errorf("HEAD: %d, %d bytes", a.StatusCode, a.ContentLength)
	}
	archive := b.get(j.Links.Archive)
	r, err := zip.NewReader(bytes.NewReader(archive.body), int64(len(archive.body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, "|"); got != "a.txt|ü b.txt|A (2).TXT" {
		t.Errorf("archive has %s", got)
	}
	content, err := r.File[1].Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(content); err != nil || string(text) != "second" {
		t.Errorf("archive has %q, %v", text, err)
	}
}

func TestList_shows_the_callers_own_and_pages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const ann, bob = "Cookie: convertd_owner=AAAAAAAAAAAAAAAAAAAAAAAAAA", "Cookie: convertd_owner=BBBBBBBBBBBBBBBBBBBBBBBBBB"
	for i := range 3 {
		body, contentType := formBody(t, []string{"recipe=copy", fmt.Sprintf("tag=n=%d", i)}, upload{fmt.Sprintf("%d.txt", i), "hello"})
		b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType, ann).job(t, 202)
	}
	list := func(query string, headers ...string) (names []string, next string) {
		a := b.get("/api/v1/jobs"+query, headers...)
		var page client.Jobs
		if a.StatusCode != 200 || json.Unmarshal(a.body, &page) != nil {
			t.Fatalf("%s: %d %s", query, a.StatusCode, a.body)
		}
		for _, j := range page.Jobs {
			names = append(names, j.Inputs[0].Name)
		}
		link, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
		return names, link
	}
	tests := []struct{ query, caller, want string }{
		{"", ann, "2.txt 1.txt 0.txt"},
		{"", bob, ""},
		{"", "Authorization: Bearer " + adminToken, "2.txt 1.txt 0.txt"},
		{"?tag=n=1", ann, "1.txt"},
		{"?q=2.TXT", ann, "2.txt"},
		{"?state=queued,running&recipe=copy", ann, "2.txt 1.txt 0.txt"},
		{"?state=failed", ann, ""},
		{"?since=2100-01-01T00:00:00Z", ann, ""},
	}
	for _, tt := range tests {
		if names, _ := list(tt.query, tt.caller); strings.Join(names, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.query, names, tt.want)
		}
	}
	names, next := list("?limit=2", ann)
	if len(names) != 2 || next == "" {
		t.Fatalf("first page %v, next %q", names, next)
	}
	if names, next = list(strings.TrimPrefix(next, "/api/v1/jobs"), ann); strings.Join(names, " ") != "0.txt" || next != "" {
		t.Errorf("second page %v, next %q", names, next)
	}
	for _, query := range []string{"?state=odd", "?limit=0", "?limit=x", "?cursor=x", "?shape=round", "?since=now", "?tag=x"} {
		if p := b.get("/api/v1/jobs"+query, ann).problem(t); p.Status != 400 {
			t.Errorf("%s: %+v", query, p)
		}
	}
	if p := b.get("/api/v1/jobs?owner=somebody", ann).problem(t); p.Status != 403 {
		t.Errorf("another's: %+v", p)
	}
}

func TestLog_history_and_attempts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	if a := b.get(j.Links.Log); a.StatusCode != 200 || len(a.body) != 0 {
		t.Errorf("before the start: %d %s", a.StatusCode, a.body)
	}
	c := b.claim()
	folder := b.spool.Job(j.ID)
	for file, text := range map[string]string{folder.Log(1): "head\n", folder.LogTail(1): "tail\n", folder.Progress(1): "50 encode\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.finish(c, fault.ConverterFailed)
	if a := b.get(j.Links.Log); string(a.body) != "head\ntail\n" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("log: %s %v", a.body, a.Header)
	}
	if a := b.get(j.Links.Self + "/history?attempt=1"); string(a.body) != "50 encode\n" {
		t.Errorf("history: %s", a.body)
	}
	if p := b.get(j.Links.Log + "?attempt=2").problem(t); p.Status != 404 {
		t.Errorf("%+v", p)
	}
	if p := b.get(j.Links.Log + "?attempt=x").problem(t); p.Status != 400 {
		t.Errorf("%+v", p)
	}
	var list struct{ Attempts []client.Attempt }
	if err := json.Unmarshal(b.get(j.Links.Self+"/attempts").body, &list); err != nil || len(list.Attempts) != 1 || list.Attempts[0].Class != fault.ConverterFailed {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestAdvice_is_for_the_administrator_alone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	const advice = `A step probably could not read /srv/luts: add read = ["/srv/luts"] under [access].`
	list, err := json.Marshal([]string{advice})
	if err != nil {
		t.Fatal(err)
	}
	end := job.End{ID: c.ID, Attempt: c.Attempt, Token: c.Token, Next: job.Failed, Result: &job.Result{Class: fault.ConverterFailed}, Advice: list}
	if applied, err := b.jobs.Finish(context.Background(), []job.End{end}); err != nil || !applied[0] {
		t.Fatalf("finish: %v, applied %v", err, applied)
	}
	for _, place := range []string{j.Links.Self + "/attempts", j.Links.Page} {
		if a := b.get(place); a.StatusCode != 200 || strings.Contains(string(a.body), "/srv/luts") {
			t.Errorf("%s tells the owner:\n%s", place, a.body)
		}
		if a := b.get(place, asAdmin); a.StatusCode != 200 || !strings.Contains(string(a.body), "/srv/luts") {
			t.Errorf("%s tells the administrator nothing:\n%s", place, a.body)
		}
	}
}

func TestRecipes_are_listed_with_schema_and_availability(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var list struct{ Recipes []client.Recipe }
	if err := json.Unmarshal(b.get("/api/v1/recipes").body, &list); err != nil {
		t.Fatal(err)
	}
	byName := map[string]client.Recipe{}
	for _, r := range list.Recipes {
		byName[r.Name] = r
	}
	if r := byName["merge"]; !r.Available || r.Inputs.Min != 2 || r.Inputs.Max != 3 {
		t.Errorf("merge: %+v", r)
	}
	if r := byName["missing-tool"]; r.Available || strings.Contains(r.Problem, "apt") {
		t.Errorf("missing-tool: %+v", r)
	}
	if _, ok := byName["deploy"]; ok {
		t.Error("deploy is shown to a stranger")
	}
	var one client.Recipe
	if err := json.Unmarshal(b.get("/api/v1/recipes/copy").body, &one); err != nil || one.Params["type"] != "object" || one.To[0] != "copy" {
		t.Errorf("%+v, %v", one, err)
	}
	if p := b.get("/api/v1/recipes/nothing").problem(t); p.Status != 404 {
		t.Errorf("%+v", p)
	}
}

func TestHealth_readiness_and_statistics(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, link := range []string{"/healthz", "/readyz"} {
		if a := b.get(link); a.StatusCode != 200 {
			t.Errorf("%s: %d %s", link, a.StatusCode, a.body)
		}
	}
	if p := b.get("/api/v1/stats").problem(t); p.Status != 401 {
		t.Errorf("%+v", p)
	}
	if a := b.get("/api/v1/stats", "Authorization: Bearer "+adminToken); a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if err := b.db.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if p := b.get("/readyz").problem(t); p.Status != 503 {
		t.Errorf("without the database: %+v", p)
	}
}

// Results that had to go before their time say why, wherever they are asked for.
func TestJob_results_that_went_early_say_why(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.done(upload{"out.txt", "x"})
	if err := b.jobs.GoneEarly(t.Context(), []string{j.ID}, job.Disk); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"/outputs", "/outputs/out.txt", "/outputs.zip"} {
		if p := b.get(j.Links.Self + link).problem(t); p.Code != fault.Gone || !strings.Contains(p.Detail, "disk") || p.Hint == "" {
			t.Errorf("%s: %+v", link, p)
		}
	}
	if d := b.get(j.Links.Self).job(t, 200); d.State != "succeeded" || d.ExpiresAt == nil || d.ExpiresAt.After(time.Now()) {
		t.Errorf("document %+v", d.Times)
	}
	says(t, b.browser().open("/jobs/"+j.ID, http.StatusOK), "The disk of this service was nearly full")
}

// An upload for which there is no room is refused before its first byte.
func TestUploads_without_room_are_refused(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.Upload = 1 << 62 })
	b.do(http.MethodPost, "/api/v1/uploads", nil, tusVersion, "Upload-Length: "+strconv.Itoa(1<<61)).problemOf(t, fault.InsufficientStorage)
	b.nothingLeft()
	// What is kept free is not for them, however little they want.
	b = setup(t, func(o *webui.Options) { o.Limits.Reserve = spool.Reserve{Percent: 100} })
	b.do(http.MethodPost, "/api/v1/uploads", nil, tusVersion, "Upload-Length: 1").problemOf(t, fault.InsufficientStorage)
	b.nothingLeft()
}
