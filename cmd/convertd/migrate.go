package main

import (
	"errors"
	"fmt"
)

// errNoDatabase says how to name one.
var errNoDatabase = errors.New("no database: set [database] url in the configuration file or CONVERTD_DATABASE_URL " +
	"(`convertd up` brings a private one)")

// migrateCommand brings the database to this program's schema.
type migrateCommand struct{}

// Run applies what is missing; a second call changes nothing.
func (*migrateCommand) Run(a *app) error {
	loaded, err := a.settings(nil)
	if err != nil {
		return err
	}
	if loaded.Database.URL == "" {
		return errNoDatabase
	}
	if err := migrate(a.ctx, ownerURL(loaded.Database.URL)); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(a.stdout, "The database has this program's schema.")
	return nil
}
