package job

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"convertd/sql/outbox"
)

//go:embed finish.sql
var finishSQL string

// End is what an attempt came to and what becomes of its job.
type End struct {
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
	Token   string `json:"token"`
	// Next is Succeeded, Failed or Cancelled, Expired for an attempt that never began and
	// does not any more, or Queued or Scheduled for another attempt.
	Next State `json:"next"`
	// RunAt is when the next attempt may start; it makes Queued Scheduled.
	RunAt *time.Time `json:"run_at"`
	// CountFailure says that the attempt used up one of MaxAttempts.
	CountFailure bool `json:"count_failure"`
	// Result is nil only for an attempt that stopped on request and goes back, or expired.
	Result   *Result  `json:"result"`
	Outputs  []Output `json:"outputs"`
	Previews []Output `json:"previews"`
	// Ran is the JSON of the programs that were executed, Limits of what was in force.
	Ran    json.RawMessage `json:"ran,omitempty"`
	Limits json.RawMessage `json:"limits,omitempty"`
	// Advice is what administrators are told of a box that lacked something, if it did.
	Advice json.RawMessage `json:"advice,omitempty"`
	// Began is how the attempt began, nil when that is not known or was noted before.
	Began *Began `json:"began,omitempty"`
	// KeepUntil is when the job's files are removed; nil means the store's Keep from now.
	KeepUntil *time.Time `json:"keep_until"`
	// Mails are owed from the moment the end is recorded.
	Mails []outbox.Draft `json:"mails"`
}

// Finish records ends, each with everything that belongs to it or not at all, and says
// for each whether it was applied. An end whose attempt is not the running one any more
// (another number, another token, ended already) is not applied: throw it away. A job
// that somebody wanted cancelled becomes cancelled instead of going back to its queue.
//
// When the ends do not go through together they are tried one by one, so that one that
// PostgreSQL refuses does not hold up the others; the error is then the last refusal.
// After an error, Finish may be called again with the same ends. One that was recorded
// although its answer was lost is then not applied: look at the row before throwing away
// what the attempt made.
func (s *Store) Finish(ctx context.Context, ends []End) ([]bool, error) {
	if len(ends) == 0 {
		return nil, nil
	}
	applied, err := s.finish(ctx, ends)
	if err == nil || len(ends) == 1 || pq.As(err) == nil {
		return applied, err
	}
	applied = make([]bool, len(ends))
	err = nil
	for i := range ends {
		one, errOne := s.finish(ctx, ends[i:i+1])
		if errOne != nil {
			err = errOne
			continue
		}
		applied[i] = one[0]
	}
	return applied, err
}

// finish is one statement for all ends.
func (s *Store) finish(ctx context.Context, ends []End) ([]bool, error) {
	told, err := document(ends)
	if err != nil {
		return make([]bool, len(ends)), err
	}
	var numbers []int
	applied := make([]bool, len(ends))
	if err := s.db.SelectPrepared(ctx, &numbers, finishSQL, told, s.Keep.Seconds()); err != nil {
		return applied, explain(ctx, fmt.Sprintf("finish %d jobs, first %s", len(ends), ends[0].ID), err)
	}
	again := false
	for _, n := range numbers {
		applied[n-1] = true
		next := ends[n-1].Next
		again = again || !next.Ended()
	}
	if again {
		s.db.Notifier.Ring(Jobs)
	}
	return applied, nil
}
