// Package db owns the way to the database: opening it with the settings that the
// statements rely on, bringing the schema up to date, transactions, LISTEN and NOTIFY,
// and saying in a person's words what is wrong when it does not answer.
//
// It does not own any row. It may import sqlx, lib/pq, goose, convertd/sql and
// runner/fault.
package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"convertd/runner/fault"
	"database/sql"
)

// DB is a pool of connections to one database, and the bell for its other processes.
type DB struct {
	*sqlx.DB
	// Notifier rings the channels that Listen hears.
	Notifier *Notifier
	prepared prepared
}

// Pool sizes. A web process or a dispatcher needs few connections at once: its
// statements take milliseconds.
const (
	maxOpen     = 16
	maxIdle     = 16
	maxIdleTime = 5 * time.Minute
)

// Open connects to the database at a postgres:// URL (or a "host=… dbname=…" string)
// and makes sure that it answers. An error that a person can mend is a fault.Error
// with the code unavailable.
func Open(ctx context.Context, url string) (*DB, error) {
	connector, err := connect(url)
	if err != nil {
		return nil, err
	}
	pool := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	pool.SetMaxOpenConns(maxOpen)
	pool.SetMaxIdleConns(maxIdle)
	pool.SetConnMaxIdleTime(maxIdleTime)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(Explain(ctx, fmt.Errorf("open database: %w", err)), pool.Close())
	}
	return &DB{
		DB: pool, Notifier: newNotifier(pool), prepared: prepared{statements: map[string]*sqlx.Stmt{}},
	}, nil
}

// connect reads the address and adds what our statements rely on.
func connect(url string) (*pq.Connector, error) {
	config, err := pq.NewConfig(url)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The address of the database cannot be read.",
			"Write [database] url as postgres://user:password@host:5432/name?sslmode=require.")
	}
	// One round trip for a statement that is not prepared, instead of two.
	config.BinaryParameters = true
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	if config.ApplicationName == "" {
		config.ApplicationName = "convertd"
	}
	if config.Runtime == nil {
		config.Runtime = map[string]string{}
	}
	for name, value := range session() {
		if _, given := config.Runtime[name]; !given {
			config.Runtime[name] = value
		}
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read address of the database: %w", err)
	}
	return connector, nil
}

// session returns the server settings of every connection; the address may override
// them. Accepted means durable, so a commit waits for the disk; a transaction that was
// forgotten must not hold back vacuum; times come back as UTC.
func session() map[string]string {
	return map[string]string{
		"timezone":                            "UTC",
		"synchronous_commit":                  "on",
		"statement_timeout":                   "60s",
		"lock_timeout":                        "30s",
		"idle_in_transaction_session_timeout": "60s",
	}
}

// Close rings what is still owed and closes all connections.
func (d *DB) Close() error {
	d.Notifier.close()
	return errors.Join(d.prepared.close(), d.DB.Close())
}

// InTx runs do in a transaction: committed when do returns nil, else rolled back.
func (d *DB) InTx(ctx context.Context, do func(*sqlx.Tx) error) error {
	tx, err := d.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rollback ends a transaction; one that is over already is no error.
func rollback(tx *sqlx.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}
