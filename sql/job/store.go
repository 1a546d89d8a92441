package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"convertd/runner/fault"
	"convertd/sql/db"
)

// Channels that the store rings after a commit, for db.Listen.
const (
	// Jobs rings when there may be something to claim.
	Jobs = "convertd_jobs"
	// Control rings when a running job is to be ended, or files are to be removed.
	Control = "convertd_control"
)

// DefaultKeep is how long the files of a job are kept that ended without running.
const DefaultKeep = 7 * 24 * time.Hour

// Store reads and changes the rows of jobs. It is safe for use by several goroutines,
// and its statements by several processes.
type Store struct {
	db *db.DB
	// Keep is how long the files of a job are kept that ended without running: cancelled
	// while it waited, or expired. NewStore sets DefaultKeep.
	Keep time.Duration
	// floors is how far Claim has come; now is the clock they go by.
	floors floors
	now    func() time.Time
}

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database, Keep: DefaultKeep, now: time.Now} }

// row is a job as the statements return it; select.sql names its columns.
type row struct {
	Identity
	Life
	Times
	Request
	documents
	end
}

// documents are the columns that hold JSON.
type documents struct {
	Params       []byte `db:"params"`
	Tags         []byte `db:"tags"`
	TraceContext []byte `db:"trace_context"`
	Inputs       []byte `db:"inputs"`
	Outputs      []byte `db:"outputs"`
	Previews     []byte `db:"previews"`
	Result       []byte `db:"result"`
}

// end has what only jobs that were claimed have.
type end struct {
	Token string `db:"token"`
	Place
}

// job turns the row into what callers use.
func (r row) job() (Job, error) {
	j := Job{Identity: r.Identity, Life: r.Life, Times: r.Times, Request: r.Request}
	targets := []struct {
		text []byte
		into any
	}{
		{r.documents.Params, &j.Params}, {r.documents.Tags, &j.Tags}, {r.documents.TraceContext, &j.TraceContext},
		{r.documents.Inputs, &j.Inputs}, {r.documents.Outputs, &j.Outputs},
		{r.documents.Previews, &j.Previews}, {r.documents.Result, &j.Result},
	}
	for _, target := range targets {
		if len(target.text) == 0 {
			continue
		}
		if err := json.Unmarshal(target.text, target.into); err != nil {
			return Job{}, fmt.Errorf("read row of job %s: %w", r.ID, err)
		}
	}
	j.setFilesApart(j.Inputs)
	return j, nil
}

// jobsOf turns rows into jobs.
func jobsOf(rows []row) ([]Job, error) {
	jobs := make([]Job, 0, len(rows))
	for _, r := range rows {
		j, err := r.job()
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

// document is a parameter of type json. PostgreSQL's text knows no zero character, and
// a converter's words may hold one: it is left out.
func document(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("write document: %w", err)
	}
	return dropZero(string(text)), nil
}

// dropZero removes the escape of the zero character from JSON text, but not a backslash
// of the text that happens to stand before "u0000".
func dropZero(text string) string {
	const escape = `\u0000`
	if !strings.Contains(text, escape) {
		return text
	}
	var clean strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], escape):
			i += len(escape) - 1
		case text[i] == '\\':
			clean.WriteString(text[i : i+2])
			i++
		default:
			clean.WriteByte(text[i])
		}
	}
	return clean.String()
}

// notFound is the answer for an id without a job, and for a deleted one.
func notFound() error {
	return fault.New(fault.NotFound, "There is no such job.", "Check the address; a deleted job cannot be found any more.")
}

// explain gives an error of a statement the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if already := new(fault.Error); errors.As(err, &already) {
		return err
	}
	wrapped := fmt.Errorf("%s: %w", what, err)
	if server := pq.As(err, pqerror.ForeignKeyViolation); server != nil && server.Constraint == "job_group_id_fkey" {
		return fault.Wrap(wrapped, fault.Invalid, "There is no such group.", "Make the group first, or leave it out.")
	}
	if server := pq.As(err, pqerror.UniqueViolation); server != nil && server.Constraint == "job_pkey" {
		return fault.Wrap(wrapped, fault.Conflict, "There is a job with this id already.", "Make a new id.")
	}
	return db.Explain(ctx, wrapped)
}
