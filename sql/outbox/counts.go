package outbox

import (
	"context"
	_ "embed"
)

// Counts are the mails that are owed.
type Counts struct {
	// Waiting counts all that have not gone, Failed those of them whose last sending failed
	// and that are tried again.
	Waiting int `db:"waiting"`
	Failed  int `db:"failed"`
}

//go:embed counts.sql
var countsSQL string

// Counts returns how many mails are owed.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.db.GetContext(ctx, &c, countsSQL)
	return c, explain(ctx, "count owed mails", err)
}
