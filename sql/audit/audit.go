// Package audit owns the rows of what administrators did: who, when, what, to what, and
// how it went; kept a year.
//
// It does not own the deeds (webui). It may import sqlx, sql/db and runner/fault.
package audit

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"convertd/runner/fault"
	"convertd/sql/db"
)

// Verb is what was done.
type Verb string

// The closed set of verbs.
const (
	SignIn     Verb = "sign-in"
	Pause      Verb = "pause"
	Resume     Verb = "resume"
	Drain      Verb = "drain"
	DropCache  Verb = "drop-cache"
	Cancel     Verb = "cancel"
	CancelMany Verb = "cancel-group"
	Retry      Verb = "retry"
	Replay     Verb = "replay"
	Delete     Verb = "delete"
	Keep       Verb = "keep"
)

// Verbs returns all verbs in the order of a menu.
func Verbs() []Verb {
	return []Verb{SignIn, Pause, Resume, Drain, DropCache, Cancel, CancelMany, Retry, Replay, Delete, Keep}
}

// Done is the outcome of an act that was done; any other is the code of its refusal.
const Done = "done"

// Act is one thing that an administrator did or tried to do.
type Act struct {
	ID int64     `db:"id"`
	At time.Time `db:"begun_at"`
	// Who is a name from an authenticating proxy, else "administrator"; Address is where
	// the request came from.
	Who     string `db:"who"`
	Address string `db:"address"`
	// Via is "api" or "page".
	Via  string `db:"via"`
	Verb Verb   `db:"verb"`
	// Target is what it was done to: an id, the name of a queue or recipe, "" for all.
	Target string `db:"target"`
	// Detail is what else was asked for, "" for nothing.
	Detail string `db:"detail"`
	// Outcome is Done, the code of the refusal, or "" while it is not known: the process
	// is at it, or died over it.
	Outcome string `db:"outcome"`
}

// Store reads and changes the rows.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

// maxText bounds the texts of a row, in characters.
const maxText = 300

//go:embed begin.sql
var beginSQL string

// Begin writes down that an act is going to be done, and returns its id.
func (s *Store) Begin(ctx context.Context, a Act) (int64, error) {
	var id int64
	err := s.db.GetContext(ctx, &id, beginSQL, a.Who, a.Address, a.Via, a.Verb, a.Target, a.Detail, maxText)
	return id, explain(ctx, "note an act", err)
}

// End writes down how an act went: the error it ended with, nil when it was done.
func (s *Store) End(ctx context.Context, id int64, cause error) error {
	outcome := Done
	if cause != nil {
		outcome = string(fault.CodeOf(cause))
	}
	_, err := s.db.ExecContext(ctx, `update act set outcome = $2 where id = $1 and outcome is null`, id, outcome)
	return explain(ctx, "note how an act went", err)
}

// Filter says which acts to list; a zero field does not limit.
type Filter struct {
	Verb Verb
	// Text is looked for in who, target and detail, in any case.
	Text string
	// Before is the id of the last act of the page before.
	Before int64
	Limit  int
}

//go:embed list.sql
var listSQL string

// List returns acts, newest first.
func (s *Store) List(ctx context.Context, f Filter) ([]Act, error) {
	found := []Act{}
	err := s.db.SelectContext(ctx, &found, listSQL, f.Verb, f.Text, f.Before, f.Limit)
	return found, explain(ctx, "list acts", err)
}

//go:embed prune.sql
var pruneSQL string

// Prune removes up to limit acts that are older than a year and returns how many.
func (s *Store) Prune(ctx context.Context, limit int) (int, error) {
	done, err := s.db.ExecContext(ctx, pruneSQL, limit)
	if err != nil {
		return 0, explain(ctx, "prune acts", err)
	}
	n, err := done.RowsAffected()
	return int(n), explain(ctx, "prune acts", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
