package dispatcher

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"convertd/runner/progress"
	"convertd/sql/job"
	"convertd/sql/queue"
)

// tendHeld looks after claimed jobs that wait for room. One that somebody wants cancelled,
// that had not begun by the time in its expires, whose queue was paused or whose claim was
// undone does not wait on; of the others the status says what they wait for.
func (d *Dispatcher) tendHeld() {
	if len(d.held) == 0 {
		return
	}
	paused, now := d.pausedQueues(), time.Now()
	rest := d.held[:0]
	for _, a := range d.held {
		switch {
		case !d.clockMoved.Load() && a.late(now):
			a.tell(orderExpire)
		case slices.Contains(paused, a.row.Queue):
			a.tell(orderStop)
		}
		if a.order() == orderNone && !a.undone() {
			rest = append(rest, a)
			continue
		}
		d.dismiss(a)
	}
	clear(d.held[len(rest):])
	d.held = rest
	d.tellWaits(now)
}

// late reports whether the job may not begin any more. expires bounds the wait of a job
// that never began: a later attempt is not bound by it. What is not confirmed yet tells no
// dates.
func (a *attempt) late(now time.Time) bool {
	if !a.claim.over() {
		return false
	}
	until := a.claim.rows[a.row.ID].WaitUntil
	return a.row.Attempt == 1 && until != nil && now.After(*until)
}

// undone reports whether its claim could not be confirmed.
func (a *attempt) undone() bool {
	if !a.claim.over() {
		return false
	}
	_, ok := a.claim.rows[a.row.ID]
	return !ok
}

// dismiss sees a held job that was told something to its end. It needs no room for that.
func (d *Dispatcher) dismiss(a *attempt) {
	d.lanes.leave(a.need)
	a.need = need{}
	d.seat(a)
	d.attendants.Go(func() { d.attend(a) })
}

// putBackHeld returns what was claimed and not started.
func (d *Dispatcher) putBackHeld() {
	for _, a := range d.held {
		a.tell(orderStop)
		d.dismiss(a)
	}
	d.held = nil
}

// pausedQueues are the queues that start nothing. While that cannot be found out, nothing
// is put back.
func (d *Dispatcher) pausedQueues() []string {
	ctx, cancel := context.WithTimeout(d.leaving, brief)
	defer cancel()
	paused, err := queue.NewStore(d.opts.DB).AllPaused(ctx)
	if err != nil {
		d.complain("look for paused queues", err)
	}
	return paused
}

// tellWaits says of held jobs what they wait for, again and again, because a status is
// forgotten. memcached may be slow, so the loop does not wait for it.
func (d *Dispatcher) tellWaits(now time.Time) {
	if d.opts.Status == nil || len(d.held) == 0 || !d.telling.CompareAndSwap(false, true) {
		return
	}
	told := make(map[string][]byte, len(d.held))
	for _, a := range d.held {
		doc, err := json.Marshal(progress.Status{
			ID: a.row.ID, State: string(job.Running), Attempt: a.row.Attempt, UpdatedAt: now.UTC(),
			Message: d.lanes.shortage(a.need),
		})
		if err == nil {
			told[a.row.ID] = doc
		}
	}
	d.attendants.Go(func() {
		defer d.telling.Store(false)
		for id, doc := range told {
			if err := d.opts.Status.Put(id, doc); err != nil {
				d.log.Debug("write status", "job", id, "error", err)
			}
		}
	})
}

// shortage names what there is not enough of for an attempt, in a sentence for people.
func (l *lanes) shortage(n need) string {
	var short []string
	for _, name := range slices.Sorted(maps.Keys(n.resources)) {
		if len(l.units[name])+n.resources[name] > l.limits.Resources[name] {
			short = append(short, name)
		}
	}
	switch {
	case len(short) > 0:
		return "Waits until other jobs give back " + strings.Join(short, ", ") + "."
	case l.starves(n):
		return "Waits until other jobs give back memory."
	}
	return "Waits until other jobs have ended."
}
