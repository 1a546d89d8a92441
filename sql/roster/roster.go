// Package roster owns the rows of dispatchers: who serves which spool, what keeps it from
// serving, which spool belongs to this database, and the order to drain.
//
// It does not own the lock of a spool, which alone says who serves it (dispatcher). It
// may import sqlx, sql/db and sql/job for its channel.
package roster

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"convertd/sql/db"
	"convertd/sql/job"
)

// State is what a dispatcher does.
type State string

// The closed set of states.
const (
	Standby  State = "standby"
	Serving  State = "serving"
	Draining State = "draining"
	Drained  State = "drained"
	Stopped  State = "stopped"
)

// Dispatcher is one process.
type Dispatcher struct {
	// ID is random, one per process.
	ID string `db:"id"`
	// Spool is the name of the spool that it serves or waits for.
	Spool   string `db:"spool"`
	Host    string `db:"host"`
	PID     int    `db:"pid"`
	Version string `db:"version"`
	State   State  `db:"state"`
	// Slots are what it may run at once, Running how many attempts do.
	Slots     int       `db:"slots"`
	Running   int       `db:"running"`
	StartedAt time.Time `db:"started_at"`
	// Machine is where it works.
	Machine Machine `db:"machine"`
	// Trouble is why it claims nothing, a sentence for the administrator; "" for none.
	Trouble string `db:"trouble"`
	// SeenAt is when it last said so; Lately that this is not long ago.
	SeenAt time.Time `db:"seen_at"`
	Lately bool      `db:"lately"`
}

// Mode is how to drain.
type Mode string

// Off is the absence of an order. Drain waits for what runs; Now asks it to stop safely.
const (
	Off   Mode = ""
	Drain Mode = "drain"
	Now   Mode = "now"
)

// Store reads and changes the rows.
type Store struct{ db *db.DB }

// NewStore returns the store of a database.
func NewStore(database *db.DB) *Store { return &Store{db: database} }

//go:embed say.sql
var saySQL string

// Say writes down what a dispatcher does and returns what it is told. Rows of processes
// that have not been seen for a day are removed.
func (s *Store) Say(ctx context.Context, d Dispatcher) (Mode, error) {
	var mode Mode
	err := s.db.GetContext(ctx, &mode, saySQL, d.ID, d.Spool, d.Host, d.PID, d.Version, d.State, d.Slots, d.Running, d.StartedAt, d.Machine, d.Trouble)
	if errors.Is(err, sql.ErrNoRows) {
		return Off, nil
	}
	return mode, explain(ctx, "note dispatcher", err)
}

//go:embed list.sql
var listSQL string

// List returns the dispatchers, those seen last first.
func (s *Store) List(ctx context.Context) ([]Dispatcher, error) {
	found := []Dispatcher{}
	err := s.db.SelectContext(ctx, &found, listSQL)
	return found, explain(ctx, "list dispatchers", err)
}

//go:embed halted.sql
var haltedSQL string

// Halted reports whether no job starts because an administrator ordered a drain.
func (s *Store) Halted(ctx context.Context) (bool, error) {
	var halted bool
	err := s.db.GetContext(ctx, &halted, haltedSQL)
	return halted, explain(ctx, "look for a drain", err)
}

// Order tells all dispatchers that run now to drain; Off takes it back.
func (s *Store) Order(ctx context.Context, mode Mode) error {
	statement, values := `delete from drain`, []any{}
	if mode != Off {
		statement = `insert into drain (mode) values ($1) on conflict (one) do update set mode = excluded.mode, asked_at = now()`
		values = append(values, mode)
	}
	_, err := s.db.ExecContext(ctx, statement, values...)
	if err == nil {
		s.db.Notifier.Ring(job.Control)
	}
	return explain(ctx, "tell dispatchers", err)
}

// explain gives a failure the words of a person where it has some.
func explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return db.Explain(ctx, fmt.Errorf("%s: %w", what, err))
}
