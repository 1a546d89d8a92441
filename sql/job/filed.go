package job

import (
	"context"
	_ "embed"

	"github.com/lib/pq"
)

//go:embed filed.sql
var filedSQL string

// Filed returns which of the ids, nil meaning all, belong to jobs whose files must be in
// the spool: they are neither deleted nor removed by age. Oldest first.
func (s *Store) Filed(ctx context.Context, ids []string) ([]string, error) {
	var found []string
	err := s.db.SelectContext(ctx, &found, filedSQL, pq.Array(ids))
	return found, explain(ctx, "look for jobs with files", err)
}
