package webui_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/sql/roster"
	"convertd/webui"
	"convertd/webui/client"
)

const asAdmin = "Authorization: Bearer " + adminToken

func (b *bench) ask(method, path string, into any) {
	b.t.Helper()
	a := b.do(method, path, nil, asAdmin)
	if a.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, a.body)
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		b.t.Fatal(err)
	}
}

func TestQueues_are_listed_paused_and_resumed(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.QueueLimits = map[string]webui.QueueLimits{"video": {Running: 2}} })
	b.made()
	for range 2 {
		var q client.Queue
		b.ask(http.MethodPost, "/api/v1/queues/default/pause", &q)
		if !q.Paused || q.PausedAt == nil || q.Waiting != 1 {
			t.Errorf("paused %+v", q)
		}
	}
	id := b.list()[0].ID
	if d := b.get("/api/v1/jobs/"+id).job(t, http.StatusOK); !strings.Contains(d.Message, "paused the queue default") || d.QueuePosition == nil || *d.QueuePosition != 1 {
		t.Errorf("a job of a paused queue: %q, place %v", d.Message, d.QueuePosition)
	}
	says(t, b.browser().open("/jobs/"+id, http.StatusOK), "paused the queue default")
	claimed, err := b.jobs.Claim(context.Background(), job.Claimer{Dispatcher: "test", BootID: "boot"}, 5, nil)
	if err != nil || len(claimed) != 0 {
		t.Errorf("claimed %d from a paused queue, %v", len(claimed), err)
	}
	var resumed client.Queue
	b.ask(http.MethodPost, "/api/v1/queues/default/resume", &resumed)
	b.claim()
	var list client.Queues
	b.ask(http.MethodGet, "/api/v1/queues", &list)
	if resumed.Paused || len(list.Queues) != 2 || list.Queues[0].Running != 1 || list.Queues[1].Limit == nil || *list.Queues[1].Limit != 2 {
		t.Errorf("resumed %+v, list %+v", resumed, list)
	}
	b.do(http.MethodPost, "/api/v1/queues/nowhere/pause", nil, asAdmin).problemOf(t, fault.NotFound)
}

func (a answer) problemOf(t testing.TB, code fault.Code) {
	t.Helper()
	if p := a.problem(t); p.Code != code {
		t.Errorf("problem %+v, want %s", p, code)
	}
}

func TestAdministration_is_for_the_administrator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, address := range []string{"GET /api/v1/queues", "POST /api/v1/queues/default/pause", "POST /api/v1/queues/default/resume",
		"GET /api/v1/dispatchers", "GET /api/v1/stats", "POST /api/v1/dispatchers/drain"} {
		method, path, _ := strings.Cut(address, " ")
		b.do(method, path, nil).problemOf(t, fault.Unauthorized)
	}
}

func TestSubmit_to_a_full_queue_is_answered_429(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.QueueLimits = map[string]webui.QueueLimits{"default": {Waiting: 2}} })
	b.made()
	b.made()
	a := b.submit([]string{"recipe=copy"}, upload{"a.txt", "x"})
	a.problemOf(t, fault.RateLimited)
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("status %d, headers %v", a.StatusCode, a.Header)
	}
	b.claim()
	b.made()
}

func TestSubmit_with_a_concurrency_key(t *testing.T) {
	t.Parallel()
	with := func(name string, reject bool) recipe.Recipe {
		return recipe.Recipe{Name: name, Version: "0123456789ab", Queue: "default", Slots: 1, Accept: []string{"*/*"},
			Inputs: recipe.Inputs{Each: true, Min: 1, Max: 1}, Retry: recipe.Retry{MaxAttempts: 1},
			Params:      []recipe.Param{{Name: "scene", Type: recipe.String}},
			Steps:       []recipe.Step{{Command: []string{"cp", "{input}", "{output}/{param.scene}"}}},
			Concurrency: recipe.Concurrency{Key: "scene-{param.scene}", Reject: reject}}
	}
	set := recipe.NewSet([]recipe.Recipe{with("waits", false), with("rejects", true)}, nil)
	b := setup(t, func(o *webui.Options) { o.Recipes = func() *recipe.Set { return set } })
	submit := func(name, scene string) answer {
		return b.submit([]string{"recipe=" + name, "param.scene=" + scene}, upload{"a.txt", "x"})
	}
	if j := submit("waits", "1").job(t, http.StatusAccepted); j.State != "blocked" {
		t.Errorf("state %s", j.State)
	}
	submit("waits", "1").job(t, http.StatusAccepted)
	submit("rejects", "2").job(t, http.StatusAccepted)
	submit("rejects", "1").problemOf(t, fault.Conflict)
}

func TestStatus_tells_that_nothing_starts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.made().ID
	b.do(http.MethodPost, "/api/v1/dispatchers/drain", strings.NewReader(`{"mode": "drain"}`), asAdmin, "Content-Type: application/json")
	self := roster.Dispatcher{ID: "one", Spool: "/spool", Host: "h", PID: 7, State: roster.Drained, Slots: 2, StartedAt: time.Now().Add(-time.Hour)}
	if mode, err := roster.NewStore(b.others).Say(context.Background(), self); mode != roster.Drain || err != nil {
		t.Fatalf("told %q, %v", mode, err)
	}
	const why = "The administrator lets no job start at the moment"
	if d := b.get("/api/v1/jobs/"+id).job(t, http.StatusOK); !strings.Contains(d.Message, why) {
		t.Errorf("the job says %q", d.Message)
	}
	says(t, b.browser().open("/jobs/"+id, http.StatusOK), why)
}

func TestDispatchers_are_listed_and_told_to_drain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := roster.NewStore(b.others)
	self := roster.Dispatcher{ID: "one", Spool: "/spool", Host: "h", PID: 7, Version: "1", State: roster.Serving, Slots: 2, Running: 1,
		StartedAt: time.Now().Add(-time.Minute)}
	if _, err := seen.Say(t.Context(), self); err != nil {
		t.Fatal(err)
	}
	var list client.Dispatchers
	b.ask(http.MethodGet, "/api/v1/dispatchers", &list)
	if len(list.Dispatchers) != 1 || !list.Dispatchers[0].Alive || list.Dispatchers[0].State != "serving" || list.Dispatchers[0].Running != 1 {
		t.Errorf("list %+v", list)
	}
	for body, want := range map[string]roster.Mode{`{"mode": "drain"}`: roster.Drain, `{"mode": "now"}`: roster.Now, `{"mode": "off"}`: roster.Off} {
		a := b.do(http.MethodPost, "/api/v1/dispatchers/drain", strings.NewReader(body), asAdmin, "Content-Type: application/json")
		if told, err := seen.Say(t.Context(), self); a.StatusCode != http.StatusOK || told != want || err != nil {
			t.Errorf("%s: %d %s, told %q, %v", body, a.StatusCode, a.body, told, err)
		}
	}
	b.do(http.MethodPost, "/api/v1/dispatchers/drain", strings.NewReader(`{"mode": "x"}`), asAdmin, "Content-Type: application/json").problemOf(t, fault.Invalid)
}

func TestStats_count_by_state_and_recipe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.made()
	b.finish(b.claim(), fault.Succeeded)
	b.made()
	var stats client.Stats
	b.ask(http.MethodGet, "/api/v1/stats", &stats)
	if stats.Jobs["queued"] != 1 || stats.Jobs["succeeded"] != 1 || len(stats.Recipes) != 1 || stats.Recipes[0].Succeeded != 1 {
		t.Errorf("stats %+v", stats)
	}
}
