// Package snapshot owns the view of all rows at one moment that a backup is made of, and
// the agreement by which nothing that the view shows is removed from the spool meanwhile.
//
// It does not own copying rows or files (cmd) nor removing them (dispatcher). It may
// import sqlx, sql/db and runner/fault.
package snapshot

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"convertd/sql/db"
)

// removal is the number of the advisory lock: those who remove files share it, a
// snapshot has it alone.
const removal = 0x636f6e7665727464

// patience lets a transaction wait as long as its owner works on files.
const patience = `set local lock_timeout = 0; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0`

// Snapshot is all rows as they were at one moment. While it is open no file that they
// name is removed from the spool.
type Snapshot struct {
	// ID is the snapshot for other sessions (pg_dump --snapshot).
	ID string
	// hold has the lock, view the rows.
	hold, view *sqlx.Tx
}

// Take waits until nobody removes files any more and takes a snapshot; Close ends it.
func Take(ctx context.Context, d *db.DB) (*Snapshot, error) {
	s := &Snapshot{}
	err := s.begin(ctx, d)
	if err != nil {
		return nil, errors.Join(db.Explain(ctx, fmt.Errorf("take a snapshot: %w", err)), s.Close())
	}
	return s, nil
}

// begin takes the lock in a transaction of its own: the one that shows the rows must
// begin when the lock is held already.
func (s *Snapshot) begin(ctx context.Context, d *db.DB) (err error) {
	if s.hold, err = d.BeginTxx(ctx, nil); err != nil {
		return err
	}
	if _, err := s.hold.ExecContext(ctx, patience); err != nil {
		return err
	}
	if _, err := s.hold.ExecContext(ctx, `select pg_advisory_xact_lock($1)`, removal); err != nil {
		return err
	}
	if s.view, err = d.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}); err != nil {
		return err
	}
	if _, err := s.view.ExecContext(ctx, patience); err != nil {
		return err
	}
	return s.view.GetContext(ctx, &s.ID, `select pg_export_snapshot()`)
}

// Close ends the snapshot.
func (s *Snapshot) Close() error {
	var errs []error
	for _, tx := range []*sqlx.Tx{s.view, s.hold} {
		if tx == nil {
			continue
		}
		if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// File is one file of a job that a row names.
type File struct {
	Job string `db:"job"`
	// Path is beneath the job's folder.
	Path   string `db:"path"`
	Size   int64  `db:"size"`
	SHA256 string `db:"sha256"`
	Seq    int64  `db:"seq"`
}

//go:embed files.sql
var filesSQL string

// Files returns the inputs and outputs that must be in the spool.
func (s *Snapshot) Files(ctx context.Context) ([]File, error) {
	var files []File
	err := s.view.SelectContext(ctx, &files, filesSQL)
	return files, explain(ctx, "list files", err)
}

// Attempt is one that has ended; Number 0 stands for the job as such.
type Attempt struct {
	Job    string `db:"job"`
	Number int    `db:"number"`
}

//go:embed attempts.sql
var attemptsSQL string

// Attempts returns all jobs whose files are in the spool, with their ended attempts.
func (s *Snapshot) Attempts(ctx context.Context) ([]Attempt, error) {
	var attempts []Attempt
	err := s.view.SelectContext(ctx, &attempts, attemptsSQL)
	return attempts, explain(ctx, "list attempts", err)
}

// Removing begins the removal of files and returns what ends it, nil while a snapshot
// wants them to stay.
func Removing(ctx context.Context, d *db.DB) (end func(), err error) {
	tx, err := d.BeginTxx(ctx, nil)
	if err != nil {
		return nil, explain(ctx, "begin removal", err)
	}
	end = func() { _ = tx.Rollback() } // it has changed nothing
	var free bool
	if _, err = tx.ExecContext(ctx, patience); err == nil {
		err = tx.GetContext(ctx, &free, `select pg_try_advisory_xact_lock_shared($1)`, removal)
	}
	if err != nil || !free {
		end()
		return nil, explain(ctx, "begin removal", err)
	}
	return end, nil
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
