package dispatcher

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/sql/roster"
)

// versioned gives a recipe of a test the version that it would have from a file.
func versioned(t *testing.T, r recipe.Recipe) recipe.Recipe {
	t.Helper()
	text, err := r.Declaration()
	if err != nil {
		t.Fatal(err)
	}
	r.Version = recipe.VersionOf(text)
	return r
}

// A replay runs what ran then, though the file was changed since; a retry does not.
func TestAReplayRunsTheRecipeAsItWas(t *testing.T) {
	t.Parallel()
	before, now := versioned(t, shell("say", `echo before > "$2.txt"`)), versioned(t, shell("say", `echo now > "$2.txt"`))
	w := newWorld(t, before)
	id := w.submit("say", "x")
	first := w.serve(w.opts)
	w.await(id, job.Succeeded)
	first.stop()
	w.opts.Recipes = recipe.NewSet([]recipe.Recipe{now}, nil)
	of := func(id string, attempt int) func(*job.Draft) {
		return func(d *job.Draft) { d.RetryOf, d.Replays = id, attempt }
	}
	replayed, retried := w.submit("say", "x", of(id, 1)), w.submit("say", "x", of(id, 0))
	lost, strange := w.submit("say", "x", of(id, 2)), w.submit("other", "x", of(id, 1))
	w.serve(w.opts)
	for id, want := range map[string]string{replayed: "before", retried: "now"} {
		j := w.await(id, job.Succeeded)
		got, err := os.ReadFile(filepath.Join(w.spool.Job(id).Out(1), j.Outputs[0].File))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("it says %q, want %q (%v)", got, want, err)
		}
	}
	for id, version := range map[string]string{replayed: before.Version, retried: now.Version} {
		if a := w.attempt(id); a.RecipeVersion != version {
			t.Errorf("the row says version %s ran, want %s", a.RecipeVersion, version)
		}
	}
	for _, id := range []string{lost, strange} {
		if j := w.await(id, job.Failed); !strings.Contains(j.Result.Detail, "not kept any more") {
			t.Errorf("result %+v", j.Result)
		}
	}
}

// attempt returns the only attempt of a job.
func (w *world) attempt(id string) job.Attempt {
	w.t.Helper()
	all, err := w.jobs.Attempts(w.t.Context(), id)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("attempts %+v, %v", all, err)
	}
	return all[0]
}

// The row of an attempt tells by which process, where and by which programs it was done:
// of a short one from its end on, of a longer one while it runs.
func TestTheRowTellsHowAnAttemptRan(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	r := versioned(t, shell("short", `cp "$1" "$2.txt"`))
	w := newWorld(t, r, shell("slow", th.patient(), th.open))
	w.opts.Version = "v1"
	short, slow := w.submit("short", "x"), w.submit("slow", "x")
	w.serve(w.opts)
	w.await(short, job.Succeeded)
	a := w.attempt(short)
	var m roster.Machine
	var ran []runner.Ran
	if err := json.Unmarshal(a.Machine, &m); err != nil || m.Host == "" || m.Convertd != "v1" || m.BootID != a.BootID || m.Kernel == "" {
		t.Errorf("machine %s, %v", a.Machine, err)
	}
	if err := json.Unmarshal(a.Ran, &ran); err != nil || len(ran) != 1 || ran[0].Version == "" {
		t.Errorf("ran %s, %v", a.Ran, err)
	}
	if a.PID == 0 || a.RecipeVersion != r.Version {
		t.Errorf("attempt %+v", a)
	}
	until(t, "the row of a running attempt names its process", func() bool { return w.attempt(slow).PID > 0 })
	rows, err := roster.NewStore(w.db).List(t.Context())
	if err != nil || len(rows) != 1 || len(m.Differences(rows[0].Machine)) > 0 {
		t.Errorf("dispatchers %+v, %v", rows, err)
	}
	th.tell("go")
	w.await(slow, job.Succeeded)
}

// What no job names any more goes; what is in use is said to be.
func TestOldDeclarationsAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, versioned(t, shell("copy", `cp "$1" "$2.txt"`)))
	w.opts.Keep = Keep{Rows: time.Hour}
	id := w.submit("copy", "x")
	if _, err := w.db.Exec(`insert into declaration (recipe, version, text, used_at)
		select 'copy', v, '', now() - a from (values ('named', interval '1 year'), ('unused', interval '1 year'), ('fresh', interval '1 hour')) as d (v, a)`); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Exec(`update job set recipe_version = 'named' where id = $1`, id); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	w.await(id, job.Succeeded)
	until(t, "the one that is not used is gone", func() bool {
		var left []string
		if err := w.db.Select(&left, `select version from declaration order by version`); err != nil {
			t.Fatal(err)
		}
		return len(left) == 3 && left[1] == "fresh" && left[2] == "named"
	})
}
