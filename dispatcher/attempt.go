package dispatcher

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/process"
	"convertd/runner"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// order is what a running attempt may be told.
type order int

const (
	// orderNone is what an attempt was told that was told nothing.
	orderNone order = iota
	// orderStop: stop safely, go back to the queue.
	orderStop
	// orderExpire: end because it had not begun in time.
	orderExpire
	// orderCancel: end for good.
	orderCancel
)

// attempt is one execution of a job that this dispatcher looks after. The loop owns
// need, seat, units and written; all else belongs to the goroutine that attends it.
type attempt struct {
	row job.Claimed
	// claim is what becomes of the claim that it is of, nil for one that was adopted.
	claim  *confirmation
	dir    spool.Job
	recipe recipe.Recipe
	// known says that there is such a recipe here, so that its limits and rules hold;
	// recallError why that could not be found out.
	known       bool
	recallError error
	need        need
	seat        int
	// units are the numbers of the resources that it was granted.
	units map[string][]int
	log   *slog.Logger

	spec  runner.Spec
	group *cgroup.Group
	kin   process.Kin
	child *child
	// began is when it was started, on the monotonic clock; start how, for its row, which
	// the loop has written if written is set.
	began   time.Time
	start   atomic.Pointer[job.Began]
	written bool
	// orders carries what the loop tells the attendant; told is the strongest so far.
	orders chan order
	told   atomic.Int32
	// expired says that it was killed because the child did not keep the time limit.
	expired bool
	// crowds carries why it is stopped for want of room on the disk; crowded is what came.
	crowds  chan *crowding
	crowded *crowding
	// bye says that it only tells services that nobody waits any more.
	bye bool
	// abandoned says that its claim could not be confirmed.
	abandoned bool
	// unstarted says that this machine could not start it.
	unstarted bool
	// adopted says that another dispatcher claimed it; noted that a child of that one was
	// about to be told what to do; rebooted that the machine was restarted since.
	adopted, noted, rebooted bool
	// noted limits of an adopted attempt, which hold though the recipe may have changed.
	bounds recipe.Limits
}

func (d *Dispatcher) newAttempt(row job.Claimed) *attempt {
	a := &attempt{
		row: row, dir: d.opts.Spool.Job(row.ID), seat: -1,
		log:    d.opts.Log.With("job", row.ID, "recipe", row.Recipe, "attempt", row.Attempt),
		orders: make(chan order, 2), crowds: make(chan *crowding, 1),
	}
	d.findRecipe(a)
	a.need = d.lanes.needOf(a.recipe, row.Queue)
	if d.cgroups.Method().Tree != cgroup.None || d.cgroups.Method().Memory == cgroup.V1 {
		a.group = d.cgroups.Group(groupName(row))
	}
	return a
}

// groupName names a control group by recipe, the first characters of the id (the whole
// id is a capability, and process lists are public), and attempt.
func groupName(row job.Claimed) string {
	return groupNameOf(row.Recipe, row.ID, row.Attempt)
}

// tell gives an order; a weaker one than before changes nothing. It never waits.
func (a *attempt) tell(o order) {
	for {
		before := a.told.Load()
		if int32(o) <= before {
			return
		}
		if a.told.CompareAndSwap(before, int32(o)) {
			a.orders <- o
			return
		}
	}
}

// order returns the strongest order given so far.
func (a *attempt) order() order { return order(a.told.Load()) }

// held reports whether a control group holds all processes of the attempt.
func (a *attempt) held() bool { return a.group != nil && a.group.Dir() != "" }

// kill kills what can be found of the attempt now.
func (a *attempt) kill() error {
	if a.held() {
		return a.group.Kill()
	}
	return a.kin.Kill()
}

// end kills every process of the attempt and returns when none is left.
func (a *attempt) end(ctx context.Context) error {
	if a.held() {
		return a.group.End(ctx)
	}
	return a.kin.End(ctx)
}

// alive reports whether a process of the attempt lives.
func (a *attempt) alive() (bool, error) {
	if a.held() {
		return a.group.Populated()
	}
	found, err := a.kin.Find()
	return len(found) > 0, err
}

// limits are those in force for the attempt.
func (a *attempt) limits() recipe.Limits {
	if a.spec.Version != 0 {
		return a.spec.Limits
	}
	l, d := a.recipe.Limits, recipe.DefaultLimits()
	if a.noted {
		l = a.bounds
	}
	if l.Time == 0 {
		l.Time = d.Time
	}
	if l.Grace == 0 {
		l.Grace = d.Grace
	}
	if l.Memory == 0 {
		l.Memory = d.Memory
	}
	return l
}
