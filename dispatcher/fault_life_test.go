package dispatcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"convertd/dispatcher/mail"
	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// faultsOfLostRows have a database that knows less than the spool.
func faultsOfLostRows() []variant {
	return []variant{{"files_of_accepted_jobs_stay", faultRowsLost}}
}

func faultRowsLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	w.opts.Times.Orphan = 50 * time.Millisecond
	lost := w.counts("the spool has files of accepted jobs that the database does not know; they stay until somebody removes them")
	waiting, ran := w.submit("copy", "x"), w.submit("copy", "x")
	if err := w.spool.Job(waiting).MarkAccepted([]byte(`{"recipe":"copy"}`)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.spool.Job(ran).Outcome(1), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	never := w.prepare("x") // its web process died before the commit
	if _, err := w.db.Exec(`delete from job`); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	until(t, "what was never accepted is removed", func() bool { _, err := os.Stat(w.spool.Job(never).Dir); return os.IsNotExist(err) })
	until(t, "the administrator is told", func() bool { return lost.Load() >= 2 })
	for _, id := range []string{waiting, ran} {
		if _, err := os.Stat(filepath.Join(w.spool.Job(id).In(), "1.txt")); err != nil {
			t.Errorf("an input of an accepted job is gone: %v", err)
		}
	}
}

// faultsOfInputs damage an input between its acceptance and the start.
func faultsOfInputs() []variant {
	var all []variant
	for _, f := range []struct {
		name   string
		damage func(path string) error
	}{
		{"missing", os.Remove},
		{"changed", func(path string) error { return os.WriteFile(path, []byte("y"), 0o644) }},
		{"longer", func(path string) error { return os.WriteFile(path, []byte("xx"), 0o644) }},
		{"empty", func(path string) error { return os.Truncate(path, 0) }},
		{"a_link", func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/etc/hostname", path)) }},
	} {
		all = append(all, variant{f.name, func(t *testing.T) { t.Parallel(); inputDamaged(t, f.damage) }})
	}
	return append(all, variant{"large_and_changed", faultLargeInputChanged})
}

func inputDamaged(t *testing.T, damage func(string) error) {
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	box := &mailbox{}
	w.opts.Mail = mail.Config{SMTP: box.listen(t, "127.0.0.1:0"), From: "convertd@studio.example", Admin: "admin@studio.example", PerHour: 20}
	id := w.submit("copy", "x")
	if err := damage(filepath.Join(w.spool.Job(id).In(), "1.txt")); err != nil {
		t.Fatal(err)
	}
	w.serve(w.opts)
	j := w.await(id, job.Failed)
	if j.Attempt != 1 || j.Result.Class != fault.InternalError || !strings.Contains(j.Result.Detail, "damaged") || !strings.Contains(j.Result.Detail, "my file.txt") {
		t.Errorf("attempt %d, result %+v", j.Attempt, j.Result)
	}
	until(t, "the administrator is told", func() bool { return len(box.all()) == 1 })
	w.await(w.submit("copy", "x"), job.Succeeded)
}

// faultLargeInputChanged looks at inputs that are too large to be read at every start.
func faultLargeInputChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.prepare(strings.Repeat("x", alwaysCompared+1))
	path := filepath.Join(w.spool.Job(id).In(), "1.txt")
	stored, err := spool.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	info := func() os.FileInfo {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	a := &attempt{dir: w.spool.Job(id)}
	a.row.CreatedAt = time.Now().Add(time.Second)
	in := job.Input{File: "1.txt", Name: "n", SHA256: stored.SHA256}
	if err := a.compareInput(in, info()); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	a.row.CreatedAt = info().ModTime().Add(-time.Hour)
	if err := a.compareInput(in, info()); err != nil {
		t.Errorf("written later, with the same content: %v", err)
	}
	in.SHA256 = strings.Repeat("0", 64)
	if err := a.compareInput(in, info()); err == nil {
		t.Error("written later, with another content: no error")
	}
}

// faultUnkillable has a process of a job that no signal ends, as one that waits for a dead
// disk in the kernel.
func faultUnkillable(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("stuck", fmt.Sprintf(`echo $CONVERTD_ATTEMPT >> %s/diary; cp "$1" "$2.txt"`, th.dir), th.open), shell("copy", `cp "$1" "$2.txt"`))
	w.opts.Times.KillMargin = 200 * time.Millisecond
	id := w.submit("stuck", "x")
	var free atomic.Bool
	var asked atomic.Int64
	first := w.serve(w.opts, func(d *Dispatcher) { d.endAttempt = stuckUntil(&free, &asked, id) })
	until(t, "it was asked for its death often", func() bool { return asked.Load() >= 2 })
	for range 3 { // the other slot
		w.await(w.submit("copy", "x"), job.Succeeded)
	}
	until(t, "the status says so", func() bool {
		docs, err := w.cache.store.Get(context.Background(), []string{id})
		var s progress.Status
		return err == nil && json.Unmarshal(docs[id], &s) == nil && s.State == "running" && strings.Contains(s.Message, "cannot be killed")
	})
	if j := w.await(id, job.Running); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	// A successor finds it as stuck as it was.
	first.Stop(LeaveRunning)
	<-first.done
	w.reach(w.url)
	asked.Store(0)
	w.serve(w.opts, func(d *Dispatcher) { d.endAttempt = stuckUntil(&free, &asked, id) })
	until(t, "the successor asked often", func() bool { return asked.Load() >= 2 })
	w.await(w.submit("copy", "x"), job.Succeeded)
	if j := w.await(id, job.Running); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	free.Store(true)
	if j := w.await(id, job.Succeeded); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	if diary := awaitFile(t, th.path("diary")); diary != "1\n" {
		t.Errorf("diary %q", diary)
	}
}

// stuckUntil proves nothing dead of a job until free is set.
func stuckUntil(free *atomic.Bool, asked *atomic.Int64, id string) func(context.Context, *attempt) error {
	return func(ctx context.Context, a *attempt) error {
		if a.row.ID != id || free.Load() {
			return a.end(ctx)
		}
		asked.Add(1)
		<-ctx.Done()
		return ctx.Err()
	}
}
