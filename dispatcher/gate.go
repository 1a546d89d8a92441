package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"convertd/runner/failpoint"
	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// unblock lets blocked jobs through against which nothing stands any more, and brings
// them the outputs of other jobs that they await as inputs.
func (d *Dispatcher) unblock() bool {
	ctx, cancel := context.WithTimeout(d.leaving, brief)
	defer cancel()
	cancelled, left, err := d.jobs.Unblock(ctx)
	if err != nil {
		return d.complain("let blocked jobs through", err)
	}
	d.blocked = left
	if len(cancelled) > 0 {
		d.log.Info("jobs cancelled that were to follow others", "jobs", len(cancelled))
	}
	if !left {
		return true
	}
	delivered, err := d.deliver(ctx)
	if err != nil {
		return d.complain("deliver inputs", err)
	}
	if delivered {
		if _, d.blocked, err = d.jobs.Unblock(ctx); err != nil {
			return d.complain("let blocked jobs through", err)
		}
	}
	return true
}

// deliverBatch bounds how long the loop is busy with files.
const deliverBatch = 16

// deliver puts awaited outputs among the inputs of the jobs that await them. It reports
// whether any job has come further.
func (d *Dispatcher) deliver(ctx context.Context) (bool, error) {
	awaited, err := d.jobs.Awaited(ctx, deliverBatch)
	if err != nil {
		return false, err
	}
	for _, a := range awaited {
		if err := d.deliverOne(ctx, a); err != nil {
			return false, err
		}
	}
	return len(awaited) > 0, nil
}

func (d *Dispatcher) deliverOne(ctx context.Context, a job.Awaited) error {
	if a.Missing {
		return d.missing(ctx, a)
	}
	if r, known := d.opts.Recipes.Find(a.Recipe); known && len(r.Accept) > 0 {
		if unfit := new(fault.Error); errors.As(r.CheckFile(a.MediaType, spool.Extension(a.Name)), &unfit) {
			return d.jobs.GiveUp(ctx, a.Job, unfit.Message, unfit.Hint)
		}
	}
	file := spool.InputFile(a.Input, spool.Extension(a.Name))
	err := d.opts.Spool.Job(a.Job).Deliver(d.opts.Spool.Job(a.From).OutputPath(a.Attempt, a.File), file)
	if errors.Is(err, fs.ErrNotExist) {
		return d.missing(ctx, a)
	}
	if err != nil {
		return err
	}
	failpoint.Hit(failpoint.AfterDeliver)
	return d.jobs.Deliver(ctx, a, file)
}

// missing ends a job whose input will never come.
func (d *Dispatcher) missing(ctx context.Context, a job.Awaited) error {
	return d.jobs.GiveUp(ctx, a.Job, fmt.Sprintf("The job %s has no output “%s”, which this one was to get.", a.From, a.Output),
		"Look at what that job made, and name one of its files.")
}

// afterEnd looks at once whether the end of a job was what others waited for.
func (d *Dispatcher) afterEnd() {
	if d.blocked && !time.Now().Before(d.askAfter) && d.unblock() {
		d.claim()
	}
}
