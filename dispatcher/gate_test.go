package dispatcher

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/sql/refused"
	"convertd/sql/roster"
)

// Jobs with one key never run side by side, whichever recipe they are of.
func TestConcurrencyKeysExclude(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	script := `mkdir ` + th.path("busy") + ` || exit 1; sleep 0.05; rmdir ` + th.path("busy") + `; cp "$1" "$2.txt"`
	w := newWorld(t, shell("one", script, th.open), shell("two", script, th.open))
	w.opts.Lanes = Lanes{Slots: 4}
	// Other users must be able to remove the folder that one of them made.
	key := func(d *job.Draft) { d.Concurrency.Key = "k" }
	var ids []string
	for range 3 {
		ids = append(ids, w.submit("one", "x", key), w.submit("two", "x", key))
	}
	w.serve(w.opts)
	for _, id := range ids {
		w.await(id, job.Succeeded)
	}
}

// A chain of jobs, each with the output of the one before as its input.
func TestAChainOfJobs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("add", `(cat "$1"; echo more) > "$2.txt"`))
	first := w.submit("add", "start\n")
	last := first
	for range 3 {
		from := last
		last = w.submit("add", "", func(d *job.Draft) {
			d.Inputs = nil
			d.Needs = []job.Need{{Job: from, Output: "my file.txt", Input: 1}}
		})
	}
	vain := w.submit("add", "", func(d *job.Draft) {
		d.Inputs = nil
		d.Needs = []job.Need{{Job: first, Output: "nothing.txt", Input: 1}}
	})
	w.serve(w.opts)
	j := w.await(last, job.Succeeded)
	got, err := os.ReadFile(filepath.Join(w.spool.Job(last).Out(1), j.Outputs[0].File))
	if err != nil || string(got) != "start\nmore\nmore\nmore\nmore\n" {
		t.Errorf("the last job made %q, %v", got, err)
	}
	w.await(vain, job.Cancelled)
}

// What follows a failed job is cancelled, and so is what follows that.
func TestWhatFollowsAFailureIsCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("bad", `exit 3`), shell("copy", `cp "$1" "$2.txt"`))
	bad := w.submit("bad", "x")
	next := w.submit("copy", "x", func(d *job.Draft) { d.Needs = []job.Need{{Job: bad}} })
	last := w.submit("copy", "x", func(d *job.Draft) { d.Needs = []job.Need{{Job: next}} })
	w.serve(w.opts)
	if j := w.await(last, job.Cancelled); j.Result == nil || j.Result.Detail == "" {
		t.Errorf("cancelled without a reason: %+v", j.Result)
	}
}

// A drained dispatcher claims nothing, ends what runs as it is told, and goes on when the
// order is taken back.
func TestDrain(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("patient", th.patient(), th.open), shell("copy", `cp "$1" "$2.txt"`))
	seen := roster.NewStore(w.db)
	state := func(want roster.State) {
		t.Helper()
		until(t, "the dispatcher is "+string(want), func() bool {
			found, err := seen.List(t.Context())
			return err == nil && len(found) == 1 && found[0].State == want
		})
	}
	order := func(mode roster.Mode) {
		t.Helper()
		if err := seen.Order(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
	}
	id := w.submit("patient", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	state(roster.Serving)
	order(roster.Drain)
	state(roster.Draining)
	behind := w.submit("copy", "x")
	order(roster.Now)
	state(roster.Drained)
	for _, waiting := range []string{id, behind} {
		j, err := w.jobs.Find(t.Context(), waiting)
		if err != nil || j.State != job.Queued || j.Failures != 0 {
			t.Errorf("while drained: %+v, %v", j.Life, err)
		}
	}
	th.tell("go")
	order(roster.Off)
	w.await(id, job.Succeeded)
	w.await(behind, job.Succeeded)
	state(roster.Serving)
}

// A job submits others by files it leaves; they run in its group after its success, once.
func TestFollowUpJobs(t *testing.T) {
	t.Parallel()
	script := `cp "$1" "$2.txt"
printf '{"recipe": "second", "inputs": [{"output": "my file.txt"}], "tags": {"by": "script"}}' > $CONVERTD_SUBMIT/a.json
printf '{"recipe": "nobody knows"}' > $CONVERTD_SUBMIT/b.json
printf 'not json' > $CONVERTD_SUBMIT/c.json
printf '{"recipe": "third"}' > $CONVERTD_SUBMIT/d.json
ln -s /etc/passwd $CONVERTD_SUBMIT/e.json`
	taking := func(r *recipe.Recipe) { r.Accept = []string{"*/*"} }
	w := newWorld(t, shell("first", script), shell("second", `cp "$1" "$2.txt"`, taking),
		shell("third", `echo hello > $CONVERTD_OUTPUT/x.txt`, func(r *recipe.Recipe) {
			r.Steps[0].Command = []string{"/bin/sh", "-c", "echo hello > $CONVERTD_OUTPUT/x.txt"}
			r.Inputs = recipe.Inputs{Each: true}
		}))
	id := w.submit("first", "x")
	w.serve(w.opts)
	first := w.await(id, job.Succeeded)
	second, third := w.await(derivedID(id, "a.json"), job.Succeeded), w.await(derivedID(id, "d.json"), job.Succeeded)
	if first.Group == "" || second.Group != first.Group || third.Group != first.Group || second.Tags["by"] != "script" || second.Owner != first.Owner {
		t.Errorf("groups %q %q %q, tags %v", first.Group, second.Group, third.Group, second.Tags)
	}
	page, err := w.jobs.List(t.Context(), job.Filter{})
	if err != nil || len(page.Jobs) != 3 {
		t.Errorf("%d jobs, %v, want three", len(page.Jobs), err)
	}
	kept, err := refused.NewStore(w.db).List(t.Context(), 0, 10)
	if err != nil || len(kept) != 1 {
		t.Fatalf("refusals %+v, %v, want one", kept, err)
	}
	for _, one := range kept {
		if one.Owner != "ann" || one.Code != fault.Invalid || !strings.Contains(one.Detail, id) {
			t.Errorf("refusal %+v", one)
		}
	}
}

// A job that does not succeed submits nothing.
func TestFollowUpJobsOfAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("first", `printf '{"recipe": "first"}' > $CONVERTD_SUBMIT/a.json; exit 3`))
	id := w.submit("first", "x")
	w.serve(w.opts)
	w.await(id, job.Failed)
	if page, err := w.jobs.List(t.Context(), job.Filter{}); err != nil || len(page.Jobs) != 1 {
		t.Errorf("%d jobs, %v", len(page.Jobs), err)
	}
}
