package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"convertd/webui/client"
)

// shiftingRecipe says what it is, so that one can see which version ran.
func shiftingRecipe(says string) string {
	return `
name    = "shifting"
accept  = [".shift"]
to      = ["said"]
command = ["/bin/sh", "-c", "echo ` + says + ` > $1", "sh", "{output}/{stem}.said"]

[[output]]
match = "*.said"
`
}

// commandBundle is a running service as the administrator's and the users' commands see it.
type commandBundle struct {
	*upInstance
	recipes, key string
	// failed and done are jobs that have ended.
	failed, done string
}

// command runs one against the service.
func (c *commandBundle) command(t *testing.T, args ...string) ran {
	t.Helper()
	return convertd(t, "", append(args, "--server", c.URL, "--key", c.key)...)
}

// tells fails unless a command says all that and ends with the status.
func (c *commandBundle) tells(t *testing.T, code int, want []string, args ...string) ran {
	t.Helper()
	got := c.command(t, args...)
	if got.code != code {
		t.Errorf("%v: exit status %d, want %d: %+v", args, got.code, code, got)
	}
	for _, words := range want {
		if !strings.Contains(got.stdout+got.stderr, words) {
			t.Errorf("%v does not say %q: %+v", args, words, got)
		}
	}
	return got
}

// document reads what a command prints with --json.
func document[T any](t *testing.T, c *commandBundle, args ...string) T {
	t.Helper()
	var read T
	got := c.command(t, append(args, "--json")...)
	if err := json.Unmarshal([]byte(got.stdout), &read); err != nil || got.code != 0 {
		t.Fatalf("%v --json: %v: %+v", args, err, got)
	}
	return read
}

// send submits a file, waits, and returns the job's id.
func (c *commandBundle) send(t *testing.T, code int, args ...string) string {
	t.Helper()
	got := c.tells(t, code, nil, append([]string{"submit", "--wait"}, args...)...)
	id, _, _ := strings.Cut(got.stdout, " ")
	return strings.TrimSpace(id)
}

func TestCommands(t *testing.T) {
	t.Parallel()
	c := &commandBundle{recipes: recipesFolder(t)}
	c.writeRecipe(t, "before")
	c.upInstance = startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+c.recipes, "CONVERTD_QUEUE_DEFAULT_MAX_WAITING=3")
	key, err := os.ReadFile(filepath.Join(c.Data, "admin_token"))
	if err != nil {
		t.Fatal(err)
	}
	c.key = strings.TrimSpace(string(key))
	c.failed = c.send(t, 1, testFile(t, "broken.strict", []byte("x")), "--to", "read", "--tag", "shot=7")
	c.done = c.send(t, 0, testFile(t, "a.shift", []byte("x")), "--to", "said", "--tag", "shot=8")
	t.Run("jobs and show", c.lists)
	t.Run("failures and refused", c.troubles)
	t.Run("queues", c.queues)
	t.Run("stats and dispatchers", c.numbers)
	t.Run("log, retry, delete", c.changes)
	t.Run("drain", c.drains)
	t.Run("replay", c.replays)
	t.Run("without the key", c.strangers)
}

func (c *commandBundle) writeRecipe(t *testing.T, says string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.recipes, "shifting.toml"), []byte(shiftingRecipe(says)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *commandBundle) lists(t *testing.T) {
	for name, row := range map[string]struct {
		args []string
		want []string
	}{
		"all":            {nil, []string{c.done, c.failed}},
		"state":          {[]string{"--state", "failed"}, []string{c.failed}},
		"states":         {[]string{"--state", "failed", "--state", "succeeded"}, []string{c.done, c.failed}},
		"recipe":         {[]string{"--recipe", "shifting"}, []string{c.done}},
		"tag":            {[]string{"--tag", "shot=7"}, []string{c.failed}},
		"text of error":  {[]string{"-q", "FIRST BYTES"}, []string{c.failed}},
		"name of a file": {[]string{"-q", "a.shift"}, []string{c.done}},
		"since":          {[]string{"--since", "1h"}, []string{c.done, c.failed}},
		"until":          {[]string{"--until", "1h"}, nil},
		"span":           {[]string{"--since", "2001-01-01T00:00:00Z", "--until", "2001-01-02T00:00:00Z"}, nil},
		"owner":          {[]string{"--owner", "nobody"}, nil},
		"newest":         {[]string{"-n", "1"}, []string{c.done}},
	} {
		var got []string
		for _, j := range document[client.Jobs](t, c, append([]string{"jobs"}, row.args...)...).Jobs {
			got = append(got, j.ID)
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("jobs by %s: %v, want %v", name, got, row.want)
		}
	}
	page := document[client.Jobs](t, c, "jobs", "-n", "1")
	if next := document[client.Jobs](t, c, "jobs", "--cursor", page.Next); len(next.Jobs) != 1 || next.Jobs[0].ID != c.failed {
		t.Errorf("the page after the first: %+v", next)
	}
	c.tells(t, 0, []string{"JOB", c.failed, "broken.strict", "failed: The file is not what its name says"}, "jobs")
	c.tells(t, 2, []string{"--since", "neither a time"}, "jobs", "--since", "yesterday")
	c.tells(t, 1, []string{"There is no state"}, "jobs", "--state", "lost")
	c.tells(t, 0, []string{c.done, "shifting", "succeeded", "a.said"}, "show", c.done)
	if j := document[client.Job](t, c, "show", c.done); j.ID != c.done || len(j.Outputs) != 1 || j.Tags["shot"] != "8" {
		t.Errorf("show --json: %+v", j)
	}
	c.tells(t, 1, []string{"not_found"}, "show", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

func (c *commandBundle) troubles(t *testing.T) {
	found := document[client.Failures](t, c, "failures")
	if len(found.Failures) != 1 || found.Failures[0].Recipe != "strict" || found.Failures[0].LastJob != c.failed || found.Failures[0].Class != "bad_input" {
		t.Errorf("failures --json: %+v", found)
	}
	c.tells(t, 0, []string{"REASON", "strict", "bad_input", "its first bytes are wrong"}, "failures")
	if none := document[client.Failures](t, c, "failures", "--recipe", "shifting"); len(none.Failures) != 0 {
		t.Errorf("of another recipe: %+v", none)
	}
	c.tells(t, 1, []string{"is empty"}, "submit", testFile(t, "empty.shift", nil), "--to", "said")
	kept := document[client.Refusals](t, c, "refused")
	if len(kept.Refused) != 1 || kept.Refused[0].Code != "empty_file" || kept.Refused[0].Owner == "" {
		t.Errorf("refused --json: %+v", kept)
	}
	c.tells(t, 0, []string{"WHY", "empty_file"}, "refused")
}

// queues pauses a queue, fills it up, and lets it run again.
func (c *commandBundle) queues(t *testing.T) {
	paused := document[client.Queues](t, c, "queues", "pause", "default")
	if len(paused.Queues) != 1 || !paused.Queues[0].Paused || paused.Queues[0].MaxWaiting == nil || *paused.Queues[0].MaxWaiting != 3 {
		t.Errorf("queues pause: %+v", paused)
	}
	c.tells(t, 0, []string{"default", "paused since"}, "queues")
	var ids []string
	for range 3 {
		got := c.tells(t, 0, nil, "submit", testFile(t, "b.shift", []byte("x")), "--to", "said")
		id, _, _ := strings.Cut(got.stdout, " ")
		ids = append(ids, id)
	}
	c.tells(t, 0, []string{"queued, place 3", "has paused the queue default"}, "show", ids[2])
	c.tells(t, 1, []string{"3 jobs wait in the queue default already"}, "submit", testFile(t, "c.shift", []byte("x")), "--to", "said")
	c.tells(t, 0, []string{ids[1] + "  cancelled"}, "cancel", ids[1])
	if j := document[client.Job](t, c, "cancel", ids[1]); j.State != "cancelled" {
		t.Errorf("cancel --json: %+v", j)
	}
	c.tells(t, 0, []string{"queued, place 2"}, "show", ids[2])
	c.tells(t, 0, []string{"default", "open"}, "queues", "resume", "default")
	for _, id := range []string{ids[0], ids[2]} {
		await(t, "a job of the queue runs again", func() bool { return document[client.Job](t, c, "show", id).State == "succeeded" })
	}
	got := c.tells(t, 0, []string{"scheduled"}, "submit", testFile(t, "d.shift", []byte("x")), "--to", "said", "--run-at", "2099-01-31T18:00:00Z")
	id, _, _ := strings.Cut(got.stdout, " ")
	c.tells(t, 0, []string{"scheduled", "starts", "2099-01-31 18:00:00"}, "show", id)
	c.tells(t, 0, []string{"cancelled"}, "cancel", id)
	c.tells(t, 1, []string{"already_ended"}, "cancel", ids[0])
	c.tells(t, 1, []string{"There is no queue"}, "queues", "pause", "nowhere")
}

func (c *commandBundle) numbers(t *testing.T) {
	stats := document[client.Stats](t, c, "stats")
	if stats.Jobs["failed"] != 1 || stats.Jobs["cancelled"] != 2 || stats.Jobs["succeeded"] < 3 {
		t.Errorf("stats --json: %+v", stats)
	}
	c.tells(t, 0, []string{"succeeded", "LAST 24 HOURS", "shifting", "strict"}, "stats")
	found := document[client.Dispatchers](t, c, "dispatchers")
	if len(found.Dispatchers) != 1 || !found.Dispatchers[0].Alive || found.Dispatchers[0].State != "serving" {
		t.Errorf("dispatchers --json: %+v", found)
	}
	c.tells(t, 0, []string{"HOST", "serving"}, "dispatchers")
}

func (c *commandBundle) changes(t *testing.T) {
	c.tells(t, 0, []string{"opening ", "Error: wrong magic"}, "log", c.failed)
	c.tells(t, 0, []string{"wrong magic"}, "log", "-f", c.failed)
	c.tells(t, 1, []string{"leave --json out"}, "log", "--json", c.failed)
	c.tells(t, 1, []string{"not_found"}, "log", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	again := document[client.Job](t, c, "retry", c.done)
	if again.RetryOf == nil || *again.RetryOf != c.done {
		t.Errorf("retry --json: %+v", again)
	}
	await(t, "the retry succeeds", func() bool { return document[client.Job](t, c, "show", again.ID).State == "succeeded" })
	c.tells(t, 0, []string{again.ID + "  deleted"}, "delete", again.ID)
	// One that fails does not keep the others from being done.
	got := c.tells(t, 1, []string{"not_found"}, "delete", again.ID, c.send(t, 0, testFile(t, "d.shift", []byte("x")), "--to", "said"))
	if !strings.Contains(got.stdout, "deleted") {
		t.Errorf("delete of two: %+v", got)
	}
}

func (c *commandBundle) drains(t *testing.T) {
	drained := document[client.Dispatchers](t, c, "drain")
	if len(drained.Dispatchers) != 1 || drained.Dispatchers[0].State != "drained" {
		t.Errorf("drain --json: %+v", drained)
	}
	c.tells(t, 2, nil, "drain", "--now", "--off")
	c.tells(t, 0, []string{"drained"}, "drain", "--now")
	c.tells(t, 0, []string{"HOST"}, "drain", "--off")
	c.send(t, 0, testFile(t, "e.shift", []byte("x")), "--to", "said")
}

// replays runs what ran, though the recipe was changed meanwhile.
func (c *commandBundle) replays(t *testing.T) {
	same := document[client.Replay](t, c, "replay", c.done)
	if len(same.Differs) != 0 || same.Attempt != 1 || same.Job.RetryOf == nil || *same.Job.RetryOf != c.done {
		t.Errorf("replay --json: %+v", same)
	}
	before := document[client.Job](t, c, "show", c.done).RecipeVersion
	c.writeRecipe(t, "now")
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, "the changed recipe is in force", func() bool {
		id := c.send(t, 0, testFile(t, "f.shift", []byte("x")), "--to", "said")
		return document[client.Job](t, c, "show", id).RecipeVersion != before
	})
	got := c.tells(t, 0, []string{"replay of " + c.done + " attempt 1, recipe version " + before, "differs: The recipe shifting was changed"}, "replay", c.done)
	id, _, _ := strings.Cut(got.stdout, " ")
	await(t, "the replay has ended", func() bool { return document[client.Job](t, c, "show", id).Done })
	if status, body := c.get("/api/v1/jobs/" + id + "/outputs/a.said"); status != 200 || strings.TrimSpace(body) != "before" {
		t.Errorf("the replay said %q (%d), want what the old version says", body, status)
	}
	c.tells(t, 1, []string{"not_found"}, "replay", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

func (c *commandBundle) strangers(t *testing.T) {
	for _, args := range [][]string{{"failures"}, {"refused"}, {"queues"}, {"stats"}, {"dispatchers"}, {"drain"}, {"cache", "drop", "say"}, {"replay", c.done}} {
		got := convertd(t, "", append(args, "--server", c.URL)...)
		if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "unauthorized") && !strings.Contains(got.stderr, "administrator") {
			t.Errorf("%v without the key: %+v", args, got)
		}
	}
}
