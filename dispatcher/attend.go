package dispatcher

import (
	"context"
	"errors"
	"os"
	"syscall"

	"convertd/runner/failpoint"
	"convertd/sql/job"
)

// attend sees one attempt through: confirm, start, watch, prove dead, record, clean up. It is
// the body of one goroutine per attempt.
func (d *Dispatcher) attend(a *attempt) {
	if a.claim != nil && !d.confirmed(a) {
		d.abandon(a)
		return
	}
	e := evidence{recipe: a.recipe}
	if !a.adopted && a.order() == orderNone {
		d.begin(a, &e)
	}
	if !d.await(a) {
		d.leaveBehind(a)
		return
	}
	d.gather(a, &e)
	d.report(d.ended, a)
	if d.record(a, e) {
		d.clean(a)
	} else {
		d.leaveBehind(a)
	}
	d.report(d.settled, a)
}

// report tells the loop, unless that has ended.
func (d *Dispatcher) report(to chan<- *attempt, a *attempt) {
	select {
	case to <- a:
	case <-d.leaving.Done():
	}
}

// begin starts the attempt; why it could not goes into the evidence.
func (d *Dispatcher) begin(a *attempt, e *evidence) {
	err := d.start(context.Background(), a)
	if errors.As(err, &e.refusal) {
		a.log.Warn("job refused", "reason", e.refusal.detail)
		return
	}
	if err != nil {
		a.log.Error("start job", "error", err)
		e.startError, a.unstarted = err, true
		return
	}
	d.noteStart(a)
	d.meterStart(a)
	a.log.Info("job started", "pid", a.child.name.PID)
}

// await returns true when the attempt is proved dead and false when it is to be left.
func (d *Dispatcher) await(a *attempt) bool {
	if a.child == nil {
		// Nothing was started, or it was but is gone: the group tells.
		return d.prove(a) == nil
	}
	return d.watch(a) == nil && d.prove(a) == nil
}

// gather completes the evidence of a dead attempt.
func (d *Dispatcher) gather(a *attempt, e *evidence) {
	d.endCallback(a)
	failpoint.Hit(failpoint.BeforeOutcome)
	e.told, e.cancelled, e.expired = a.order(), a.row.CancelRequested, a.expired
	e.crowded = a.crowded
	e.limits = a.limits()
	e.unbegun = a.adopted && (!a.noted || !a.rebooted && !d.worked(a))
	e.failures, e.most = a.row.Failures, max(1, a.row.MaxAttempts)
	e.waived = a.row.Attempt - 1 - a.row.Failures
	if a.group != nil {
		e.memoryKills = a.group.MemoryKills()
	}
	o, err := readOutcome(a.dir, a.row.Attempt, a.row.Token)
	switch {
	case err == nil:
		e.outcome = &o
	case !errors.Is(err, os.ErrNotExist):
		a.log.Error("read outcome", "error", err)
		e.words = err.Error()
	}
	if a.child != nil {
		if e.words == "" {
			e.words = a.child.lastWords()
		}
		if status, ok := a.child.status(); ok {
			e.exit = &status
		}
	}
	failpoint.Hit(failpoint.AfterOutcome)
}

// worked reports whether the child got as far as making its work folder, which is the
// first thing it does when it was told what to do.
func (d *Dispatcher) worked(a *attempt) bool {
	_, err := os.Lstat(a.dir.Work(a.row.Attempt))
	return !errors.Is(err, os.ErrNotExist)
}

// status is how a child of ours ended; false for one that was adopted.
func (c *child) status() (syscall.WaitStatus, bool) {
	if c.state == nil {
		return 0, false
	}
	status, ok := c.state.Sys().(syscall.WaitStatus)
	return status, ok
}

// record writes the end of the attempt into its row and says so in the status. It
// returns false when that could not be done: then the row still runs in our name, and
// we or the next dispatcher adopt it again, with its outcome file.
func (d *Dispatcher) record(a *attempt, e evidence) bool {
	v := judge(e)
	end := d.endOf(a, e, v)
	if v.next == job.Succeeded && e.outcome != nil {
		if err := d.submitFollowUps(a, *e.outcome); err != nil {
			a.log.Warn("the end of the job cannot be recorded before its follow-up jobs are", "error", err)
			return false
		}
	}
	applied, err := d.finisher.finish(end)
	if err != nil {
		a.log.Warn("the end of the job could not be recorded yet", "error", err)
		return false
	}
	if !applied {
		a.log.Warn("the end of an attempt that is not the current one was dropped")
		return true
	}
	a.log.Info("attempt ended", "next", v.next, "class", v.class, "detail", v.detail)
	d.meterEnd(a, end)
	d.publish(a, v)
	if v.next.Ended() {
		d.dropSecrets(a.row.ID)
	}
	if len(end.Mails) > 0 {
		nudge(d.sender.Wake)
	}
	if e.told == orderCancel {
		nudge(d.sweepNow) // the job may have been deleted
	}
	return true
}

// leaveBehind lets go of what belongs to this process and not to the attempt.
func (d *Dispatcher) leaveBehind(a *attempt) { a.child.close() }

// clean removes what no later attempt and no reader needs.
func (d *Dispatcher) clean(a *attempt) {
	failpoint.Hit(failpoint.BeforeClean)
	a.child.close()
	if a.group != nil {
		if err := a.group.Remove(); err != nil {
			a.log.Error("clean up", "error", err)
		}
	}
	failpoint.Hit(failpoint.AfterGroup)
	if err := removeTraces(a.dir, a.row.Attempt); err != nil {
		a.log.Error("clean up", "error", err)
	}
}
