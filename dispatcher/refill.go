package dispatcher

import "time"

// free gives back the room of a dead attempt. One that could not be started may say
// something about this machine: before the next claim that is tried.
func (d *Dispatcher) free(a *attempt) {
	d.lanes.give(a.need, a.seat)
	d.lanes.revoke(a.units)
	d.lastEnd = time.Now()
	d.health.ill = d.health.ill || a.unstarted
	d.admit()
}

// freeAll gives back the room of this attempt and of all others that died meanwhile, so
// that one claim fills it.
func (d *Dispatcher) freeAll(a *attempt) {
	for {
		d.free(a)
		select {
		case a = <-d.ended:
		default:
			return
		}
	}
}

// refill claims jobs for room that became free. What waits for an end waits for its record,
// which is not there yet (afterEnd).
func (d *Dispatcher) refill() {
	if !time.Now().Before(d.askAfter) {
		d.claim()
	}
}
