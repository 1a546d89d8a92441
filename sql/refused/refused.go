// Package refused owns the rows of submissions that were turned away: who, for which
// recipe, why; kept 7 days.
//
// It does not own the decision (webui). It may import sqlx, sql/db and runner/fault.
package refused

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"convertd/runner/fault"
	"convertd/sql/db"
)

// Refusal is one submission that was turned away.
type Refusal struct {
	ID    int64     `db:"id"`
	At    time.Time `db:"refused_at"`
	Owner string    `db:"owner"`
	// Recipe is what was asked for, "" when that was not known yet.
	Recipe string     `db:"recipe"`
	Code   fault.Code `db:"code"`
	Detail string     `db:"detail"`
}

// Store reads and changes the rows.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

// maxText bounds what a refused client may have us keep, in characters.
const maxText = 300

//go:embed note.sql
var noteSQL string

// Note writes a refusal down.
func (s *Store) Note(ctx context.Context, r Refusal) error {
	_, err := s.db.ExecContext(ctx, noteSQL, r.Owner, r.Recipe, r.Code, r.Detail, maxText)
	return explain(ctx, "note refusal", err)
}

//go:embed list.sql
var listSQL string

// List returns up to limit refusals, newest first; before is the id of the last one of
// the page before, 0 for the first page.
func (s *Store) List(ctx context.Context, before int64, limit int) ([]Refusal, error) {
	found := []Refusal{}
	err := s.db.SelectContext(ctx, &found, listSQL, before, limit)
	return found, explain(ctx, "list refusals", err)
}

//go:embed prune.sql
var pruneSQL string

// kept is how long refusals are kept.
const kept = 7 * 24 * time.Hour

// Prune removes up to limit refusals that are kept no longer and returns how many.
func (s *Store) Prune(ctx context.Context, limit int) (int, error) {
	done, err := s.db.ExecContext(ctx, pruneSQL, kept.Seconds(), limit)
	if err != nil {
		return 0, explain(ctx, "prune refusals", err)
	}
	n, err := done.RowsAffected()
	return int(n), explain(ctx, "prune refusals", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
