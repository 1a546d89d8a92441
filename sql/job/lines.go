package job

import (
	"context"
	_ "embed"
)

// Line is the jobs of one queue that wait in one state.
type Line struct {
	Queue string `db:"queue"`
	State State  `db:"state"`
	N     int    `db:"n"`
	// OldestSeconds is how long the one that waits longest could have run already, 0 for
	// jobs whose date is still to come.
	OldestSeconds float64 `db:"oldest_seconds"`
}

//go:embed lines.sql
var linesSQL string

// Lines returns what waits by queue and state; a queue and state without any is left out.
func (s *Store) Lines(ctx context.Context) ([]Line, error) {
	found := []Line{}
	err := s.db.SelectContext(ctx, &found, linesSQL)
	return found, explain(ctx, "count waiting jobs by queue and state", err)
}
