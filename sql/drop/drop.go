// Package drop owns the rows of what administrators want dropped from what is kept for
// recipes; they are kept a day after that was done.
//
// It does not own the files (runner/cache). It may import sqlx, sql/db and sql/job for its
// channel.
package drop

import (
	"context"
	"fmt"
	"time"

	"convertd/sql/db"
	"convertd/sql/job"
)

// Drop is one wish.
type Drop struct {
	ID     int64  `db:"id"`
	Recipe string `db:"recipe"`
	// Prefix is what names begin with; "" is everything of the recipe.
	Prefix  string    `db:"prefix"`
	AskedAt time.Time `db:"asked_at"`
	// DoneAt is nil until it was done. Files is how many went, Problem why not all did.
	DoneAt  *time.Time `db:"done_at"`
	Files   int        `db:"files"`
	Problem string     `db:"problem"`
}

// Store reads and changes the rows.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

const columns = `id, recipe, prefix, asked_at, done_at, files, problem`

// Ask writes a wish down and wakes the dispatcher.
func (s *Store) Ask(ctx context.Context, recipe, prefix string) (Drop, error) {
	var d Drop
	err := s.db.GetContext(ctx, &d, `insert into cache_drop (recipe, prefix) values ($1, $2) returning `+columns, recipe, prefix)
	if err == nil {
		s.db.Notifier.Ring(job.Control)
	}
	return d, explain(ctx, "ask for a cache to be dropped", err)
}

// Find returns a wish as it is now.
func (s *Store) Find(ctx context.Context, id int64) (Drop, error) {
	var d Drop
	err := s.db.GetContext(ctx, &d, `select `+columns+` from cache_drop where id = $1`, id)
	return d, explain(ctx, "find the drop of a cache", err)
}

// Open returns up to limit wishes that are not done, the oldest first, and removes those
// that were done long ago.
func (s *Store) Open(ctx context.Context, limit int) ([]Drop, error) {
	if _, err := s.db.ExecContext(ctx, `delete from cache_drop where done_at < now() - interval '1 day'`); err != nil {
		return nil, explain(ctx, "forget old drops of caches", err)
	}
	found := []Drop{}
	err := s.db.SelectContext(ctx, &found, `select `+columns+` from cache_drop where done_at is null order by id limit $1`, limit)
	return found, explain(ctx, "look for caches to drop", err)
}

// Done notes what became of a wish.
func (s *Store) Done(ctx context.Context, id int64, files int, problem string) error {
	_, err := s.db.ExecContext(ctx, `update cache_drop set done_at = now(), files = $2, problem = $3 where id = $1 and done_at is null`, id, files, problem)
	return explain(ctx, "note the drop of a cache", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
