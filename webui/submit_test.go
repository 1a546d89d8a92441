package webui_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/webui/client"
)

func TestSubmit_answers_202_with_the_document_and_keeps_the_bytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.submit([]string{"recipe=copy", "param.quality=7", "param.colours=red", "param.colours=blue", "tag=shot=sh010", "priority=-3"},
		upload{"päth to.TXT", "hello"})
	j := a.job(t, http.StatusAccepted)
	if a.Header.Get("Location") != "/api/v1/jobs/"+j.ID || a.Header.Get("Retry-After") == "" {
		t.Errorf("headers: %v", a.Header)
	}
	want := client.Job{ID: j.ID, Recipe: "copy", RecipeVersion: "0123456789ab", State: "queued", QueuePosition: j.QueuePosition,
		Priority: -3, Tags: map[string]string{"shot": "sh010"},
		Params: map[string]any{"quality": 7.0, "colours": []any{"red", "blue"}},
		Times:  client.Times{CreatedAt: j.CreatedAt},
		Inputs: []client.File{{Name: "päth to.TXT", Size: 5, MediaType: "text/plain",
			SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}},
		Outputs: []client.File{}, Previews: []client.File{}, Links: j.Links}
	if diff := cmp.Diff(want, j); diff != "" {
		t.Error(diff)
	}
	if j.QueuePosition == nil || *j.QueuePosition != 1 {
		t.Errorf("queue position %v", j.QueuePosition)
	}
	stored, err := os.ReadFile(filepath.Join(b.spool.Job(j.ID).In(), "1.txt"))
	if err != nil || string(stored) != "hello" {
		t.Errorf("stored %q, %v", stored, err)
	}
}

func TestSubmit_takes_parts_in_any_order_and_a_target_instead_of_a_recipe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	png := "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 64)
	body := &bytes.Buffer{}
	body.WriteString("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"picture\"\r\n\r\n" + png +
		"\r\n--B\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\nwebp\r\n--B--\r\n")
	j := b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: multipart/form-data; boundary=B").job(t, http.StatusAccepted)
	if j.Recipe != "to-webp" || j.Inputs[0].MediaType != "image/png" {
		t.Errorf("recipe %s, type %s", j.Recipe, j.Inputs[0].MediaType)
	}
	if _, err := os.Stat(filepath.Join(b.spool.Job(j.ID).In(), "1.png")); err != nil {
		t.Errorf("the extension does not follow from the content: %v", err)
	}
}

func TestSubmit_keeps_the_order_of_several_inputs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.submit([]string{"recipe=merge"}, upload{"b.txt", "first"}, upload{"a.txt", "second"}).job(t, http.StatusAccepted)
	row, err := b.jobs.Find(context.Background(), j.ID)
	if err != nil || len(row.Inputs) != 2 || row.Inputs[0].Name != "b.txt" || row.Inputs[1].File != "2.txt" {
		t.Errorf("inputs %+v, %v", row.Inputs, err)
	}
}

// TestSubmit_refuses is the list of bad input: a clear problem, no row, no file.
func TestSubmit_refuses(t *testing.T) {
	t.Parallel()
	file := upload{"a.txt", "hello"}
	tests := []struct {
		name   string
		fields []string
		files  []upload
		status int
		code   fault.Code
		words  string
	}{
		{"an unknown recipe", []string{"recipe=copi"}, []upload{file}, 400, fault.Invalid, "Did you mean copy?"},
		{"an unknown target", []string{"to=gold"}, []upload{file}, 400, fault.Invalid, `"gold"`},
		{"a target that the file cannot become", []string{"to=webp"}, []upload{file}, 415, fault.UnsupportedMedia, "text/plain"},
		{"a target of another recipe", []string{"recipe=copy", "to=webp"}, []upload{file}, 400, fault.Invalid, "It makes copy"},
		{"neither recipe nor target", nil, []upload{file}, 400, fault.Invalid, "neither a recipe"},
		{"a file that the recipe does not take", []string{"recipe=to-webp"}, []upload{file}, 415, fault.UnsupportedMedia, "image/*"},
		{"an empty file", []string{"recipe=copy"}, []upload{{"a.txt", ""}}, 400, fault.EmptyFile, `"a.txt" is empty`},
		{"a wrong parameter", []string{"recipe=copy", "param.quality=10"}, []upload{file}, 400, fault.Invalid, "quality"},
		{"an unknown parameter", []string{"recipe=copy", "param.qality=1"}, []upload{file}, 400, fault.Invalid, "quality"},
		{"an unknown field", []string{"recipe=copy", "shell=id"}, []upload{file}, 400, fault.Unsupported, `"shell"`},
		{"a field that is not built", []string{"recipe=copy", "deadline=X"}, []upload{file}, 400, fault.Unsupported, `"deadline"`},
		{"no file", []string{"recipe=copy"}, nil, 400, fault.Invalid, "The file is missing"},
		{"a file as text", []string{"recipe=copy", "file=hello"}, nil, 400, fault.Invalid, "carries no file"},
		{"a file input left empty", []string{"recipe=copy"}, []upload{{"", ""}}, 400, fault.Invalid, "The file is missing"},
		{"two files for one", []string{"recipe=copy"}, []upload{file, file}, 400, fault.TooManyFiles, "a job for each"},
		{"four files for three", []string{"recipe=merge"}, []upload{file, file, file, file}, 400, fault.TooManyFiles, "takes at most 3 of the files at once"},
		{"one file for two", []string{"recipe=merge"}, []upload{file}, 400, fault.Invalid, "at least 2"},
		{"a file for a button", []string{"recipe=button"}, []upload{file}, 400, fault.TooManyFiles, "takes no file"},
		{"a button that reaches out, without a name", []string{"recipe=deploy"}, nil, 403, fault.Forbidden, "people who are signed in"},
		{"a recipe twice", []string{"recipe=copy", "recipe=merge"}, []upload{file}, 400, fault.Invalid, "twice"},
		{"a priority of a stranger", []string{"recipe=copy", "priority=1"}, []upload{file}, 403, fault.Forbidden, "administrator"},
		{"a priority out of range", []string{"recipe=copy", "priority=-11"}, []upload{file}, 400, fault.Invalid, "-10 to 10"},
		{"a priority that is no number", []string{"recipe=copy", "priority=high"}, []upload{file}, 400, fault.Invalid, "whole number"},
		{"a tag without value", []string{"recipe=copy", "tag=x"}, []upload{file}, 400, fault.Invalid, "name=value"},
		{"mail where none is sent", []string{"recipe=copy", "email=a@example.org"}, []upload{file}, 400, fault.Unsupported, "user_addresses"},
		{"mail to two", []string{"recipe=copy", "email=a@example.org, b@example.org"}, []upload{file}, 400, fault.Invalid, "one plain address"},
		{"mail with a header", []string{"recipe=copy", "email=a@example.org\r\nBcc: x@example.org"}, []upload{file}, 400, fault.Invalid, "one plain address"},
		{"a group that is not there", []string{"recipe=copy", "group=AAAAAAAAAAAAAAAAAAAAAAAAAA"}, []upload{file}, 400, fault.Invalid, "no group"},
		{"a time that is over", []string{"recipe=copy", "expires=2001-01-01T00:00:00Z"}, []upload{file}, 400, fault.Invalid, "is over"},
		{"a time that is none", []string{"recipe=copy", "run_at=tomorrow"}, []upload{file}, 400, fault.Invalid, "no time"},
		{"a recipe whose tool is missing", []string{"recipe=missing-tool"}, []upload{file}, 503, fault.Unavailable, "not installed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			a := b.submit(tt.fields, tt.files...)
			p := a.problem(t)
			if p.Status != tt.status || p.Code != tt.code || p.Hint == "" || !strings.Contains(p.Detail+" "+p.Hint, tt.words) {
				t.Errorf("got %d %s: %s %s", p.Status, p.Code, p.Detail, p.Hint)
			}
			b.nothingLeft()
		})
	}
}

func TestAttack_A18_an_idempotency_key_twice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	send := func(key, cookie, content string) answer {
		body, contentType := formBody(t, []string{"recipe=copy"}, upload{"a.txt", content})
		return b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType, "Idempotency-Key: "+key, "Cookie: "+cookie)
	}
	const ann, bob = "convertd_owner=AAAAAAAAAAAAAAAAAAAAAAAAAA", "convertd_owner=BBBBBBBBBBBBBBBBBBBBBBBBBB"
	first := send(`"k1"`, ann, "hello").job(t, http.StatusAccepted)
	if again := send("k1", ann, "hello").job(t, http.StatusAccepted); again.ID != first.ID || again.Links.Manage != "" {
		t.Errorf("the same request made %s after %s, manage %q", again.ID, first.ID, again.Links.Manage)
	}
	if p := send("k1", ann, "other").problem(t); p.Status != 422 || p.Code != fault.IdempotencyMismatch {
		t.Errorf("another request: %+v", p)
	}
	if other := send("k1", bob, "hello").job(t, http.StatusAccepted); other.ID == first.ID {
		t.Error("another owner got the job")
	}
	if p := send("short", "", "hello").problem(t); p.Status != 400 || !strings.Contains(p.Detail, "22") {
		t.Errorf("a short key without an owner: %+v", p)
	}
	if p := send("k2", ann, "").problem(t); p.Code != fault.EmptyFile {
		t.Errorf("refused: %+v", p)
	}
	send("k2", ann, "hello").job(t, http.StatusAccepted) // the refusal gave the key back
	if n := len(b.files()); n != 3 {
		t.Errorf("%d files for 3 jobs", n)
	}
}

func TestSubmit_with_one_key_many_times_at_once_makes_one_job(t *testing.T) {
	t.Parallel()
	b := setup(t)
	answers := make(chan answer)
	const many = 8
	for range many {
		body, contentType := formBody(t, []string{"recipe=copy"}, upload{"a.txt", "hello"})
		r, err := http.NewRequest(http.MethodPost, b.base+"/api/v1/jobs", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {contentType}, "Idempotency-Key": {"a-key-that-is-long-enough-for-all"}}
		go func() { answers <- b.send(r) }()
	}
	for range many {
		if a := <-answers; a.StatusCode != http.StatusAccepted && a.StatusCode != http.StatusConflict {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}
	if jobs := b.list(); len(jobs) != 1 || len(b.files()) != 1 {
		t.Errorf("%d jobs, %d files", len(jobs), len(b.files()))
	}
}

func TestSubmit_as_JSON_takes_results_of_other_jobs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	earlier := b.done(upload{"rësult.txt", "made"})
	text, _ := json.Marshal(map[string]any{"recipe": "copy", "params": map[string]any{"quality": 2},
		"inputs": []any{map[string]any{"job": earlier.ID, "output": "rësult.txt"}}, "tags": map[string]string{"a": "b"}})
	j := b.do(http.MethodPost, "/api/v1/jobs", bytes.NewReader(text), "Content-Type: application/json").job(t, http.StatusAccepted)
	if j.Inputs[0].Name != "rësult.txt" || j.Params["quality"] != 2.0 || j.Tags["a"] != "b" {
		t.Errorf("%+v", j)
	}
	stored, err := os.ReadFile(filepath.Join(b.spool.Job(j.ID).In(), "1.txt"))
	if err != nil || string(stored) != "made" {
		t.Errorf("stored %q, %v", stored, err)
	}
}

func TestSubmit_waits_for_the_end_and_redirects_to_the_result(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.eventually("a job to claim", func() bool {
			counts, err := b.jobs.Counts(context.Background())
			return err == nil && counts[job.Queued] == 1
		})
		b.finish(b.claim(), fault.Succeeded, upload{"a b.txt", "result"})
	}()
	body, contentType := formBody(t, []string{"recipe=copy"}, upload{"a.txt", "hello"})
	a := b.do(http.MethodPost, "/api/v1/jobs?redirect=output", body, "Content-Type: "+contentType, "Prefer: wait=20")
	<-ended
	location := a.Header.Get("Location")
	if a.StatusCode != http.StatusSeeOther || !strings.HasSuffix(location, "/outputs/a%20b.txt") {
		t.Fatalf("%d to %q: %s", a.StatusCode, location, a.body)
	}
	if got := b.get(location); string(got.body) != "result" {
		t.Errorf("result %q", got.body)
	}
}

func TestSubmit_redirects_to_itself_while_there_is_no_result(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body, contentType := formBody(t, []string{"recipe=copy"}, upload{"a.txt", "hello"})
	a := b.do(http.MethodPost, "/api/v1/jobs?redirect=output", body, "Content-Type: "+contentType, "Prefer: wait=1")
	location := a.Header.Get("Location")
	if a.StatusCode != http.StatusSeeOther || !strings.HasSuffix(location, "?redirect=output") {
		t.Fatalf("%d to %q: %s", a.StatusCode, location, a.body)
	}
	b.finish(b.claim(), fault.BadInput)
	p := b.get(location).problem(t)
	if p.Status != 400 || p.Code != fault.Invalid || p.Detail != "The file is no good." {
		t.Errorf("%+v", p)
	}
}

func TestSubmit_with_group_new_makes_a_group_that_others_may_not_join(t *testing.T) {
	t.Parallel()
	b := setup(t)
	send := func(group, cookie string) answer {
		body, contentType := formBody(t, []string{"recipe=copy", "group=" + group}, upload{"a.txt", "hello"})
		return b.do(http.MethodPost, "/api/v1/jobs", body, "Content-Type: "+contentType, "Cookie: "+cookie)
	}
	const ann, bob = "convertd_owner=AAAAAAAAAAAAAAAAAAAAAAAAAA", "convertd_owner=BBBBBBBBBBBBBBBBBBBBBBBBBB"
	first := send("new", ann).job(t, http.StatusAccepted)
	if first.Group == nil {
		t.Fatal("no group")
	}
	send(*first.Group, ann).job(t, http.StatusAccepted)
	if p := send(*first.Group, bob).problem(t); p.Status != 403 {
		t.Errorf("a stranger joined: %+v", p)
	}
	b.finish(b.claim(), fault.Succeeded, upload{"out.txt", "1"})
	var g client.Group
	if err := json.Unmarshal(b.get("/api/v1/groups/"+*first.Group).body, &g); err != nil {
		t.Fatal(err)
	}
	if g.Total != 2 || g.Counts["succeeded"] != 1 || g.Counts["queued"] != 1 || g.Percent == nil || *g.Percent != 50 || g.Done || len(g.Jobs) != 2 {
		t.Errorf("%+v", g)
	}
}

func TestSubmit_schedules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	j := b.submit([]string{"recipe=copy", "run_at=" + at.Format(time.RFC3339)}, upload{"a.txt", "hello"}).job(t, http.StatusAccepted)
	if j.State != "scheduled" || j.RunAt == nil || !j.RunAt.Equal(at) {
		t.Errorf("state %s, starts at %v", j.State, j.RunAt)
	}
}
