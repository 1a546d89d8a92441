package job

import (
	"context"
	_ "embed"
)

//go:embed groupfor.sql
var groupForSQL string

// GroupFor returns the group of a job; one that has none gets one with the id, of the
// same owner.
func (s *Store) GroupFor(ctx context.Context, id, group string) (string, error) {
	var found string
	if err := s.db.GetContext(ctx, &found, groupForSQL, id, group); err != nil {
		return "", explain(ctx, "give job a group", err)
	}
	return found, nil
}

//go:embed ingroup.sql
var inGroupSQL string

// InGroup counts the jobs of a group, up to most.
func (s *Store) InGroup(ctx context.Context, group string, most int) (int, error) {
	var n int
	err := s.db.GetContext(ctx, &n, inGroupSQL, group, most)
	return n, explain(ctx, "count jobs of group", err)
}
