package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/process"
	"convertd/sql/job"
)

// adopt takes over what a dispatcher that died left in this spool: every running row is
// either watched on, recorded from its outcome file, or proved dead and tried again.
// Control groups that belong to none of them are killed and removed. We hold the
// spool's lock, so the other dispatcher is dead.
func (d *Dispatcher) adopt(ctx context.Context) error {
	if err := d.bindSpool(ctx); err != nil {
		return err
	}
	rows, err := d.runningRows(ctx)
	if err != nil {
		return err
	}
	// A dispatcher before may have put off a second attempt by a clock that was wrong.
	if _, err := d.jobs.DueAgain(ctx); err != nil {
		d.complain("promote jobs that are tried again", err)
	}
	expected := map[string]bool{}
	for _, row := range rows {
		if row.Dispatcher == d.name {
			expected[groupName(row)] = true
			d.adoptRow(row)
		}
	}
	d.endStrangers(expected)
	return nil
}

func (d *Dispatcher) adoptRow(row job.Claimed) {
	a := d.newAttempt(row)
	d.find(a)
	d.running[row.ID] = a
	d.seat(a)
	if row.CancelRequested {
		a.tell(orderCancel)
	}
	d.attendants.Go(func() { d.attendAdopted(a) })
}

// reconcilePolls is how many polls lie between two comparisons.
const reconcilePolls = 5

// reconcile looks after rows that run in our name although we do not know of them: a
// claim of ours whose answer was lost, or a claim of a dispatcher that died, which the
// server carried out only after we had looked. They go back to their queue.
func (d *Dispatcher) reconcile() bool {
	ctx, cancel := context.WithTimeout(d.leaving, brief)
	defer cancel()
	rows, err := d.jobs.Running(ctx)
	if err != nil {
		return d.complain("look for running jobs", err)
	}
	for _, row := range rows {
		if row.Dispatcher == d.name && d.running[row.ID] == nil {
			d.adoptRow(row)
		}
	}
	d.reconcileAt = time.Now().Add(reconcilePolls * d.times.Poll)
	return true
}

// runningRows waits for the database as long as it takes.
func (d *Dispatcher) runningRows(ctx context.Context) (rows []job.Claimed, err error) {
	err = d.persist(ctx, "look for running jobs", func() error {
		rows, err = d.jobs.Running(ctx)
		return err
	})
	return rows, err
}

// persist tries once a poll until the database does it.
func (d *Dispatcher) persist(ctx context.Context, what string, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		d.log.Error(what, "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(d.times.Poll):
		}
	}
}

// find looks for the processes of an attempt that another dispatcher started.
func (d *Dispatcher) find(a *attempt) {
	a.adopted = true
	a.rebooted = a.row.BootID != d.bootID
	a.kin = kinOf(a, process.Name{})
	n, err := readNote(a.dir, a.row.Attempt, a.row.Token)
	if err != nil {
		// Without a note no child was told anything: whatever was started ends by itself.
		if !errors.Is(err, os.ErrNotExist) {
			a.log.Error("read note of child", "error", err)
		}
		return
	}
	a.noted, a.bounds, a.seat, a.units = true, n.Limits, n.Seat, n.Units
	a.start.Store(&job.Began{Job: a.row.ID, Attempt: a.row.Attempt, Token: a.row.Token, PID: n.PID, Cgroup: n.Cgroup, RecipeVersion: n.RecipeVersion})
	if a.rebooted {
		return
	}
	a.kin = kinOf(a, n.Name)
	switch {
	case n.Cgroup != "":
		a.group = d.cgroups.At(n.Cgroup)
	case a.held():
		a.group = nil
	}
	a.began = beganAt(n)
	a.child = d.adoptChild(n.Name)
}

// beganAt puts a start noted on the monotonic clock on Go's.
func beganAt(n note) time.Time {
	now, err := process.Monotonic()
	if err != nil || n.Began > now {
		return time.Now()
	}
	return time.Now().Add(n.Began - now)
}

// adoptChild returns a child whose parent is another process; it may have ended.
func (d *Dispatcher) adoptChild(name process.Name) *child {
	c := &child{name: name, done: make(chan struct{}), signal: func(unix.Signal) error { return os.ErrProcessDone }}
	h, err := process.Open(name)
	if err != nil {
		close(c.done)
		return c
	}
	c.signal = h.Signal
	go func() {
		defer h.Close()
		if err := h.Wait(d.leaving); err == nil {
			close(c.done)
		}
	}()
	return c
}

// attendAdopted sees an attempt through that another dispatcher began.
func (d *Dispatcher) attendAdopted(a *attempt) {
	switch {
	case a.rebooted:
		a.log.Info("the machine was restarted while the job ran")
	case a.child == nil:
		a.log.Info("the job was claimed, and its child was never told to begin")
	default:
		alive, err := a.alive()
		a.log.Info("job adopted", "pid", a.child.name.PID, "alive", alive, "error", err)
	}
	d.attend(a)
}

// endStrangers ends groups in our tree that belong to no running row: their attempts
// were recorded, or their rows were given up.
func (d *Dispatcher) endStrangers(expected map[string]bool) {
	if m := d.cgroups.Method(); m.Tree == cgroup.None && m.Memory == cgroup.None && m.Processes == cgroup.None {
		return
	}
	names, err := d.cgroups.Names()
	if err != nil {
		d.log.Error("list control groups", "error", err)
		return
	}
	for _, name := range names {
		if expected[name] {
			continue
		}
		d.log.Info("ending a control group that belongs to no running job", "group", name)
		ctx, cancel := context.WithTimeout(context.Background(), brief)
		g := d.cgroups.Group(name)
		if err := errors.Join(g.End(ctx), g.Remove()); err != nil {
			d.log.Error("end control group", "group", name, "error", err)
		}
		cancel()
	}
}
