package dispatcher

import (
	"context"

	"convertd/sql/job"
)

// confirmation is what becomes of the jobs of one claim: until it is done, a crash of the
// database may undo the claim, and only what places are given by is known of the jobs. It
// goes on beside the loop, which may claim more meanwhile.
type confirmation struct {
	done chan struct{}
	// rows are whole, by the job's id; those whose claim was undone are missing.
	rows map[string]job.Claimed
	err  error
}

// confirm begins to confirm what was claimed.
func (d *Dispatcher) confirm(claimed []job.Claimed) *confirmation {
	c := &confirmation{done: make(chan struct{}), rows: map[string]job.Claimed{}}
	d.attendants.Go(func() {
		defer close(c.done)
		ctx, cancel := context.WithTimeout(d.leaving, brief)
		defer cancel()
		c.err = d.persist(ctx, "confirm claims", func() error {
			rows, err := d.jobs.Confirm(ctx, claimed)
			for _, row := range rows {
				c.rows[row.ID] = row
			}
			return err
		})
	})
	return c
}

// over reports, without waiting, whether it is done.
func (c *confirmation) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// confirmed waits for the rest of what is known of the job, and for its claim to be on
// disk. It returns false when the attempt is to be abandoned: its claim was undone, or the
// database does not tell, and then the row is found again by reconcile or by the next
// dispatcher. Nothing was started, so nothing is left.
func (d *Dispatcher) confirmed(a *attempt) bool {
	<-a.claim.done
	row, ok := a.claim.rows[a.row.ID]
	if !ok {
		a.log.Warn("the claim of the job could not be confirmed; nothing was started", "error", a.claim.err)
		return false
	}
	a.row.Complete(row.Job)
	return true
}

// abandon gives back the place of an attempt of which nothing was started.
func (d *Dispatcher) abandon(a *attempt) {
	a.abandoned = true
	d.report(d.ended, a)
	d.report(d.settled, a)
}
