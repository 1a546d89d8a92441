package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/cgroup"
	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
	"convertd/sql/roster"
)

// health is what the loop knows about whether this machine can start anything. A job
// that could not be started went back to its queue; before another one is claimed a
// rehearsal shows whether that was the job's own trouble or the machine's.
type health struct {
	// ill says that a start failed and no rehearsal has succeeded since.
	ill bool
	// after is when the next rehearsal may begin; failed counts those in a row that did not
	// go well.
	after  time.Time
	failed int
	// rehearsing says that one is under way; rehearsed tells how it went.
	rehearsing bool
	rehearsed  chan error
	rehearsals sync.WaitGroup
	// kind tells the file system of a folder, by its number in statfs(2).
	kind func(dir string) int64
}

// fit reports whether jobs may be claimed. If that has to be found out, it is begun.
func (d *Dispatcher) fit() bool {
	if err := d.sameSpool(); err != nil {
		d.trouble(err)
		return false
	}
	if err := d.warden.short(); err != nil {
		d.trouble(err)
		return false
	}
	h := &d.health
	if h.rehearsing || h.ill && time.Now().Before(h.after) {
		return false
	}
	if !h.ill {
		d.presence.complain("")
		return true
	}
	h.rehearsing = true
	h.rehearsals.Go(func() { h.rehearsed <- d.rehearse(d.leaving) })
	return false
}

// rehearsed takes how a rehearsal went. A machine that is ill is asked again, less and
// less often.
func (d *Dispatcher) rehearsed(err error) {
	const longest = 30 * time.Second
	h := &d.health
	h.rehearsing, h.ill = false, err != nil
	if err != nil {
		h.after = time.Now().Add(min(longest, d.times.Poll<<min(h.failed, 5)))
		h.failed++
		d.trouble(err)
		return
	}
	h.failed = 0
	d.look(true, false)
}

// trouble says why nothing is claimed, where an administrator looks.
func (d *Dispatcher) trouble(err error) {
	text := err.Error()
	if before, _ := d.presence.trouble.Load().(string); before != text {
		d.log.Error("no job is claimed", "error", err)
	}
	d.presence.complain(text)
}

// rehearsal names what a rehearsal makes.
const rehearsal = "rehearsal"

// rehearse does everything that starting a job takes, without a job.
func (d *Dispatcher) rehearse(ctx context.Context) (err error) {
	dir := filepath.Join(d.opts.Spool.Root(), rehearsal)
	defer func() { err = errors.Join(err, spool.RemoveFolder(dir)) }()
	if err := errors.Join(spool.RemoveFolder(dir), os.Mkdir(dir, 0o700)); err != nil {
		return fmt.Errorf("make a folder in the spool: %w", err)
	}
	a := &attempt{row: job.Claimed{}, dir: spool.Job{Dir: dir, ID: rehearsal}, log: d.log}
	if err := writeDurably(filepath.Join(dir, "note"), make([]byte, 4096)); err != nil {
		return fmt.Errorf("write into the spool: %w", err)
	}
	if d.cgroups.Method().Tree != cgroup.None {
		if a.group, err = d.cgroups.Make(ctx, rehearsal); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.group.End(ctx), a.group.Remove()) }()
	}
	lock, err := lockFile(a.dir.Lock(1))
	if err != nil {
		return err
	}
	defer lock.Close()
	return d.rehearseChild(a, lock)
}

// rehearseChild starts a child and tells it nothing, upon which it ends.
func (d *Dispatcher) rehearseChild(a *attempt, lock *os.File) error {
	spec, err := d.launch(a, lock)
	if err != nil {
		return err
	}
	defer a.child.close()
	if err := spec.Close(); err != nil {
		return err
	}
	select {
	case <-a.child.done:
	case <-time.After(brief):
		return errors.Join(errors.New("a child that was told nothing did not end"), a.child.signal(unix.SIGKILL))
	}
	if a.child.state == nil || !a.child.state.Success() {
		return fmt.Errorf("a child that was told nothing ended with %v: %s", a.child.state, a.child.lastWords())
	}
	return nil
}

// sameSpool looks whether the spool is still the folder whose lock we hold.
func (d *Dispatcher) sameSpool() error {
	const hint = "Nothing is claimed until it is back; if it is lost for good, start the dispatcher again."
	root := d.opts.Spool.Root()
	held, err := d.lock.Stat()
	if err != nil {
		return fmt.Errorf("look at lock of spool: %w", err)
	}
	there, err := os.Stat(filepath.Join(root, spoolLock))
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, fmt.Sprintf("The spool %s is gone.", root), hint)
	}
	if !os.SameFile(held, there) {
		return fault.New(fault.Unavailable, fmt.Sprintf("Another folder is in the place of the spool %s.", root), hint)
	}
	return nil
}

// bindSpool refuses a database that belongs to another spool: the files of its jobs are
// not here, or not any more.
func (d *Dispatcher) bindSpool(ctx context.Context) error {
	mine := roster.Spool{Name: d.name, Path: d.opts.Spool.Root(), Host: d.presence.self.Host}
	var bound roster.Spool
	err := d.persist(ctx, "look for the spool of the database", func() (err error) {
		bound, err = d.presence.store.Bind(ctx, mine)
		return err
	})
	if err != nil || bound.Name == mine.Name {
		return err
	}
	return fault.New(fault.Conflict,
		fmt.Sprintf("The files of the jobs in this database lie in another spool: %s on %s. The folder %s is not that one, or was emptied.", bound.Path, bound.Host, mine.Path),
		fmt.Sprintf("Mount it or correct [spool] dir or [database] url. If those files are lost for good, write %s into %s: jobs whose files are missing then fail.", bound.Name, filepath.Join(mine.Path, spoolIDFile)))
}

// refuseNetwork refuses a spool on a file system of another machine, whose locks and
// syncs are not what we rely on.
func (d *Dispatcher) refuseNetwork(root string) error {
	switch d.health.kind(root) {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return fault.New(fault.Invalid, fmt.Sprintf("The spool %s lies on a network file system, whose locks and power cuts convertd cannot vouch for.", root),
			"Put [spool] dir on a local disk.")
	}
	return nil
}

// kindOf asks the kernel; a folder that cannot be asked about has no kind.
func kindOf(dir string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0
	}
	return int64(st.Type)
}
