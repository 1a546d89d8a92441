package job

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jmoiron/sqlx"

	"convertd/runner/fault"
)

//go:embed queueholds.sql
var queueHoldsSQL string

//go:embed queuelock.sql
var queueLockSQL string

// HasRoom refuses a job for a queue in which as many jobs wait as may; most 0 is no limit.
// It is a look only: Insert decides, with Draft.MaxWaiting.
func (s *Store) HasRoom(ctx context.Context, queue string, most int) error {
	return explain(ctx, "look for room in queue", hasRoom(ctx, s.db, queue, most))
}

// refuseFull is HasRoom for a job that is about to be inserted. The lock makes inserts
// into the same queue wait for each other; without a limit nobody waits.
func refuseFull(ctx context.Context, tx *sqlx.Tx, queue string, most int) error {
	if most <= 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, queueLockSQL, queue); err != nil {
		return fmt.Errorf("lock queue: %w", err)
	}
	return hasRoom(ctx, tx, queue, most)
}

func hasRoom(ctx context.Context, q sqlx.QueryerContext, queue string, most int) error {
	if most <= 0 {
		return nil
	}
	var n int
	if err := sqlx.GetContext(ctx, q, &n, queueHoldsSQL, queue, most); err != nil {
		return fmt.Errorf("count jobs that wait: %w", err)
	}
	if n < most {
		return nil
	}
	return fault.New(fault.RateLimited, fmt.Sprintf("%d jobs wait in the queue %s already, as many as may.", most, queue),
		"Send the job again later; the administrator sets the limit as [queue."+queue+"] max_waiting.")
}
