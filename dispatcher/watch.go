package dispatcher

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errLeft says that the dispatcher stops and leaves an attempt running.
var errLeft = errors.New("left running")

// memoryLook is how often it is looked whether the kernel killed a process of an attempt. A
// runner whose tool it was says so itself within that time.
const memoryLook = time.Second

// watch returns when the attempt's child has ended. It passes orders on, and is the
// backstop of the time limit and of every order: a child that does not end in time is
// killed with all that belongs to it. So is one of which the kernel took a process for want
// of memory, and which goes on with the rest.
func (d *Dispatcher) watch(a *attempt) error {
	d.warden.enter(a)
	defer d.warden.leave(a)
	limits := a.limits()
	expiry := time.NewTimer(time.Until(a.began.Add(limits.Time + limits.Grace + d.times.TimeMargin)))
	defer expiry.Stop()
	kill := time.NewTimer(time.Hour)
	kill.Stop()
	defer kill.Stop()
	memory := time.NewTicker(memoryLook)
	defer memory.Stop()
	starved := false
	for {
		select {
		case <-a.child.done:
			return nil
		case <-d.leaving.Done():
			return errLeft
		case o := <-a.orders:
			a.pass(o)
			kill.Reset(limits.Grace + d.times.KillMargin)
		case a.crowded = <-a.crowds:
			a.log.Warn("killing a job because the disk is nearly full", "written", a.crowded.written, "free", a.crowded.free, "reserve", a.crowded.reserve)
			d.kill(a)
		case <-memory.C:
			if starved {
				a.log.Warn("killing a job that goes on without a process that was killed for want of memory", "limit", limits.Memory)
				d.kill(a)
			}
			starved = a.group != nil && a.group.MemoryKills() > 0
		case <-expiry.C:
			a.log.Warn("killing a job whose child did not keep the time limit", "limit", limits.Time)
			a.expired = true
			d.kill(a)
		case <-kill.C:
			a.log.Warn("killing a job that did not end when told to", "grace", limits.Grace)
			d.kill(a)
		}
	}
}

// pass hands an order to the child as its signal.
func (a *attempt) pass(o order) {
	sig := unix.SIGTERM
	if o == orderStop {
		sig = unix.SIGUSR1
	}
	if err := a.child.signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		a.log.Error("signal child", "signal", sig, "error", err)
	}
}

func (d *Dispatcher) kill(a *attempt) {
	if err := a.kill(); err != nil {
		a.log.Error("kill job", "error", err)
	}
	if err := a.child.signal(unix.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		a.log.Error("kill child", "error", err)
	}
}

// prove returns when no process of the attempt is left, which is what everything after
// it relies on. A process that is stuck in the kernel keeps its slot until it ends.
func (d *Dispatcher) prove(a *attempt) error {
	for told := false; ; told = true {
		ctx, cancel := context.WithTimeout(d.leaving, d.times.KillMargin)
		err := d.endAttempt(ctx, a)
		cancel()
		switch {
		case err == nil:
			return d.proved(a)
		case d.leaving.Err() != nil:
			return errLeft
		case !told:
			a.log.Error("a process of the job cannot be killed; its slot stays taken until it ends", "error", err)
		}
		d.publishStuck(a)
		select {
		case <-d.leaving.Done():
			return errLeft
		case <-time.After(time.Second):
		}
	}
}

func (d *Dispatcher) proved(a *attempt) error {
	if a.held() {
		return nil
	}
	if err := d.children.reapOrphans(); err != nil {
		a.log.Warn("reap orphans", "error", err)
	}
	return nil
}
