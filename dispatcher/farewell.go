package dispatcher

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"convertd/runner/fault"
	"convertd/sql/job"
)

const (
	// farewellSeat is the number of the box in which services are told; attempts have the
	// numbers from 0 on, as many as there are slots.
	farewellSeat = 900
	// farewellTime bounds telling the services of one job.
	farewellTime = 30 * time.Second
	// farewellPause is how long a service that could not be told is left alone.
	farewellPause = 20 * time.Second
)

// farewells tells services, until ctx ends, that nobody waits any more for what they do:
// for jobs that were cancelled between two attempts, when no runner was there to say it.
func (d *Dispatcher) farewells(ctx context.Context) {
	again := time.NewTicker(farewellPause)
	defer again.Stop()
	for {
		if err := d.takeLeave(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("tell services that nobody waits any more", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		case <-d.farewellNow:
		}
	}
}

func (d *Dispatcher) takeLeave(ctx context.Context) error {
	jobs, err := d.jobs.Farewells(ctx, sweepBatch)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		told := true
		if left, err := filepath.Glob(filepath.Join(d.opts.Spool.Job(j.ID).State(), "call.*.json")); err == nil && len(left) > 0 {
			told = d.farewell(ctx, j)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := d.jobs.FarewellOver(ctx, j.ID, told); err != nil {
			return err
		}
	}
	return nil
}

// farewell runs the steps of a job that call a service, only to tell it. That has a box,
// limits and a folder like an attempt, and the number after the last one, but no row.
func (d *Dispatcher) farewell(ctx context.Context, j job.Job) bool {
	j.Attempt++
	a := d.newAttempt(job.Claimed{Job: j, Token: rand.Text()})
	a.seat, a.bye = farewellSeat, true
	defer d.forget(a)
	if err := removeTraces(a.dir, j.Attempt); err != nil {
		a.log.Error("take leave of a service", "error", err)
		return false
	}
	if err := d.start(ctx, a); err != nil {
		a.log.Warn("a service cannot be told that nobody waits any more", "error", err)
		return false
	}
	if !d.await(a) {
		return false
	}
	o, err := readOutcome(a.dir, j.Attempt, a.row.Token)
	if err != nil || o.Class != fault.Succeeded {
		a.log.Warn("a service was not told that nobody waits any more", "detail", o.Detail, "error", err)
		return false
	}
	a.log.Info("a service was told that nobody waits any more")
	return true
}

// forget removes what a farewell left on disk.
func (d *Dispatcher) forget(a *attempt) {
	d.clean(a)
	n := a.row.Attempt
	for _, path := range []string{a.dir.Log(n), a.dir.LogTail(n), a.dir.Progress(n), a.dir.Outcome(n)} {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			a.log.Error("clean up", "error", fmt.Errorf("remove trace of a farewell: %w", err))
		}
	}
}
