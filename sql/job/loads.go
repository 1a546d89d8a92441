package job

import (
	"context"
	_ "embed"
)

// Load is how many jobs of a recipe wait and run.
type Load struct {
	Recipe  string `db:"recipe"`
	Waiting int    `db:"waiting"`
	Running int    `db:"running"`
}

//go:embed loads.sql
var loadsSQL string

// Loads returns what waits and runs by recipe; a recipe without any is left out.
func (s *Store) Loads(ctx context.Context) ([]Load, error) {
	found := []Load{}
	err := s.db.SelectContext(ctx, &found, loadsSQL)
	return found, explain(ctx, "count jobs by recipe", err)
}
