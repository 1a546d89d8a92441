package dispatcher

import (
	"context"
	"maps"
	"net"
	"time"

	"convertd/dispatcher/metrics"
	"convertd/sql/job"
	"convertd/sql/roster"
)

// openMetrics opens the address at which a monitor reads, nil when there is none. Who
// serves the spool has it: a standby waits on the same machine, mostly with the same
// settings, and gets it together with the spool.
func (d *Dispatcher) openMetrics(ctx context.Context) (net.Listener, error) {
	if d.opts.MetricsListen == "" {
		return nil, nil
	}
	l, err := d.meters.Listen(ctx, d.opts.MetricsListen)
	if err != nil {
		return nil, err
	}
	d.log.Info("metrics are served", "address", l.Addr().String())
	return l, nil
}

// tellMeters says what the loop knows.
func (d *Dispatcher) tellMeters() {
	if d.opts.MetricsListen == "" {
		return
	}
	trouble, _ := d.presence.trouble.Load().(string)
	l := d.lanes
	used := map[string]int{}
	for name, units := range l.units {
		used[name] = len(units)
	}
	limits := maps.Clone(l.limits.Queues)
	maps.DeleteFunc(limits, func(_ string, limit int) bool { return limit <= 0 })
	d.meters.Say(metrics.Doing{
		States: stateNames(), State: string(d.phase()), Troubled: trouble != "",
		Slots: l.limits.Slots, SlotsUsed: l.slots, Memory: l.limits.MemoryBytes, MemoryUsed: l.memory,
		Held: len(d.held), Running: maps.Clone(l.queues), QueueLimits: limits,
		Resources: maps.Clone(l.limits.Resources), ResourcesUsed: used,
		Reserve: d.settings.Load().Keep.Reserve,
	})
}

// stateNames are the states of one that serves the spool.
func stateNames() []string {
	return []string{string(roster.Serving), string(roster.Draining), string(roster.Drained)}
}

// meterStart counts an attempt that has begun.
func (d *Dispatcher) meterStart(a *attempt) { d.meters.Started(a.row.Recipe, waited(a.row)) }

// waited is how long a job waited for its first attempt, below 0 for a later one. All of
// it is by the clock of the database.
func waited(row job.Claimed) time.Duration {
	if row.Attempt != 1 || row.StartedAt == nil {
		return -1
	}
	since := row.CreatedAt
	if row.RunAt != nil && row.RunAt.After(since) {
		since = *row.RunAt
	}
	return max(0, row.StartedAt.Sub(since))
}

// meterEnd counts an attempt whose end was recorded.
func (d *Dispatcher) meterEnd(a *attempt, end job.End) {
	if end.Next == job.Expired {
		d.meters.Expired(1)
		return
	}
	e := metrics.End{Recipe: a.row.Recipe, Final: end.Next.Ended()}
	if r := end.Result; r != nil {
		e.Class, e.Ran, e.PeakMemory = r.Class, r.Usage.WallSeconds, r.Usage.PeakMemoryBytes
	}
	d.meters.Ended(e)
}
