package job

import (
	"context"
	_ "embed"
	"time"

	"convertd/runner/fault"
)

// Failure is one kind of failure of the last 30 days.
type Failure struct {
	Recipe string      `db:"recipe"`
	Class  fault.Class `db:"class"`
	// Reason is the detail without what differs from one failure to the next.
	Reason string `db:"reason"`
	// Failures counts jobs, LastDay those of the last 24 hours.
	Failures int       `db:"failures"`
	LastDay  int       `db:"last_day"`
	FirstAt  time.Time `db:"first_at"`
	LastAt   time.Time `db:"last_at"`
	// LastJob is the newest of them, LastDetail its reason as it was.
	LastJob    string `db:"last_job"`
	LastDetail string `db:"last_detail"`
}

//go:embed failures.sql
var failuresSQL string

// Failures returns the kinds of failure, most common first; recipe "" means all.
func (s *Store) Failures(ctx context.Context, recipe string, limit int) ([]Failure, error) {
	found := []Failure{}
	err := s.db.SelectContext(ctx, &found, failuresSQL, recipe, limit)
	return found, explain(ctx, "list failures", err)
}
