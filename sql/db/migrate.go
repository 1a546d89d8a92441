package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"convertd/runner/fault"
	schema "convertd/sql"
)

// Migrate brings the schema to the newest version, one transaction per file. Several
// processes may call it at once: an advisory lock lets one of them work.
func (d *DB) Migrate(ctx context.Context) error {
	provider, err := d.provider()
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return Explain(ctx, fmt.Errorf("migrate database: %w", err))
	}
	return nil
}

// CheckSchema refuses a database that is older or newer than this program.
func (d *DB) CheckSchema(ctx context.Context) error {
	provider, err := d.provider()
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return Explain(ctx, fmt.Errorf("read version of the schema: %w", err))
	case current < target:
		return fault.New(fault.Unavailable,
			fmt.Sprintf("The database has version %d of the schema, this program needs %d.", current, target),
			"Run convertd migrate.")
	case current > target:
		return fault.New(fault.Unavailable,
			fmt.Sprintf("The database has version %d of the schema, this program knows only up to %d.", current, target),
			"Install the version of convertd that last migrated this database, or a newer one.")
	}
	return nil
}

// Older reports whether the schema is older than this program's, or not there yet.
func (d *DB) Older(ctx context.Context) (bool, error) {
	provider, err := d.provider()
	if err != nil {
		return false, err
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return false, Explain(ctx, fmt.Errorf("read version of the schema: %w", err))
	}
	return current < target, nil
}

// provider is made anew each time: it holds no connection. It is never closed, because
// closing it would close the pool.
func (d *DB) provider() (*goose.Provider, error) {
	files, err := fs.Sub(schema.Schema, "schema")
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	// Asked every second for up to five minutes.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, fmt.Errorf("prepare lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, d.DB.DB, files,
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, errors.Join(errors.New("read schema"), err)
	}
	return provider, nil
}
