package job

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jmoiron/sqlx"

	"convertd/runner/fault"
)

//go:embed keylock.sql
var keyLockSQL string

//go:embed keybusy.sql
var keyBusySQL string

// refuseBusy refuses a job whose concurrency key another job has that has not ended. The
// lock makes submissions with the same key wait for each other.
func refuseBusy(ctx context.Context, tx *sqlx.Tx, c Concurrency) error {
	if !c.Reject || c.Key == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, keyLockSQL, c.Key); err != nil {
		return fmt.Errorf("lock concurrency key: %w", err)
	}
	var busy bool
	if err := tx.GetContext(ctx, &busy, keyBusySQL, c.Key); err != nil {
		return fmt.Errorf("look for jobs with the same concurrency key: %w", err)
	}
	if busy {
		return fault.New(fault.Conflict, "Another job that excludes this one has not ended.", "Wait for its end, then send this one again.")
	}
	return nil
}

//go:embed anyblocked.sql
var anyBlockedSQL string

//go:embed unmeetable.sql
var unmeetableSQL string

//go:embed meet.sql
var meetSQL string

//go:embed unblock.sql
var unblockSQL string

// gate is the advisory lock under which jobs are let through, one caller at a time.
const gate = 6_180_339_887

// Unblock ends blocked jobs whose dependencies failed, notes dependencies that were met,
// and queues blocked jobs against which nothing stands any more: all dependencies met,
// all awaited inputs there, the concurrency key free. It returns the ids of those that
// it ended, and whether any job stays blocked.
func (s *Store) Unblock(ctx context.Context) (cancelled []string, left bool, err error) {
	var blocked []bool
	if err := s.db.SelectPrepared(ctx, &blocked, anyBlockedSQL); err != nil {
		return nil, false, explain(ctx, "look for blocked jobs", err)
	}
	if !blocked[0] {
		return nil, false, nil
	}
	queued := int64(0)
	err = s.db.InTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `select pg_advisory_xact_lock($1)`, gate); err != nil {
			return fmt.Errorf("wait for the gate: %w", err)
		}
		if err := tx.SelectContext(ctx, &cancelled, unmeetableSQL, batch, s.Keep.Seconds()); err != nil {
			return fmt.Errorf("end jobs whose dependencies failed: %w", err)
		}
		if _, err := tx.ExecContext(ctx, meetSQL); err != nil {
			return fmt.Errorf("note dependencies that were met: %w", err)
		}
		done, err := tx.ExecContext(ctx, unblockSQL, batch)
		if err != nil {
			return fmt.Errorf("queue blocked jobs: %w", err)
		}
		queued, err = done.RowsAffected()
		return err
	})
	if err == nil && queued > 0 {
		s.db.Notifier.Ring(Jobs)
	}
	return cancelled, true, explain(ctx, "unblock jobs", err)
}

//go:embed awaited.sql
var awaitedSQL string

// Awaited is an output that a blocked job awaits as its input, and that is there now.
type Awaited struct {
	Job    string `db:"job"`
	Recipe string `db:"recipe"`
	Input  int    `db:"input"`
	// From is the job that made it, Attempt and File where it lies.
	From    string `db:"needs"`
	Attempt int    `db:"attempt"`
	File    string `db:"file"`
	Name    string `db:"name"`
	Size    int64  `db:"size"`
	SHA256  string `db:"sha256"`
	// MediaType is as the output's.
	MediaType string `db:"media_type"`
	// Missing says that the job succeeded without such an output, or that its files were
	// removed.
	Missing bool `db:"missing"`
	// Output is the name that was asked for.
	Output string `db:"output"`
}

// Awaited returns up to limit inputs that can be delivered now, or never.
func (s *Store) Awaited(ctx context.Context, limit int) ([]Awaited, error) {
	found := []Awaited{}
	err := s.db.SelectContext(ctx, &found, awaitedSQL, limit)
	return found, explain(ctx, "list awaited inputs", err)
}

//go:embed deliver.sql
var deliverSQL string

// Deliver notes that an awaited input lies in the job's folder under the name in file,
// on disk. It does nothing the second time.
func (s *Store) Deliver(ctx context.Context, a Awaited, file string) error {
	_, err := s.db.ExecContext(ctx, deliverSQL, a.Job, a.Input, file, a.Name, a.Size, a.SHA256, a.MediaType)
	return explain(ctx, "note delivered input", err)
}

//go:embed giveup.sql
var giveUpSQL string

// GiveUp ends a blocked job as cancelled for a reason. It does nothing to any other job.
func (s *Store) GiveUp(ctx context.Context, id, reason, hint string) error {
	_, err := s.db.ExecContext(ctx, giveUpSQL, id, s.Keep.Seconds(), reason, hint)
	return explain(ctx, "give up job", err)
}

//go:embed needs.sql
var needsSQL string

// Needs returns what a job depends on, in the order of the request.
func (s *Store) Needs(ctx context.Context, id string) ([]Need, error) {
	found := []Need{}
	err := s.db.SelectContext(ctx, &found, needsSQL, id)
	return found, explain(ctx, "list dependencies", err)
}
