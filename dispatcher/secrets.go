package dispatcher

import (
	"context"
	"time"

	"convertd/runner/fault"
)

// dropSecrets removes the secrets of a job that has ended.
func (d *Dispatcher) dropSecrets(id string) {
	if err := d.vault.Remove(id); err != nil {
		d.log.Error("secrets of an ended job stay", "job", id, "error", err)
	}
}

// secrets removes those of jobs that ended otherwise than by an attempt, and those to which
// no row was ever made.
func (s *sweeper) secrets(ctx context.Context) {
	held, err := s.d.vault.Jobs()
	if s.complain(ctx, "look for secrets", err) {
		return
	}
	for id, since := range held {
		j, err := s.d.jobs.Find(ctx, id)
		switch {
		case fault.Is(err, fault.NotFound) && time.Since(since) < s.d.times.Orphan:
			continue // it may be about to be submitted
		case err != nil && !fault.Is(err, fault.NotFound):
			s.complain(ctx, "look for the job of a secret", err)
			return
		case err == nil && !j.State.Ended():
			continue
		}
		s.d.dropSecrets(id)
	}
}
