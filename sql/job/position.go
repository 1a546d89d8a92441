package job

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
)

// maxPosition is how far a job's place in the line is counted.
const maxPosition = 1000

//go:embed position.sql
var positionSQL string

// Position returns a queued job's place in its queue, 1 being the next to start. It is
// not known beyond 1,000 and for a job that is not queued.
func (s *Store) Position(ctx context.Context, id string) (n int, known bool, err error) {
	err = s.db.GetContext(ctx, &n, positionSQL, id, maxPosition)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, explain(ctx, "find place in the queue", err)
	}
	return n, true, nil
}

//go:embed usual.sql
var usualSQL string

// Usual returns how long the recipe usually runs for inputs of the size, from its last
// successes: those nearest in size, carried over to the size along the line that fits
// them, and of that the median. It is not known with fewer than three that are within four
// times the size.
func (s *Store) Usual(ctx context.Context, recipe string, bytes int64) (seconds float64, known bool, err error) {
	err = s.db.GetContext(ctx, &seconds, usualSQL, recipe, bytes)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, explain(ctx, "estimate running time", err)
	}
	return seconds, true, nil
}
