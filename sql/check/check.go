// Package check owns the rows of what the dispatcher found when it last looked at all
// that its machine must give.
//
// It does not own looking (dispatcher/doctor). It may import sqlx, lib/pq, sql/db and
// runner/fault.
package check

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/lib/pq"

	"convertd/sql/db"
)

// Finding is one thing that was looked at.
type Finding struct {
	// Topic is what was looked at, Level how bad it is: "ok", "warn" or "fail".
	Topic string `db:"topic"`
	Level string `db:"level"`
	// Text says what was found, Remedy what to do about it, "" when nothing is to be done.
	Text   string `db:"text"`
	Remedy string `db:"remedy"`
	// Since is when the topic was first found at this level.
	Since time.Time `db:"since"`
	// Host is the machine, ExaminedAt when it was examined: the same for all rows.
	Host       string    `db:"host"`
	ExaminedAt time.Time `db:"examined_at"`
}

// Store reads and changes the rows.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

//go:embed replace.sql
var replaceSQL string

// Replace writes down an examination of a host in the place of the one before; of the
// findings it takes topic, level, text and remedy.
func (s *Store) Replace(ctx context.Context, host string, findings []Finding) error {
	var topics, levels, texts, remedies pq.StringArray
	for _, f := range findings {
		topics, levels = append(topics, f.Topic), append(levels, f.Level)
		texts, remedies = append(texts, f.Text), append(remedies, f.Remedy)
	}
	_, err := s.db.ExecContext(ctx, replaceSQL, host, topics, levels, texts, remedies)
	return explain(ctx, "note findings", err)
}

//go:embed list.sql
var listSQL string

// List returns the findings of the last examination in its order, none before the first.
func (s *Store) List(ctx context.Context) ([]Finding, error) {
	found := []Finding{}
	err := s.db.SelectContext(ctx, &found, listSQL)
	return found, explain(ctx, "list findings", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
