package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/webui/client"
)

// callBundle is a running service with recipes that call a model server.
type callBundle struct {
	*upInstance
	model *modelServer
	api   *client.Client
	env   []string
}

func TestCallsOfServices(t *testing.T) {
	t.Parallel()
	model := startModel(t)
	recipes, secrets := dataFolder(t), dataFolder(t)
	for name, text := range map[string]string{"crm": "crm-key\n", "model": "model-key"} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fill := strings.NewReplacer("MODEL_KEY", "MODEL_KEY", "MODEL", model.address, "SECRETS", secrets)
	for name, text := range callRecipes() {
		if err := os.WriteFile(filepath.Join(recipes, name), []byte(fill.Replace(text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	handbook := strings.NewReplacer("models.lan:9000", model.address, "/etc/convertd/secret", secrets)
	if err := os.WriteFile(filepath.Join(recipes, "stylize.toml"), []byte(handbook.Replace(handbookRecipe(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	b := &callBundle{model: model, env: []string{"CONVERTD_RECIPES_DIR=" + recipes, "CONVERTD_DISPATCHER_SLOTS=8"}}
	b.open(t, dataFolder(t))
	// The parts share one service and follow each other.
	b.projectionsForManyCustomers(t)
	b.cacheIsDropped(t)
	b.cancelReachesTheService(t)
	b.cancelBetweenAttemptsReachesTheService(t)
	b.callbackPushes(t)
	b.previewsAppear(t)
	b.cacheFolderIsKept(t)
	b.handbookWorks(t)
	b.aNewAttemptGoesOn(t)
	b.model.locked(func() {
		if len(b.model.bad) > 0 {
			t.Errorf("the service got wrong requests: %s", b.model.bad)
		}
	})
	if t.Failed() {
		t.Log(b.said())
	}
}

func (b *callBundle) handbookWorks(t *testing.T) {
	job := b.submit(t, client.Submission{Recipe: "stylize", Files: []client.SubmissionFile{fileOf("face.png", onePixel)}})
	if done, made := b.result(t, job.ID); made != onePixel || done.Outputs[0].Name != "face.png" {
		t.Errorf("%s is %q", done.Outputs[0].Name, made)
	}
}

func (b *callBundle) open(t *testing.T, data string) {
	t.Helper()
	b.upInstance = startUp(t, data, b.env...)
	api, err := client.New(b.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	b.api = api
}

func (b *callBundle) submit(t *testing.T, s client.Submission) client.Job {
	t.Helper()
	job, err := b.api.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func (b *callBundle) project(t *testing.T, customer, version string) client.Job {
	t.Helper()
	return b.submit(t, client.Submission{Recipe: "projection", Params: map[string][]string{"customer": {customer}, "version": {version}}})
}

// result waits for the success of a job and returns its one output.
func (b *callBundle) result(t *testing.T, id string) (client.Job, string) {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	if err := b.api.Wait(ctx, id, func(client.Status) {}); err != nil {
		t.Fatalf("%v\n%s", err, b.log(id))
	}
	job, err := b.api.Job(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if job.State != "succeeded" || len(job.Outputs) != 1 {
		t.Fatalf("job ended as %s: %+v, %d outputs\n%s", job.State, job.Error, len(job.Outputs), b.log(id))
	}
	file, err := b.api.Open(ctx, job.Outputs[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return job, string(text)
}

func (b *callBundle) log(id string) string {
	log, err := b.api.Log(context.Background(), id, 0)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	text, _ := io.ReadAll(log)
	return string(text)
}

// Many jobs of few customers: the slow upstream is asked once for each customer and
// version, however many wait for it; the model server is killed and started again in the
// middle, and no job is asked for twice.
func (b *callBundle) projectionsForManyCustomers(t *testing.T) {
	b.model.locked(func() { b.model.held = true })
	wanted := map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 3 {
		for _, of := range []string{"acme 1", "acme 2", "beta 1"} {
			all.Go(func() {
				customer, version, _ := strings.Cut(of, " ")
				job := b.project(t, customer, version)
				mu.Lock()
				defer mu.Unlock()
				wanted[job.ID] = fmt.Sprintf(`{"projected": {"name":%q,"orders":[{"id":1}],"version":%q}}`, customer, version)
			})
		}
	}
	all.Wait()
	await(t, "the slots are full of posted jobs", func() bool {
		n := 0
		b.model.locked(func() { n = len(b.model.jobs) })
		return n == 8
	})
	b.model.kill()
	b.model.locked(func() { b.model.held = false })
	tick := time.NewTimer(time.Second) // long enough for questions to fail
	<-tick.C
	b.model.start()
	for id, want := range wanted {
		if job, got := b.result(t, id); got != want || job.Outputs[0].Name != "projection.json" {
			t.Errorf("%s is %s, want %s", job.Outputs[0].Name, got, want)
		}
	}
	b.model.locked(func() {
		if diff := cmp.Diff(map[string]int{"/customers/acme/1": 1, "/customers/acme/2": 1, "/customers/beta/1": 1}, b.model.fetched); diff != "" {
			t.Errorf("calls of the upstream (-want +got):\n%s", diff)
		}
		if len(b.model.jobs) != len(wanted) || b.model.posts != len(wanted) {
			t.Errorf("%d jobs by %d posts, want %d", len(b.model.jobs), b.model.posts, len(wanted))
		}
	})
}

// The administrator drops what is kept of one customer.
func (b *callBundle) cacheIsDropped(t *testing.T) {
	token, err := os.ReadFile(filepath.Join(b.Data, "admin_token"))
	if err != nil {
		t.Fatal(err)
	}
	drop := func(key string) (int, client.CacheDrop) {
		r, err := http.NewRequest(http.MethodDelete, b.URL+"/api/v1/cache?recipe=projection&prefix=acme/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var d client.CacheDrop
		_ = json.NewDecoder(res.Body).Decode(&d)
		return res.StatusCode, d
	}
	if code, _ := drop("wrong"); code != http.StatusUnauthorized && code != http.StatusForbidden {
		t.Errorf("a stranger dropped the cache: %d", code)
	}
	if code, d := drop(strings.TrimSpace(string(token))); code != http.StatusOK || !d.Done || d.Files != 2 {
		t.Errorf("%d, %+v, want 2 files dropped", code, d)
	}
	again := convertd(t, "", "cache", "drop", "projection", "--prefix", "acme/", "--server", b.URL, "--key", strings.TrimSpace(string(token)))
	if again.code != 0 || again.stdout != "projection: 0 files dropped\n" {
		t.Errorf("convertd cache drop: %+v", again)
	}
	for _, customer := range []string{"acme", "beta"} {
		b.result(t, b.project(t, customer, "1").ID)
	}
	b.model.locked(func() {
		if diff := cmp.Diff(map[string]int{"/customers/acme/1": 2, "/customers/acme/2": 1, "/customers/beta/1": 1}, b.model.fetched); diff != "" {
			t.Errorf("calls of the upstream (-want +got):\n%s", diff)
		}
	})
}

// running holds the model, submits a projection and returns it with its remote job once
// that is there.
func (b *callBundle) running(t *testing.T) (client.Job, *modelJob) {
	t.Helper()
	before := 0
	b.model.locked(func() { b.model.held, before = true, len(b.model.jobs) })
	job := b.project(t, "beta", "1")
	var remote *modelJob
	await(t, "the service has the job", func() bool {
		b.model.locked(func() {
			if len(b.model.jobs) > before {
				remote = b.model.find(fmt.Sprintf("job/%d", before+1))
			}
		})
		return remote != nil
	})
	return job, remote
}

func (b *callBundle) cancelReachesTheService(t *testing.T) {
	job, remote := b.running(t)
	if _, err := b.api.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	await(t, "the service hears of the cancel", func() bool {
		cancelled := false
		b.model.locked(func() { cancelled = remote.cancelled })
		return cancelled
	})
	await(t, "the job is cancelled", func() bool {
		got, err := b.api.Job(t.Context(), job.ID)
		return err == nil && got.State == "cancelled"
	})
}

// cancelBetweenAttemptsReachesTheService stops jobs while the service works for them, and
// cancels one and deletes the other before their next attempts begin.
func (b *callBundle) cancelBetweenAttemptsReachesTheService(t *testing.T) {
	token, err := os.ReadFile(filepath.Join(b.Data, "admin_token"))
	if err != nil {
		t.Fatal(err)
	}
	admin, err := client.New(b.URL, strings.TrimSpace(string(token)))
	if err != nil {
		t.Fatal(err)
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	one, oneRemote := b.running(t)
	two, twoRemote := b.running(t)
	must(admin.PauseQueue(t.Context(), "default"))
	must(admin.Drain(t.Context(), "now"))
	for _, id := range []string{one.ID, two.ID} {
		await(t, "the job waits for its next attempt", func() bool {
			got, err := b.api.Job(t.Context(), id)
			return err == nil && got.State == "queued"
		})
	}
	must(admin.Drain(t.Context(), "off"))
	b.model.locked(func() {
		if oneRemote.cancelled || twoRemote.cancelled {
			t.Error("a stop that is to go on later told the service to give up")
		}
	})
	must(b.api.Cancel(t.Context(), one.ID))
	must(nil, b.api.Delete(t.Context(), two.ID))
	await(t, "the service hears of both", func() bool {
		both := false
		b.model.locked(func() { both = oneRemote.cancelled && twoRemote.cancelled })
		return both
	})
	await(t, "nothing is left of what told it, nor of the deleted job", func() bool {
		left, _ := filepath.Glob(filepath.Join(b.Data, "spool", "??", one.ID, "*.2*"))
		gone, _ := filepath.Glob(filepath.Join(b.Data, "spool", "??", two.ID))
		return len(left) == 0 && len(gone) == 0
	})
	must(admin.ResumeQueue(t.Context(), "default"))
}

// push sends what a service pushes.
func (b *callBundle) push(t *testing.T, address, text string) int {
	t.Helper()
	res, err := http.Post(address, "application/json", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func (b *callBundle) callbackPushes(t *testing.T) {
	job, remote := b.running(t)
	if !strings.HasPrefix(remote.tell, b.URL+"/api/v1/callbacks/") || strings.Contains(remote.tell, job.ID) {
		t.Fatalf("the service was told to push to %q", remote.tell)
	}
	if code := b.push(t, remote.tell, `{"percent": 42.5, "message": "pushed"}`); code != http.StatusNoContent {
		t.Fatalf("push answered %d", code)
	}
	await(t, "the bar shows what was pushed", func() bool {
		s, err := b.api.Status(t.Context(), job.ID)
		return err == nil && s.Percent != nil && *s.Percent == 42.5 && s.Message == "pushed"
	})
	for text, want := range map[string]int{`{"percent": 101}`: 400, `{}`: 400, `{"percent": 1, "state": "done"}`: 400, `{"percent": 10}`: 204} {
		if code := b.push(t, remote.tell, text); code != want {
			t.Errorf("%s answered %d, want %d", text, code, want)
		}
	}
	b.model.locked(func() { b.model.held = false })
	b.result(t, job.ID)
	if code := b.push(t, remote.tell, `{"percent": 50}`); code != http.StatusNotFound {
		t.Errorf("the address of an attempt that has ended answered %d", code)
	}
	if code := b.push(t, b.URL+"/api/v1/callbacks/AAAAAAAAAAAAAAAAAAAAAAAAAA", `{"percent": 50}`); code != http.StatusNotFound {
		t.Errorf("an address of nobody answered %d", code)
	}
	if left, err := os.ReadDir(filepath.Join(b.Data, "spool", "callbacks")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// Streams of both kinds: percent, message, a picture while the job runs, and the result.
func (b *callBundle) previewsAppear(t *testing.T) {
	for _, stream := range []string{"sse", "ndjson"} {
		b.model.locked(func() { b.model.held = true })
		job := b.submit(t, client.Submission{Recipe: "depth-" + stream, Files: []client.SubmissionFile{fileOf("face.png", onePixel)}})
		await(t, "a picture of the unfinished result appears", func() bool {
			s, err := b.api.Status(t.Context(), job.ID)
			return err == nil && s.Previews > 0 && s.Percent != nil && *s.Percent == 40 && s.Message == "looking" && s.Step == "Estimating depth"
		})
		seen, err := b.api.Job(t.Context(), job.ID)
		if err != nil || len(seen.Previews) != 1 {
			t.Fatalf("%+v, %v", seen.Previews, err)
		}
		if code, picture := b.get(strings.TrimPrefix(seen.Previews[0].URL, b.URL)); code != http.StatusOK || picture != onePixel {
			t.Errorf("the picture is %q (%d)", picture, code)
		}
		if code, card := b.get("/jobs/" + job.ID + "/card"); code != http.StatusOK || !strings.Contains(card, "data-previews=\"1\"") {
			t.Errorf("the card shows no picture (%d): %s", code, card)
		}
		b.model.locked(func() { b.model.held = false })
		done, made := b.result(t, job.ID)
		if !strings.HasPrefix(made, "\x89PNG") || done.Outputs[0].Name != "face.png" {
			t.Errorf("result %q of %q", done.Outputs[0].Name, made)
		}
	}
}

func fileOf(name, content string) client.SubmissionFile {
	return client.SubmissionFile{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(content))), nil }}
}

// What a step leaves in its cache folder is there for the next job of the same owner, and
// for nobody else's.
func (b *callBundle) cacheFolderIsKept(t *testing.T) {
	keep := func(owner, text string) string {
		_, got := b.result(t, b.submitAs(t, owner, text))
		return got
	}
	ann, bob := strings.Repeat("A", 26), strings.Repeat("B", 26)
	got := []string{keep(ann, "one\n"), keep(ann, "two\n"), keep(bob, "three\n"), keep(ann, "four\n")}
	if diff := cmp.Diff([]string{"one\n", "one\ntwo\n", "three\n", "one\ntwo\nfour\n"}, got); diff != "" {
		t.Error(diff)
	}
}

// submitAs submits a file for the recipe "keeps" as the browser with this cookie would, and
// returns the id of the job.
func (b *callBundle) submitAs(t *testing.T, owner, text string) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "a.txt")
	if err == nil {
		_, err = io.WriteString(file, text)
	}
	if err := errors.Join(err, form.WriteField("recipe", "keeps"), form.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, b.URL+"/api/v1/jobs", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: "convertd_owner", Value: owner})
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var job client.Job
	if err := json.NewDecoder(res.Body).Decode(&job); err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatalf("%s, %v", res.Status, err)
	}
	return job.ID
}

// Everything of convertd is killed while the service works on: the next attempt asks for
// the state of the job that the service has, and posts nothing.
func (b *callBundle) aNewAttemptGoesOn(t *testing.T) {
	job, remote := b.running(t)
	await(t, "what is known of the remote job is kept", func() bool {
		kept, err := filepath.Glob(filepath.Join(b.Data, "spool", "??", job.ID, "state", "call.1.json"))
		return err == nil && len(kept) == 1
	})
	b.killEverything()
	b.open(t, b.Data)
	b.model.locked(func() { b.model.held = false })
	done, _ := b.result(t, job.ID)
	b.model.locked(func() {
		if remote.posts != 1 || done.Attempt != 2 {
			t.Errorf("attempt %d, posted %d times", done.Attempt, remote.posts)
		}
	})
}
