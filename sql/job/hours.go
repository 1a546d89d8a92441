package job

import (
	"context"
	_ "embed"
	"time"
)

// Hour is what ended in one hour.
type Hour struct {
	// Hour is its beginning, in UTC.
	Hour      time.Time `db:"hour"`
	Succeeded int       `db:"succeeded"`
	Failed    int       `db:"failed"`
	// Cancelled counts what expired too.
	Cancelled int `db:"cancelled"`
	// Waited and Ran are medians in seconds: of all that started, from acceptance to the
	// last start, and of the successes; nil when there are none.
	Waited *float64 `db:"waited"`
	Ran    *float64 `db:"ran"`
}

//go:embed hours.sql
var hoursSQL string

// Hours returns what ended in the last n hours, this one included, the oldest first.
func (s *Store) Hours(ctx context.Context, n int) ([]Hour, error) {
	found := []Hour{}
	err := s.db.SelectContext(ctx, &found, hoursSQL, n)
	return found, explain(ctx, "count ends by hour", err)
}
