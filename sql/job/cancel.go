package job

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"

	"convertd/runner/fault"
)

//go:embed cancel.sql
var cancelSQL string

// RequestCancel ends a waiting job as cancelled at once and asks the dispatcher to end a
// running one. It returns the job as it is then. Cancelling a cancelled job is no error;
// for a job that ended otherwise the job comes with the error already_ended.
func (s *Store) RequestCancel(ctx context.Context, id string) (Job, error) {
	var now State
	err := s.db.GetContext(ctx, &now, cancelSQL, id, s.Keep.Seconds())
	ended := errors.Is(err, sql.ErrNoRows)
	if err != nil && !ended {
		return Job{}, explain(ctx, "cancel job", err)
	}
	if now == Running || now == Cancelled { // one that waited can have left a job with a service
		s.db.Notifier.Ring(Control)
	}
	found, err := s.Find(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if ended && found.State != Cancelled {
		return found, fault.New(fault.AlreadyEnded, "The job has ended already: it is "+string(found.State)+".",
			"There is nothing left to cancel; delete the job to remove its files.")
	}
	return found, nil
}

//go:embed cancelrequested.sql
var cancelRequestedSQL string

// CancelRequested returns the running jobs that somebody wants ended, by cancelling or
// deleting them.
func (s *Store) CancelRequested(ctx context.Context) ([]string, error) {
	ids := []string{}
	err := s.db.SelectContext(ctx, &ids, cancelRequestedSQL)
	return ids, explain(ctx, "list jobs to be ended", err)
}
