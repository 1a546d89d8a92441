package job

import (
	"context"
	_ "embed"
	"encoding/json"
)

// Began is how an attempt began: what ran it, and what it was told. The rows are for
// people and for a replay; the truth about processes is child.N.json in the job's folder.
type Began struct {
	Job     string `json:"job"`
	Attempt int    `json:"attempt"`
	Token   string `json:"token"`
	PID     int    `json:"pid"`
	Cgroup  string `json:"cgroup"`
	// RecipeVersion is the one that runs; the file may have changed since the submission.
	RecipeVersion string `json:"recipe_version"`
	// Machine is a JSON object: see roster.Machine.
	Machine json.RawMessage `json:"machine,omitempty"`
}

//go:embed notebegun.sql
var noteBegunSQL string

// NoteBegun writes down how attempts began that still run, in one statement. It does
// nothing to one that is over: its end says the same.
func (s *Store) NoteBegun(ctx context.Context, begun []Began) error {
	if len(begun) == 0 {
		return nil
	}
	told, err := document(begun)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, noteBegunSQL, told)
	return explain(ctx, "note attempts", err)
}
