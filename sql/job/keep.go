package job

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"time"

	"github.com/lib/pq"

	"convertd/runner/fault"
)

//go:embed keep.sql
var keepSQL string

// KeepUntil changes when the files of an ended job are removed, and returns the job. It
// fails with conflict before the end and with gone after the removal.
func (s *Store) KeepUntil(ctx context.Context, id string, until time.Time) (Job, error) {
	var state struct {
		Ended bool `db:"ended"`
		Gone  bool `db:"gone"`
	}
	err := s.db.GetContext(ctx, &state, keepSQL, id, until)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Job{}, notFound()
	case err != nil:
		return Job{}, explain(ctx, "keep job", err)
	case !state.Ended:
		return Job{}, fault.New(fault.Conflict, "The job has not ended, so nothing of it is kept yet.", "Wait for its end.")
	case state.Gone:
		return Job{}, fault.New(fault.Gone, "The files of the job have been removed already.", "Send the file again.")
	}
	return s.Find(ctx, id)
}

//go:embed filesdue.sql
var filesDueSQL string

// FilesDue returns up to limit jobs whose files are kept no longer, oldest first.
func (s *Store) FilesDue(ctx context.Context, limit int) ([]string, error) {
	ids := []string{}
	err := s.db.SelectContext(ctx, &ids, filesDueSQL, limit)
	return ids, explain(ctx, "list files to be removed", err)
}

//go:embed filesgone.sql
var filesGoneSQL string

// FilesGone notes that the files of ended jobs were removed.
func (s *Store) FilesGone(ctx context.Context, ids []string) error {
	_, err := s.db.ExecContext(ctx, filesGoneSQL, pq.Array(ids))
	return explain(ctx, "note removed files", err)
}

//go:embed oldest.sql
var oldestSQL string

// Oldest returns up to limit ended jobs whose files could be removed before their time,
// the oldest end first, those that somebody asked to keep last. Those that ended within
// the last moments, given by age, are none of them.
func (s *Store) Oldest(ctx context.Context, age time.Duration, limit int) ([]string, error) {
	ids := []string{}
	err := s.db.SelectContext(ctx, &ids, oldestSQL, limit, age.Seconds())
	return ids, explain(ctx, "list oldest files", err)
}

//go:embed goneearly.sql
var goneEarlySQL string

// GoneEarly notes that the files of ended jobs were removed before their time, and why.
func (s *Store) GoneEarly(ctx context.Context, ids []string, why GoneFor) error {
	_, err := s.db.ExecContext(ctx, goneEarlySQL, pq.Array(ids), why)
	return explain(ctx, "note files removed early", err)
}

// RowsKept is how long the rows of ended jobs are kept, by recipe and else.
type RowsKept struct {
	Default time.Duration
	Recipes map[string]time.Duration
}

//go:embed rowsdue.sql
var rowsDueSQL string

// RowsDue returns up to limit jobs whose rows are kept no longer, oldest first. A job
// whose files are still there or whose mail is still owed is none of them.
func (s *Store) RowsDue(ctx context.Context, kept RowsKept, limit int) ([]string, error) {
	shortest := kept.Default
	seconds := map[string]float64{}
	for recipe, age := range kept.Recipes {
		seconds[recipe] = age.Seconds()
		shortest = min(shortest, age)
	}
	rules, err := document(seconds)
	if err != nil {
		return nil, err
	}
	ids := []string{}
	err = s.db.SelectContext(ctx, &ids, rowsDueSQL, rules, kept.Default.Seconds(), shortest.Seconds(), limit)
	return ids, explain(ctx, "list rows to be removed", err)
}

//go:embed removerows.sql
var removeRowsSQL string

// RemoveRows removes the rows of ended jobs without files, with all that belongs to
// them, and returns how many jobs that were.
func (s *Store) RemoveRows(ctx context.Context, ids []string) (int, error) {
	done, err := s.db.ExecContext(ctx, removeRowsSQL, pq.Array(ids))
	if err != nil {
		return 0, explain(ctx, "remove rows", err)
	}
	n, err := done.RowsAffected()
	return int(n), explain(ctx, "remove rows", err)
}

//go:embed exist.sql
var existSQL string

// Exist returns which of the ids belong to jobs that are not deleted.
func (s *Store) Exist(ctx context.Context, ids []string) (map[string]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []string
	if err := s.db.SelectContext(ctx, &found, existSQL, pq.Array(ids)); err != nil {
		return nil, explain(ctx, "look for jobs", err)
	}
	exist := make(map[string]bool, len(found))
	for _, id := range found {
		exist[id] = true
	}
	return exist, nil
}

//go:embed exists.sql
var existsSQL string

// Exists returns which of the ids belong to a job that may have files: a folder of any
// other id is an orphan.
func (s *Store) Exists(ctx context.Context, ids []string) (map[string]bool, error) {
	var found []string
	if err := s.db.SelectContext(ctx, &found, existsSQL, pq.Array(ids)); err != nil {
		return nil, explain(ctx, "look for jobs of folders", err)
	}
	exists := make(map[string]bool, len(found))
	for _, id := range found {
		exists[id] = true
	}
	return exists, nil
}
