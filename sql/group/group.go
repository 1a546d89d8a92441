// Package group owns the rows of groups: jobs that were submitted or caused together.
//
// It does not own the jobs (job). It may import sqlx, lib/pq, sql/db, sql/job and
// runner/fault.
package group

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"time"

	"convertd/runner/fault"
	"convertd/sql/db"
	"convertd/sql/job"
)

// Group is one group with its counts.
type Group struct {
	// ID is 26 characters of crypto/rand.Text.
	ID    string `db:"id"`
	Owner string `db:"owner"`
	// ManageHash is the SHA-256 of the manage token, nil for a group without one.
	ManageHash []byte    `db:"manage_hash"`
	CreatedAt  time.Time `db:"created_at"`
	// Counts has the number of jobs in each state, deleted ones left out.
	Counts map[job.State]int `db:"-"`
	// Jobs and Done count them all and those that have ended.
	Jobs int `db:"-"`
	Done int `db:"-"`
}

// Percent is the share of jobs that have ended, with one decimal; nil for a group
// without jobs. What the running ones have done already is not in the rows.
func (g Group) Percent() *float64 {
	if g.Jobs == 0 {
		return nil
	}
	percent := math.Floor(float64(g.Done)*1000/float64(g.Jobs)) / 10
	return &percent
}

// Store reads and changes the rows of groups.
type Store struct {
	db   *db.DB
	jobs *job.Store
}

// NewStore returns the store of a database; jobs are read and cancelled through their
// own store.
func NewStore(database *db.DB, jobs *job.Store) *Store { return &Store{db: database, jobs: jobs} }

//go:embed create.sql
var createSQL string

// Create makes an empty group and returns its id. manageHash is nil for a group that
// only its owner manages.
func (s *Store) Create(ctx context.Context, owner string, manageHash []byte) (string, error) {
	id := rand.Text()
	_, err := s.db.ExecContext(ctx, createSQL, id, owner, manageHash)
	return id, explain(ctx, "create group", err)
}

//go:embed find.sql
var findSQL string

//go:embed counts.sql
var countsSQL string

// Find returns the group with its counts.
func (s *Store) Find(ctx context.Context, id string) (Group, error) {
	var found Group
	err := s.db.GetContext(ctx, &found, findSQL, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Group{}, fault.New(fault.NotFound, "There is no such group.", "Check the address; a group goes with its last job.")
	}
	if err != nil {
		return Group{}, explain(ctx, "find group", err)
	}
	var rows []struct {
		State job.State `db:"state"`
		N     int       `db:"n"`
	}
	if err := s.db.SelectContext(ctx, &rows, countsSQL, id); err != nil {
		return Group{}, explain(ctx, "count jobs of group", err)
	}
	found.Counts = map[job.State]int{}
	for _, r := range rows {
		found.Counts[r.State] = r.N
		found.Jobs += r.N
		if r.State.Ended() {
			found.Done += r.N
		}
	}
	return found, nil
}

// Jobs returns one page of the group's jobs, newest first; cursor is "" for the first.
func (s *Store) Jobs(ctx context.Context, id, cursor string, limit int) (job.Page, error) {
	return s.jobs.List(ctx, job.Filter{Group: id, Cursor: cursor, Limit: limit})
}

//go:embed live.sql
var liveSQL string

// Cancel cancels all jobs of the group that have not ended, those that wait before those
// that run, and returns how many that were.
func (s *Store) Cancel(ctx context.Context, id string) (int, error) {
	var ids []string
	if err := s.db.SelectContext(ctx, &ids, liveSQL, id); err != nil {
		return 0, explain(ctx, "list jobs of group", err)
	}
	cancelled := 0
	for _, live := range ids {
		_, err := s.jobs.RequestCancel(ctx, live)
		switch fault.CodeOf(err) {
		case "":
			cancelled++
		case fault.AlreadyEnded, fault.NotFound:
		default:
			return cancelled, err
		}
	}
	return cancelled, nil
}

//go:embed prune.sql
var pruneSQL string

// emptyKept is how long a group without jobs is kept: its first job may still be on its
// way up.
const emptyKept = 7 * 24 * time.Hour

// Prune removes up to limit groups without jobs and returns how many.
func (s *Store) Prune(ctx context.Context, limit int) (int, error) {
	done, err := s.db.ExecContext(ctx, pruneSQL, emptyKept.Seconds(), limit)
	if err != nil {
		return 0, explain(ctx, "prune groups", err)
	}
	n, err := done.RowsAffected()
	return int(n), explain(ctx, "prune groups", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
