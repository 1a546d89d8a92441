// Package idempotency owns the rows that make a submission with an Idempotency-Key
// happen once: who works on a key, and which job it became.
//
// It does not own comparing fingerprints or answering (webui), nor making the job (job,
// which fulfils the claim in its own transaction). It may import sqlx, lib/pq, sql/db
// and runner/fault.
package idempotency

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"database/sql"

	"github.com/jmoiron/sqlx"

	"convertd/runner/fault"
	"convertd/sql/db"
)

// Kept is how long a key is remembered.
const Kept = 24 * time.Hour

// Claim is the right to make the job of a key.
type Claim struct {
	Scope, Key string
	// Fingerprint must be set before the job is inserted.
	Fingerprint []byte
	// mark tells this claim from a later one on the same key.
	mark string
}

// Record is a key whose job was made.
type Record struct {
	Job         string `db:"job"`
	Fingerprint []byte `db:"fingerprint"`
}

// Store reads and changes the rows of keys.
type Store struct {
	db *db.DB
	mu sync.Mutex
	// owed are claims that were to be given back while the database was away.
	owed []Claim
}

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

//go:embed begin.sql
var beginSQL string

// Begin asks for a key in an owner's scope. It returns either a claim, to be fulfilled
// by inserting the job or given back with Abandon, or the record of the job that the key
// became; the caller compares the fingerprints. It fails with conflict while another
// submission with the key is in progress in a live process. instance is the number of
// the caller's Presence.
func (s *Store) Begin(ctx context.Context, scope, key string, instance int64) (*Claim, *Record, error) {
	if err := s.giveBackOwed(ctx); err != nil {
		return nil, nil, err
	}
	claim := &Claim{Scope: scope, Key: key, mark: rand.Text()}
	var found struct {
		Mark        string `db:"claim"`
		Job         string `db:"job"`
		Fingerprint []byte `db:"fingerprint"`
	}
	err := s.db.GetContext(ctx, &found, beginSQL, scope, key, instance, claim.mark, Kept.Seconds())
	switch {
	case errors.Is(err, sql.ErrNoRows):
		// The row changed between our look and our writing: somebody else has it.
		return nil, nil, inProgress()
	case err != nil:
		return nil, nil, explain(ctx, "begin submission", err)
	case found.Mark == claim.mark:
		return claim, nil, nil
	case found.Job == "":
		return nil, nil, inProgress()
	}
	return nil, &Record{Job: found.Job, Fingerprint: found.Fingerprint}, nil
}

//go:embed fulfil.sql
var fulfilSQL string

// Fulfil writes down, in the transaction that makes the job, which job the key became.
// It fails with conflict when the claim is not the row's any more.
func Fulfil(ctx context.Context, tx *sqlx.Tx, claim Claim, job string) error {
	done, err := tx.ExecContext(ctx, fulfilSQL, claim.Scope, claim.Key, claim.mark, job, claim.Fingerprint)
	if err != nil {
		return fmt.Errorf("fulfil idempotency key: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(inProgress(), err)
	}
	return nil
}

//go:embed abandon.sql
var abandonSQL string

// Abandon gives the claim back after a submission that was refused, so that the same key
// can be tried again at once. A fulfilled claim stays. Where that fails it is done before
// the next Begin: this process lives on, so the claim would never lapse.
func (s *Store) Abandon(ctx context.Context, claim Claim) error {
	err := s.giveBack(ctx, claim)
	if err != nil {
		s.mu.Lock()
		s.owed = append(s.owed, claim)
		s.mu.Unlock()
	}
	return explain(ctx, "abandon submission", err)
}

func (s *Store) giveBack(ctx context.Context, claim Claim) error {
	_, err := s.db.ExecContext(ctx, abandonSQL, claim.Scope, claim.Key, claim.mark)
	return err
}

// giveBackOwed gives back what could not be given back before. What fails again stays owed.
func (s *Store) giveBackOwed(ctx context.Context) error {
	s.mu.Lock()
	owed := s.owed
	s.owed = nil
	s.mu.Unlock()
	for i, claim := range owed {
		if err := s.giveBack(ctx, claim); err != nil {
			s.mu.Lock()
			s.owed = append(s.owed, owed[i:]...)
			s.mu.Unlock()
			return explain(ctx, "give back keys of refused submissions", err)
		}
	}
	return nil
}

//go:embed prune.sql
var pruneSQL string

// Prune removes up to limit keys that are not kept any more and returns how many.
func (s *Store) Prune(ctx context.Context, limit int) (int, error) {
	done, err := s.db.ExecContext(ctx, pruneSQL, Kept.Seconds(), limit)
	if err != nil {
		return 0, explain(ctx, "prune idempotency keys", err)
	}
	n, err := done.RowsAffected()
	return int(n), err
}

// inProgress is the answer while another submission holds the key.
func inProgress() error {
	return fault.New(fault.Conflict, "A request with this Idempotency-Key is still in progress.",
		"Wait a moment and send the same request again.")
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
