package job

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
)

//go:embed delete.sql
var deleteSQL string

// Delete makes a job not to be found any more, cancels it if it has not ended, and takes
// its files out of mails that have not been sent. Files and personal data go later, by
// way of Deleted and Forget.
func (s *Store) Delete(ctx context.Context, id string) error {
	var before State
	err := s.db.GetContext(ctx, &before, deleteSQL, id, s.Keep.Seconds())
	if errors.Is(err, sql.ErrNoRows) {
		return notFound()
	}
	if err != nil {
		return explain(ctx, "delete job", err)
	}
	s.db.Notifier.Ring(Control)
	return nil
}

// Deleted returns up to limit deleted jobs that have ended and still have files or
// personal data, oldest deletion first.
func (s *Store) Deleted(ctx context.Context, limit int) ([]Job, error) {
	var rows []row
	err := s.db.SelectContext(ctx, &rows, selectSQL+`where j.deleted_at is not null and j.forgotten_at is null
		and j.ended_at is not null and not exists (select from farewell f where f.job = j.id) order by j.deleted_at limit $1`, limit)
	if err != nil {
		return nil, explain(ctx, "list deleted jobs", err)
	}
	return jobsOf(rows)
}

//go:embed forget.sql
var forgetSQL string

// Forget takes the personal data out of a deleted job's rows: owner, names, parameters,
// tags, address, texts of errors. Numbers stay for statistics. The job's files must be
// gone before. It does nothing to a job that was not deleted or has not ended.
func (s *Store) Forget(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, forgetSQL, id)
	return explain(ctx, "forget job", err)
}
