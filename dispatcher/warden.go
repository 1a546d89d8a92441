package dispatcher

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"convertd/runner/fault"
	"convertd/runner/sandbox"
)

// warden keeps jobs from the last part of the spool's disk, its reserve, on which often
// also the database writes: one that finds no room there stops as a whole.
//
//	less free than the reserve    no job starts, and the sweep is called
//	less than half of it          of the jobs that run, the one that has written most ends
//
// What a job wrote goes with it, so that there is room again for those beside it. Programs
// that write one file are stopped at that line by the kernel already (runner.Spec.Reserve).
type warden struct {
	d *Dispatcher
	// busy wakes it when the first attempt begins.
	busy chan struct{}
	// low says that there was less free than the reserve when last looked at.
	low bool
	// next is when another attempt may be stopped, if the last one does not go.
	next time.Time

	mu      sync.Mutex // guards writing
	writing map[*attempt]bool
}

// crowding is why an attempt was stopped for want of room; all are bytes.
type crowding struct{ written, free, reserve int64 }

func (c crowding) words(source string) (detail, hint string) {
	return fmt.Sprintf("The job was stopped because the disk of the service was nearly full: %s were free, and the job had written %s, more than any other.", bytesText(c.free), bytesText(c.written)),
		fmt.Sprintf("Free space and retry the job, or bound it by [limits] disk in %s. What stays free is set by [keep] reserve.", source)
}

func newWarden(d *Dispatcher) *warden {
	return &warden{d: d, busy: make(chan struct{}, 1), writing: map[*attempt]bool{}}
}

// enter and leave say that an attempt may write.
func (w *warden) enter(a *attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writing[a] = true
	if len(w.writing) == 1 {
		nudge(w.busy)
	}
}

func (w *warden) leave(a *attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.writing, a)
}

// attempts are those that may write.
func (w *warden) attempts() []*attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*attempt, 0, len(w.writing))
	for a := range w.writing {
		all = append(all, a)
	}
	return all
}

// run serves until ctx ends. While nothing runs it does not look.
func (w *warden) run(ctx context.Context) {
	for {
		all := w.attempts()
		w.look(all)
		var next <-chan time.Time
		if len(all) > 0 {
			next = time.After(w.d.times.Guard)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.busy:
		case <-next:
		}
	}
}

// look stops one of the attempts if they leave too little.
func (w *warden) look(all []*attempt) {
	reserve, left, err := w.d.opts.Spool.Kept(w.d.settings.Load().Keep.Reserve)
	if err != nil {
		return // the loop looks after the spool, and tells
	}
	if low := left < 0; low != w.low {
		w.low = low
		if low {
			nudge(w.d.sweepNow)
		}
	}
	if left >= -reserve/2 || time.Now().Before(w.next) {
		return
	}
	a, written := largest(all)
	// One that wrote little is not what fills the disk, and its end would help nobody.
	if a == nil || written < reserve/8 {
		return
	}
	select {
	case a.crowds <- &crowding{written: written, free: reserve + left, reserve: reserve}:
		w.next = time.Now().Add(w.d.times.KillMargin)
	default:
	}
}

// largest returns the attempt that takes most of the disk, and how many bytes those are.
func largest(all []*attempt) (most *attempt, bytes int64) {
	for _, a := range all {
		n := a.row.Attempt
		used := sandbox.Measure(sandbox.Disk{Bytes: math.MaxInt64, Inodes: math.MaxInt64},
			a.dir.Work(n), a.dir.Out(n), a.dir.State(), a.dir.Log(n))
		if used.Bytes > bytes {
			most, bytes = a, used.Bytes
		}
	}
	return most, bytes
}

// line is how many bytes of the disk a single file must leave: there jobs are stopped.
func (w *warden) line() int64 {
	reserve, _, err := w.d.opts.Spool.Kept(w.d.settings.Load().Keep.Reserve)
	if err != nil {
		return 0
	}
	return reserve / 2
}

// short says why no job may start, if the disk has no room for one.
func (w *warden) short() error {
	reserve, left, err := w.d.opts.Spool.Kept(w.d.settings.Load().Keep.Reserve)
	if err != nil || left >= 0 {
		return nil // a spool that cannot be asked is found out elsewhere
	}
	return fault.New(fault.InsufficientStorage,
		fmt.Sprintf("The disk of %s has less free than the %s that [keep] reserve keeps.", w.d.opts.Spool.Root(), bytesText(reserve)),
		"Free space. No job starts until then; those that wait start by themselves.")
}
