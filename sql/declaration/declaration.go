// Package declaration owns the rows of recipes as they were declared when they ran, one
// per version, so that an attempt can be done again as it was.
//
// It does not own what a declaration means (runner/recipe), nor which one is run
// (dispatcher). Only the dispatcher may write these rows: it runs what they say. It may
// import sqlx and sql/db.
package declaration

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"convertd/sql/db"
)

// Declaration is one version of a recipe.
type Declaration struct {
	Recipe  string `db:"recipe"`
	Version string `db:"version"`
	// Text is the JSON that the version is the hash of.
	Text []byte `db:"text"`
}

// Store reads and changes the rows.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

//go:embed keep.sql
var keepSQL string

// Keep writes a declaration down that is about to be run, or that it is used again.
func (s *Store) Keep(ctx context.Context, d Declaration) error {
	_, err := s.db.ExecContext(ctx, keepSQL, d.Recipe, d.Version, string(d.Text))
	return explain(ctx, "keep declaration", err)
}

//go:embed of.sql
var ofSQL string

// Of returns the declaration that ran in an attempt; false when it is not kept.
func (s *Store) Of(ctx context.Context, job string, attempt int) (Declaration, bool, error) {
	var found Declaration
	err := s.db.GetContext(ctx, &found, ofSQL, job, attempt)
	if errors.Is(err, sql.ErrNoRows) {
		return Declaration{}, false, nil
	}
	return found, err == nil, explain(ctx, "find declaration", err)
}

//go:embed prune.sql
var pruneSQL string

// Prune removes up to limit declarations that no job names any more and that were not used
// for the given time, and returns how many. Rows of jobs are kept for less than that.
func (s *Store) Prune(ctx context.Context, unused time.Duration, limit int) (int, error) {
	done, err := s.db.ExecContext(ctx, pruneSQL, unused.Seconds(), limit)
	if err != nil {
		return 0, explain(ctx, "prune declarations", err)
	}
	n, err := done.RowsAffected()
	return int(n), explain(ctx, "prune declarations", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
