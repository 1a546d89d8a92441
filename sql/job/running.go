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

// claimedOf turns rows of running jobs into what the dispatcher works with.
func claimedOf(rows []row) ([]Claimed, error) {
	claimed := make([]Claimed, 0, len(rows))
	for _, r := range rows {
		j, err := r.job()
		if err != nil {
			return nil, err
		}
		claimed = append(claimed, Claimed{Job: j, Token: r.Token, Place: r.Place})
	}
	return claimed, nil
}
