package dispatcher

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
	"convertd/sql/roster"
)

// refuses runs a dispatcher that must not serve and returns why it did not.
func (w *world) refuses(opts Options, change ...func(*Dispatcher)) *fault.Error {
	w.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	opts.Ready = func() { w.t.Error("it serves") }
	d := New(opts)
	for _, c := range change {
		c(d)
	}
	err := d.Run(ctx)
	var refusal *fault.Error
	if !errors.As(err, &refusal) {
		w.t.Fatalf("ended with %v, want a refusal", err)
	}
	return refusal
}

// trouble is what the dispatcher that lives says about itself.
func (w *world) trouble() string {
	w.t.Helper()
	all, err := roster.NewStore(w.db).List(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range all {
		if d.State == roster.Serving {
			return d.Trouble
		}
	}
	return ""
}

// faultAnotherSpool starts a dispatcher for another folder on a database whose jobs have
// their files elsewhere.
func faultAnotherSpool(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	running, waiting := w.submit("slow", "x"), ""
	w.opts.Lanes.Slots = 1
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	waiting = w.submit("slow", "y")
	other := w.opts
	other.Spool = spool.New(filepath.Join(openDir(t), "other"))
	refusal := w.refuses(other)
	for _, want := range []string{w.spool.Root(), other.Spool.Root()} {
		if !strings.Contains(refusal.Message, want) {
			t.Errorf("%q does not name %s", refusal.Message, want)
		}
	}
	th.tell("go")
	for _, id := range []string{running, waiting} {
		if j := w.await(id, job.Succeeded); j.Attempt != 1 {
			t.Errorf("attempt %d", j.Attempt)
		}
	}
}

// faultNewSpool starts on an empty folder while a job has its files in another one, until
// the administrator says that this is the spool.
func faultNewSpool(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	first := w.serve(w.opts)
	until(t, "the first is bound", func() bool { return w.boundTo() != "" })
	first.stop()
	before := w.boundTo()
	w.spool = spool.New(filepath.Join(openDir(t), "new"))
	w.opts.Spool = w.spool
	id := w.submit("copy", "x")
	refusal := w.refuses(w.opts) // the job that waits may have its files there
	// The administrator says that this is the spool.
	if err := os.WriteFile(filepath.Join(w.spool.Root(), spoolIDFile), []byte(before+"\n"), 0o600); err != nil || !strings.Contains(refusal.Hint, before) {
		t.Fatalf("%v, hint %q", err, refusal.Hint)
	}
	w.serve(w.opts)
	w.await(id, job.Succeeded)
}

func (w *world) boundTo() string {
	var name string
	_ = w.db.Get(&name, `select name from spool`)
	return name
}

// faultsOfSpool do something to the folder while the dispatcher serves it, and undo it.
func faultsOfSpool() []variant {
	aside := func(root string) error { return os.Rename(root, root+".aside") }
	back := func(root string) error { return os.Rename(root+".aside", root) }
	then := func(do ...func(string) error) func(string) error {
		return func(root string) error {
			for _, d := range do {
				if err := d(root); err != nil {
					return err
				}
			}
			return nil
		}
	}
	var all []variant
	for _, f := range []struct {
		name       string
		hurt, heal func(root string) error
	}{
		{"deleted", aside, back},
		{"replaced_by_an_empty_folder", then(aside, func(root string) error { return os.Mkdir(root, 0o755) }), then(os.RemoveAll, back)},
		{"replaced_by_a_link", then(aside, func(root string) error { return os.Symlink(filepath.Dir(root), root) }), then(os.Remove, back)},
		{"read_only", func(root string) error {
			if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
				return err
			}
			return unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
		}, func(root string) error { return unix.Unmount(root, unix.MNT_DETACH) }},
	} {
		all = append(all, variant{f.name, func(t *testing.T) { t.Parallel(); spoolHurt(t, f.hurt, f.heal) }})
	}
	return append(all, variant{"on_NFS", faultNetworkSpool}, variant{"a_new_one_for_jobs_of_the_old", faultNewSpool})
}

func spoolHurt(t *testing.T, hurt, heal func(string) error) {
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	before := w.submit("copy", "x")
	w.serve(w.opts)
	w.await(before, job.Succeeded)
	id := w.prepare("y")
	if err := hurt(w.spool.Root()); err != nil {
		t.Fatal(err)
	}
	healed := false
	undo := func() {
		if !healed {
			healed = true
			if err := heal(w.spool.Root()); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(undo)
	w.insert(id, "copy", "y")
	until(t, "the dispatcher says what is wrong", func() bool { return strings.Contains(w.trouble(), w.spool.Root()) })
	if j := w.find(id); j.Attempt > 1 || j.Failures != 0 || j.State.Ended() {
		t.Errorf("meanwhile the job is %s after %d attempts", j.State, j.Attempt)
	}
	undo()
	if j := w.await(id, job.Succeeded); j.Failures != 0 {
		t.Errorf("%d failures counted", j.Failures)
	}
	until(t, "the trouble is over", func() bool { return w.trouble() == "" })
}

// A spool that goes away between claim and start is no fault of the job's.
func TestASpoolThatGoesAwayDamagesNoInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	d := New(w.opts)
	lock, err := d.takeSpool(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	d.lock = lock
	id := w.submit("copy", "x")
	a := &attempt{row: job.Claimed{Job: w.find(id)}, dir: w.spool.Job(id)}
	if err := d.checkInputs(a); err != nil {
		t.Fatal(err)
	}
	aside := w.spool.Root() + ".aside"
	if err := os.Rename(w.spool.Root(), aside); err != nil {
		t.Fatal(err)
	}
	var e *refusal
	if err := d.checkInputs(a); err == nil || errors.As(err, &e) {
		t.Errorf("without its spool the job is refused: %v", err)
	}
	if err := os.Rename(aside, w.spool.Root()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(a.dir.In()); err != nil {
		t.Fatal(err)
	}
	if err := d.checkInputs(a); !errors.As(err, &e) {
		t.Errorf("an input that is missing in its spool: %v", err)
	}
}

// find is the job as its row is now.
func (w *world) find(id string) job.Job {
	w.t.Helper()
	j, err := w.jobs.Find(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

func faultNetworkSpool(t *testing.T) {
	t.Parallel()
	for _, kind := range []int64{unix.NFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC} {
		w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
		refusal := w.refuses(w.opts, func(d *Dispatcher) { d.health.kind = func(string) int64 { return kind } })
		if !strings.Contains(refusal.Message, w.spool.Root()) || refusal.Hint == "" {
			t.Errorf("%+v", refusal)
		}
	}
}
