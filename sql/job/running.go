package job

import (
	"context"
	_ "embed"
)

//go:embed running.sql
var runningSQL string

// Running returns all running jobs with their attempt's token and place, for a
// dispatcher that starts and adopts what another one left. Deleted ones are among them
// as long as they run.
func (s *Store) Running(ctx context.Context) ([]Claimed, error) {
	var rows []row
	if err := s.db.SelectContext(ctx, &rows, runningSQL); err != nil {
		return nil, explain(ctx, "list running jobs", err)
	}
	return claimedOf(rows)
}
