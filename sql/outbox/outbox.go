// Package outbox owns the mails that are owed: rows that are written in the transaction
// that ends a job, and stay until the mail was sent or withdrawn.
//
// It does not own the mails' texts or sending them (dispatcher/mail), nor writing the
// rows of a job's end (job). It may import sqlx and sql/db.
package outbox

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"convertd/sql/db"
)

// Draft is a mail to be owed. A job owes at most one of a kind.
type Draft struct {
	// Kind names what the mail is about ("failure", "success"); with the job's id it makes
	// the Message-ID, so it must not change.
	Kind string `json:"kind"`
	// To is one parsed address.
	To string `json:"recipient"`
	// Attach says that the job's files may be attached; Withdraw takes it back.
	Attach bool `json:"attach"`
	// Payload is what the text is made of, any JSON; nil means {}.
	Payload json.RawMessage `json:"payload"`
}

// MarshalJSON writes an absent payload as {}: the row must have one.
func (d Draft) MarshalJSON() ([]byte, error) {
	type plain Draft
	if len(d.Payload) == 0 {
		d.Payload = json.RawMessage("{}")
	}
	return json.Marshal(plain(d))
}

// Mail is one owed mail.
type Mail struct {
	ID int64 `db:"id"`
	// Job is "" for a mail about several jobs.
	Job string `db:"job"`
	// Key is JOB.KIND, or what Owe was given: the part of the Message-ID before the host.
	Key     string          `db:"key"`
	Kind    string          `db:"kind"`
	To      string          `db:"recipient"`
	Attach  bool            `db:"attach"`
	Payload json.RawMessage `db:"payload"`
	// Tries counts the sendings that failed, LastError says why the last one did.
	Tries     int       `db:"tries"`
	LastError string    `db:"last_error"`
	CreatedAt time.Time `db:"created_at"`
}

// Store reads and changes the rows of owed mails.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

//go:embed due.sql
var dueSQL string

// Due returns up to limit mails whose time has come, oldest first.
func (s *Store) Due(ctx context.Context, limit int) ([]Mail, error) {
	mails := []Mail{}
	if err := s.db.SelectContext(ctx, &mails, dueSQL, limit); err != nil {
		return nil, explain(ctx, "list owed mails", err)
	}
	return mails, nil
}

//go:embed sent.sql
var sentSQL string

// Sent notes that a mail was handed to the mail server. Noting it twice is no error.
func (s *Store) Sent(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, sentSQL, id)
	return explain(ctx, "note sent mail", err)
}

//go:embed failed.sql
var failedSQL string

// Failed notes why a mail could not be sent and when to try again. attach false leaves
// the files out from now on, for a server that refused them.
func (s *Store) Failed(ctx context.Context, id int64, reason string, next time.Time, attach bool) error {
	_, err := s.db.ExecContext(ctx, failedSQL, id, reason, next, attach)
	return explain(ctx, "note failed mail", err)
}

//go:embed withdraw.sql
var withdrawSQL string

// Withdraw is for a job that was deleted: what has not been sent yet goes without files,
// and a mail whose kind is among drop does not go at all.
func (s *Store) Withdraw(ctx context.Context, job string, drop ...string) error {
	_, err := s.db.ExecContext(ctx, withdrawSQL, job, pq.Array(drop))
	return explain(ctx, "withdraw mails", err)
}

//go:embed owe.sql
var oweSQL string

// Owe adds a mail that belongs to no single job, such as a digest. A key that is known
// already adds nothing.
func (s *Store) Owe(ctx context.Context, key string, draft Draft) error {
	payload := string(draft.Payload)
	if payload == "" {
		payload = "{}"
	}
	_, err := s.db.ExecContext(ctx, oweSQL, key, draft.Kind, draft.To, draft.Attach, payload)
	return explain(ctx, "owe mail", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
