// Package queue owns the rows that say which queues are paused, and counts what waits
// and runs in each.
//
// It does not own the jobs (job) nor the limits (configuration). It may import sqlx,
// sql/db and sql/job for its channel.
package queue

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"convertd/sql/db"
	"convertd/sql/job"
)

// Queue is one queue that has or had jobs, or is paused.
type Queue struct {
	Name string `db:"name"`
	// Waiting counts scheduled, blocked and queued jobs.
	Waiting int `db:"waiting"`
	Running int `db:"running"`
	// PausedAt is nil for a queue that is not paused.
	PausedAt *time.Time `db:"paused_at"`
}

// Store reads and changes the rows.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

//go:embed list.sql
var listSQL string

// List returns the queues by name.
func (s *Store) List(ctx context.Context) ([]Queue, error) {
	queues := []Queue{}
	err := s.db.SelectContext(ctx, &queues, listSQL)
	return queues, explain(ctx, "list queues", err)
}

// Pause keeps jobs of a queue from starting; what runs goes on. Pausing a paused queue
// is no error.
func (s *Store) Pause(ctx context.Context, name string) error {
	_, err := s.db.ExecContext(ctx, `insert into queue_pause (queue) values ($1) on conflict do nothing`, name)
	return explain(ctx, "pause queue", err)
}

// Resume lets a paused queue start jobs again; it is no error if it was not paused.
func (s *Store) Resume(ctx context.Context, name string) error {
	_, err := s.db.ExecContext(ctx, `delete from queue_pause where queue = $1`, name)
	if err == nil {
		s.db.Notifier.Ring(job.Jobs)
	}
	return explain(ctx, "resume queue", err)
}

// Paused reports whether jobs of a queue do not start because an administrator paused it.
func (s *Store) Paused(ctx context.Context, name string) (bool, error) {
	var paused bool
	err := s.db.GetContext(ctx, &paused, `select exists (select from queue_pause where queue = $1)`, name)
	return paused, explain(ctx, "look at queue", err)
}

// AllPaused returns the names of the queues that an administrator paused.
func (s *Store) AllPaused(ctx context.Context) ([]string, error) {
	paused := []string{}
	err := s.db.SelectContext(ctx, &paused, `select queue from queue_pause order by queue`)
	return paused, explain(ctx, "look for paused queues", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
