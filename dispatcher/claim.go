package dispatcher

import (
	"context"
	"time"

	"convertd/runner/failpoint"
	"convertd/sql/job"
)

// promote lets jobs whose time has come be claimed, and ends those that waited too long.
func (d *Dispatcher) promote() bool {
	ctx, cancel := context.WithTimeout(d.leaving, brief)
	defer cancel()
	if !d.believesClock("no job begins or expires by its date") {
		if _, err := d.jobs.DueAgain(ctx); err != nil {
			return d.complain("promote jobs that are tried again", err)
		}
		return true
	}
	if _, err := d.jobs.Due(ctx); err != nil {
		return d.complain("promote scheduled jobs", err)
	}
	expired, err := d.jobs.Expire(ctx)
	if err != nil {
		return d.complain("expire waiting jobs", err)
	}
	d.meters.Expired(len(expired))
	return true
}

// claim takes as many jobs as there is room for and starts them.
func (d *Dispatcher) claim() {
	for !d.stopping && !d.draining && d.fit() {
		var waiting []need
		var short []string
		for _, a := range d.held {
			waiting = append(waiting, a.need)
			if d.lanes.lacks(a.need) {
				short = append(short, a.row.Recipe)
			}
		}
		room, queues := d.lanes.free(waiting)
		if room == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(d.leaving, brief)
		claimed, err := d.jobs.Claim(ctx, job.Claimer{Dispatcher: d.name, BootID: d.bootID}, room, queues, short...)
		cancel()
		if err != nil {
			// It may have been committed all the same.
			d.reconcileAt = time.Time{}
			d.complain("claim jobs", err)
			return
		}
		if len(claimed) == 0 {
			return
		}
		failpoint.Hit(failpoint.AfterClaim)
		c := d.confirm(claimed)
		for _, row := range claimed {
			a := d.newAttempt(row)
			a.claim = c
			d.running[row.ID] = a
			d.held = append(d.held, a)
		}
		d.admit()
	}
}

// admit starts held jobs as far as they fit. One that does not fit does not hold up
// those behind it that do.
func (d *Dispatcher) admit() {
	rest := d.held[:0]
	for _, a := range d.held {
		if d.stopping || !d.lanes.fits(a.need) {
			rest = append(rest, a)
			continue
		}
		d.seat(a)
		d.attendants.Go(func() { d.attend(a) })
	}
	clear(d.held[len(rest):])
	d.held = rest
}

// seat counts an attempt in.
func (d *Dispatcher) seat(a *attempt) {
	a.seat = d.lanes.take(a.need, a.seat)
	a.units = d.lanes.grant(a.need, a.units)
}
