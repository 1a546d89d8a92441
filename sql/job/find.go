package job

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
)

//go:embed select.sql
var selectSQL string

// Find returns one job with its files and, once it ended, its result. A deleted job is
// not found.
func (s *Store) Find(ctx context.Context, id string) (Job, error) {
	var found row
	err := s.db.GetContext(ctx, &found, selectSQL+"where j.id = $1 and j.deleted_at is null", id)
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, notFound()
	}
	if err != nil {
		return Job{}, explain(ctx, "find job", err)
	}
	return found.job()
}
