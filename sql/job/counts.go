package job

import (
	"context"
	_ "embed"
)

//go:embed counts.sql
var countsSQL string

// Counts returns how many jobs are in each state; a state without jobs is 0. Deleted
// jobs count until their rows are removed.
func (s *Store) Counts(ctx context.Context) (map[State]int, error) {
	var rows []struct {
		State State `db:"state"`
		N     int   `db:"n"`
	}
	if err := s.db.SelectContext(ctx, &rows, countsSQL); err != nil {
		return nil, explain(ctx, "count jobs", err)
	}
	counts := map[State]int{}
	for _, state := range States() {
		counts[state] = 0
	}
	for _, r := range rows {
		counts[r.State] = r.N
	}
	return counts, nil
}

//go:embed waiting.sql
var waitingSQL string

// Waiting returns how many jobs wait per queue, for limits on a queue's length; a queue
// without any is left out.
func (s *Store) Waiting(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		Queue string `db:"queue"`
		N     int    `db:"n"`
	}
	if err := s.db.SelectContext(ctx, &rows, waitingSQL); err != nil {
		return nil, explain(ctx, "count waiting jobs", err)
	}
	counts := make(map[string]int, len(rows))
	for _, r := range rows {
		counts[r.Queue] = r.N
	}
	return counts, nil
}
