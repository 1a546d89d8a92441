package dispatcher

import (
	"context"
	"crypto/rand"
	"os"
	"sync/atomic"
	"time"

	"convertd/sql/roster"
)

// presence says in a row that this dispatcher lives and what it does, and hears there
// whether it is to drain.
type presence struct {
	d     *Dispatcher
	store *roster.Store
	self  roster.Dispatcher
	// state and running are what the loop does.
	state   atomic.Value
	running atomic.Int32
	// slots is how much may run at once.
	slots atomic.Int32
	// machine is what the dispatcher found out about where it is; nil until it has.
	machine atomic.Pointer[roster.Machine]
	// trouble is why nothing is claimed, "" for no reason.
	trouble atomic.Value
	// now wakes it; drains carries the order as it changes.
	now    chan struct{}
	drains chan roster.Mode
}

func newPresence(d *Dispatcher) *presence {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	p := &presence{
		d: d, store: roster.NewStore(d.opts.DB), now: make(chan struct{}, 1), drains: make(chan roster.Mode),
		self: roster.Dispatcher{ID: rand.Text(), Host: host, PID: os.Getpid(), Version: d.opts.Version,
			StartedAt: time.Now().UTC()},
	}
	p.slots.Store(int32(max(1, d.opts.Lanes.Slots)))
	p.state.Store(roster.Standby)
	return p
}

// run serves until ctx ends, and then says that the dispatcher has stopped.
func (p *presence) run(ctx context.Context) {
	tick := time.NewTicker(max(5*p.d.times.Poll, time.Second))
	defer tick.Stop()
	told := roster.Off
	for {
		mode, err := p.say(ctx)
		if err == nil && mode != told {
			select {
			case p.drains <- mode:
				told = mode
			case <-ctx.Done():
			}
		}
		select {
		case <-ctx.Done():
			p.state.Store(roster.Stopped)
			p.running.Store(0)
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_, _ = p.say(last) // its silence tells the same a little later
			return
		case <-tick.C:
		case <-p.now:
		}
	}
}

func (p *presence) say(ctx context.Context) (roster.Mode, error) {
	self := p.self
	self.Spool, self.Running = p.d.opts.Spool.Root(), int(p.running.Load())
	self.Slots = int(p.slots.Load())
	if state, ok := p.state.Load().(roster.State); ok {
		self.State = state
	}
	if machine := p.machine.Load(); machine != nil {
		self.Machine = *machine
	}
	self.Trouble, _ = p.trouble.Load().(string)
	ctx, cancel := context.WithTimeout(ctx, brief)
	defer cancel()
	p.report(ctx, self)
	mode, err := p.store.Say(ctx, self)
	if err != nil && ctx.Err() == nil {
		p.d.log.Warn("the row of this dispatcher was not written", "error", err)
	}
	return mode, err
}

// report says the same to the service manager.
func (p *presence) report(ctx context.Context, self roster.Dispatcher) {
	if p.d.opts.Told == nil {
		return
	}
	doing := Doing{State: string(self.State), Running: self.Running, Waiting: -1}
	if waiting, err := p.d.jobs.Waiting(ctx); err == nil {
		doing.Waiting = 0
		for _, n := range waiting {
			doing.Waiting += n
		}
	}
	p.d.opts.Told(doing)
}

// tell takes what the loop does; what changed is written at once.
func (p *presence) tell(state roster.State, running int) {
	p.running.Store(int32(running))
	if p.state.Swap(state) != state {
		nudge(p.now)
	}
}

// complain takes why nothing is claimed, "" when that is over.
func (p *presence) complain(trouble string) {
	if before, _ := p.trouble.Swap(trouble).(string); before != trouble {
		nudge(p.now)
	}
}

// drain heeds the order of an administrator: claim nothing more, and with Now ask what
// runs to stop safely. Off takes it back. The process stays, so that nothing starts it
// anew.
func (d *Dispatcher) drain(mode roster.Mode) {
	d.log.Info("told to drain", "mode", mode, "running", d.lanes.taken())
	d.draining = mode != roster.Off
	if !d.draining {
		d.look(true, false)
		return
	}
	d.putBackHeld()
	if mode == roster.Now {
		for _, a := range d.running {
			a.tell(orderStop)
		}
	}
}

// phase is what the row of this dispatcher says.
func (d *Dispatcher) phase() roster.State {
	switch {
	case d.draining && len(d.running) == 0:
		return roster.Drained
	case d.draining || d.stopping:
		return roster.Draining
	}
	return roster.Serving
}
