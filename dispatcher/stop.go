package dispatcher

import "time"

// Stop begins to stop, as mode says; Run returns when that is done. A later call may
// only be more urgent.
func (d *Dispatcher) Stop(mode StopMode) {
	select {
	case d.stops <- mode:
	default:
	}
}

// stop begins to stop. What was claimed and not started goes back at once.
func (d *Dispatcher) stop(mode StopMode) {
	d.log.Info("stopping", "mode", mode.String(), "running", d.lanes.taken())
	d.stopping, d.lastEnd = true, time.Now()
	d.putBackHeld()
	switch mode {
	case LeaveRunning:
		d.leave()
	case StopSafely:
		for _, a := range d.running {
			a.tell(orderStop)
		}
	}
}

// finished reports whether a stop is fulfilled.
func (d *Dispatcher) finished() bool {
	return d.stopping && (len(d.running) == 0 || d.leaving.Err() != nil)
}

// String names a mode for the log.
func (m StopMode) String() string {
	switch m {
	case Drain:
		return "drain"
	case StopSafely:
		return "stop safely"
	}
	return "leave running"
}
