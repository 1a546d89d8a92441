package job

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"convertd/sql/idempotency"
)

//go:embed insert.sql
var insertSQL string

// Draft is a job to be made. ID, owner, recipe and queue must be given; MaxAttempts 0
// means 1.
type Draft struct {
	Identity
	Request
	// Inputs are the inputs, and the files of parameters.
	Inputs []Input
	// RunAt in the future makes the job scheduled. WaitUntil is when it expires if it has
	// not started by then.
	RunAt, WaitUntil *time.Time
	MaxAttempts      int
	// Concurrency keeps the job from running beside others; its zero value does not.
	Concurrency Concurrency
	// Needs are the jobs that must have succeeded before this one starts.
	Needs []Need
	// MaxWaiting is how many jobs may wait in the queue, this one included; 0 is no limit.
	MaxWaiting int
	// IdempotencyKey is the claim on a key that this job fulfils, nil for none.
	IdempotencyKey *idempotency.Claim
}

// Concurrency is a key that jobs of all recipes share: of those with the same key, one
// at a time is queued or runs.
type Concurrency struct {
	Key string
	// Reject refuses the job while another with the key has not ended, instead of having
	// it wait.
	Reject bool
}

// Need is a job that must have succeeded. Output names the file of it that becomes the
// input with the number Input; "" and 0 when only the success counts.
type Need struct {
	Job    string `json:"job" db:"job"`
	Output string `json:"output" db:"output"`
	Input  int    `json:"input" db:"input"`
}

// asked is the part of a draft that travels as one document.
type asked struct {
	Recipe        string              `json:"recipe"`
	RecipeVersion string              `json:"recipe_version"`
	Queue         string              `json:"queue"`
	Priority      int                 `json:"priority"`
	Params        map[string][]string `json:"params"`
	Tags          map[string]string   `json:"tags"`
	Email         string              `json:"email"`
	Lang          string              `json:"lang"`
	TraceContext  map[string]string   `json:"trace_context"`
	RunAt         *time.Time          `json:"run_at"`
	WaitUntil     *time.Time          `json:"wait_until"`
	MaxAttempts   int                 `json:"max_attempts"`
	Inputs        []Input             `json:"inputs"`
	Concurrency   string              `json:"concurrency_key"`
	Needs         []Need              `json:"needs"`
	Replays       int                 `json:"replays"`
}

// Insert makes the job: once it returns without an error the job is on disk and its
// dispatcher has been rung. The files of the inputs must be on disk before. It fails
// with conflict when the claim on the idempotency key was lost to another submission, and
// with rate_limited when the queue is full.
//
// When the connection breaks or ctx ends in the middle, the job may have been made all the
// same. Only a fault other than unavailable proves that there is none; else leave the
// files alone, the search for orphans finds them.
func (s *Store) Insert(ctx context.Context, draft Draft) (Job, error) {
	made := Job{
		Identity: draft.Identity, Request: draft.Request,
		Life:  Life{MaxAttempts: max(draft.MaxAttempts, 1), ConcurrencyKey: draft.Concurrency.Key},
		Times: Times{RunAt: draft.RunAt, WaitUntil: draft.WaitUntil},
	}
	made.setFilesApart(draft.Inputs)
	rest, err := document(draft.asked())
	if err != nil {
		return Job{}, err
	}
	insert := func(q sqlx.QueryerContext) error {
		row := q.QueryRowxContext(ctx, insertSQL, draft.ID, draft.Owner, draft.ManageHash, draft.Group, draft.RetryOf, rest)
		return row.Scan(&made.State, &made.CreatedAt)
	}
	if draft.alone() {
		err = insert(s.db)
	} else {
		err = s.db.InTx(ctx, func(tx *sqlx.Tx) error {
			if err := draft.refuse(ctx, tx); err != nil {
				return err
			}
			if err := insert(tx); err != nil || draft.IdempotencyKey == nil {
				return err
			}
			return idempotency.Fulfil(ctx, tx, *draft.IdempotencyKey, draft.ID)
		})
	}
	if err != nil {
		return Job{}, explain(ctx, fmt.Sprintf("insert job of recipe %s", draft.Recipe), err)
	}
	s.db.Notifier.Ring(Jobs)
	return made, nil
}

// alone reports whether the insert depends on no other row and changes none.
func (d Draft) alone() bool {
	return d.IdempotencyKey == nil && !d.Concurrency.Reject && d.MaxWaiting <= 0
}

// refuse refuses a draft that other jobs leave no room for. Whoever inserts under the same
// rule waits meanwhile, so that no two are let in on the same room.
func (d Draft) refuse(ctx context.Context, tx *sqlx.Tx) error {
	if err := refuseBusy(ctx, tx, d.Concurrency); err != nil {
		return err
	}
	return refuseFull(ctx, tx, d.Queue, d.MaxWaiting)
}

func (d Draft) asked() asked {
	a := asked{
		Recipe: d.Recipe, RecipeVersion: d.RecipeVersion, Queue: d.Queue, Priority: d.Priority,
		Params: d.Params, Tags: d.Tags, Email: d.Email, Lang: d.Lang, TraceContext: d.TraceContext,
		RunAt: d.RunAt, WaitUntil: d.WaitUntil, MaxAttempts: max(d.MaxAttempts, 1), Inputs: d.Inputs,
		Concurrency: d.Concurrency.Key, Needs: d.Needs, Replays: d.Replays,
	}
	if a.Params == nil {
		a.Params = map[string][]string{}
	}
	if a.Tags == nil {
		a.Tags = map[string]string{}
	}
	if a.TraceContext == nil {
		a.TraceContext = map[string]string{}
	}
	if a.Needs == nil {
		a.Needs = []Need{}
	}
	if a.Inputs == nil {
		a.Inputs = []Input{}
	}
	return a
}
