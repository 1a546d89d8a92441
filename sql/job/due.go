package job

import (
	"context"
	_ "embed"
)

// batch is how many rows a statement of housekeeping changes at most.
const batch = 1000

//go:embed due.sql
var dueSQL string

// Due makes scheduled jobs whose time has come queued and returns how many.
func (s *Store) Due(ctx context.Context) (int, error) { return s.due(ctx, dueSQL) }

func (s *Store) due(ctx context.Context, statement string) (int, error) {
	done, err := s.db.ExecContext(ctx, statement, batch)
	if err != nil {
		return 0, explain(ctx, "queue scheduled jobs", err)
	}
	n, err := done.RowsAffected()
	if n > 0 {
		s.db.Notifier.Ring(Jobs)
	}
	return int(n), explain(ctx, "queue scheduled jobs", err)
}

//go:embed dueagain.sql
var dueAgainSQL string

// DueAgain is Due for jobs that wait for another attempt alone, when the clock cannot be
// believed: those come too whose time lies further ahead than any wait is long.
func (s *Store) DueAgain(ctx context.Context) (int, error) { return s.due(ctx, dueAgainSQL) }

//go:embed expire.sql
var expireSQL string

// Expire ends the jobs that should have started by now and returns their ids. A job that
// was started once does not expire.
func (s *Store) Expire(ctx context.Context) ([]string, error) {
	ids := []string{}
	err := s.db.SelectContext(ctx, &ids, expireSQL, batch, s.Keep.Seconds())
	return ids, explain(ctx, "expire jobs", err)
}

//go:embed tidyturns.sql
var tidyTurnsSQL string

// TidyTurns removes the turns that were passed before the last one of their queue.
func (s *Store) TidyTurns(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, tidyTurnsSQL)
	return explain(ctx, "tidy turns", err)
}
