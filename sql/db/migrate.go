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
	current, target, err := d.Versions(ctx)
	switch {
	case err != nil:
		return err
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
	current, target, err := d.Versions(ctx)
	return current < target, err
}

// Versions returns the version of the database's schema, 0 when there is none, and of
// this program's.
func (d *DB) Versions(ctx context.Context) (current, target int64, err error) {
	provider, err := d.provider()
	if err != nil {
		return 0, 0, err
	}
	if current, target, err = provider.GetVersions(ctx); err != nil {
		return 0, 0, Explain(ctx, fmt.Errorf("read version of the schema: %w", err))
	}
	return current, target, nil
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

// clearSQL removes all that a schema of ours consists of.
const clearSQL = `do $$
declare one record;
begin
    for one in select relname, case relkind when 'v' then 'view' else 'table' end as kind from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') loop
        execute format('drop %s if exists public.%I cascade', one.kind, one.relname);
    end loop;
    for one in select oid::regprocedure::text as name from pg_proc where pronamespace = 'public'::regnamespace loop
        execute format('drop routine if exists %s cascade', one.name);
    end loop;
end $$`

// Clear removes the schema with all rows, for a restore. It refuses while there is a job.
func (d *DB) Clear(ctx context.Context) error {
	var there, kept bool
	err := d.GetContext(ctx, &there, `select to_regclass('public.job') is not null`)
	if err == nil && there {
		err = d.GetContext(ctx, &kept, `select exists (select from public.job)`)
	}
	if err != nil {
		return Explain(ctx, fmt.Errorf("look for jobs: %w", err))
	}
	if kept {
		return fault.New(fault.Conflict, "The database has jobs already.", "Restore into an empty one: another --data or [database] url.")
	}
	if _, err := d.ExecContext(ctx, clearSQL); err != nil {
		return Explain(ctx, fmt.Errorf("remove schema: %w", err))
	}
	return nil
}
