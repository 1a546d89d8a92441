package job

import (
	"context"
	_ "embed"
)

//go:embed notechild.sql
var noteChildSQL string

// Child is the process that runs an attempt.
type Child struct {
	PID    int
	Cgroup string
}

// NoteChild writes down which process runs the attempt, for people; the truth is
// child.N.json in the job's folder. It does nothing once the attempt is over.
func (s *Store) NoteChild(ctx context.Context, id string, attempt int, token string, child Child) error {
	_, err := s.db.ExecContext(ctx, noteChildSQL, id, attempt, token, child.PID, child.Cgroup)
	return explain(ctx, "note child", err)
}
