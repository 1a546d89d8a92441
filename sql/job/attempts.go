package job

import (
	"context"
	_ "embed"
)

//go:embed attempts.sql
var attemptsSQL string

// Attempts returns the executions of a job in their order; none for a job that has not
// started and for one that is not found.
func (s *Store) Attempts(ctx context.Context, id string) ([]Attempt, error) {
	attempts := []Attempt{}
	err := s.db.SelectContext(ctx, &attempts, attemptsSQL, id)
	return attempts, explain(ctx, "list attempts", err)
}
