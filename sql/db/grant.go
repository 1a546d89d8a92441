package db

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	schema "convertd/sql"
)

// Grant gives the roles of the services what they may do, no more and no less. A role
// that the server does not have is passed over: with one role for everything, the owner
// of the tables, nothing is to be given.
func (d *DB) Grant(ctx context.Context) error {
	files, err := fs.Glob(schema.Roles, "roles/*.sql")
	if err != nil {
		return fmt.Errorf("read rights of roles: %w", err)
	}
	return d.InTx(ctx, func(tx *sqlx.Tx) error {
		for _, file := range files {
			role := strings.TrimSuffix(path.Base(file), ".sql")
			if err := grantRole(ctx, tx, role, file); err != nil {
				return Explain(ctx, fmt.Errorf("give role %s its rights: %w", role, err))
			}
		}
		return nil
	})
}

func grantRole(ctx context.Context, tx *sqlx.Tx, role, file string) error {
	var there bool
	if err := tx.GetContext(ctx, &there, `select exists (select from pg_roles where rolname = $1)`, role); err != nil || !there {
		return err
	}
	statements, err := schema.Roles.ReadFile(file)
	if err != nil {
		return err
	}
	quoted := pq.QuoteIdentifier(role)
	_, err = tx.ExecContext(ctx, `revoke all on all tables in schema public from `+quoted+`;
		grant usage on schema public to `+quoted+`;`+string(statements))
	return err
}
