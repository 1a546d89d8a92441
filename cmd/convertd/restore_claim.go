package main

import (
	"fmt"
	"os"
	"path/filepath"

	"convertd/dispatcher"
	"convertd/runner/fault"
	"convertd/sql/job"
)

// vacate makes sure that this program can serve the backup, and that nobody serves the
// spool until the end that it returns.
func (p *place) vacate(a *app, note backupDocument) (end func(), err error) {
	_, ours, err := p.db.Versions(a.ctx)
	if err != nil {
		return nil, err
	}
	if note.Schema > ours {
		return nil, fault.New(fault.Unavailable, fmt.Sprintf("The backup has version %d of the schema, this program knows only up to %d.", note.Schema, ours),
			"Install the version of convertd that made the backup ("+note.Version+"), or a newer one.")
	}
	if err := os.MkdirAll(p.spool.Root(), 0o755); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	return dispatcher.Vacant(p.spool)
}

// claim makes sure that there is nothing that a restore would destroy. What an interrupted
// one left is removed, unless its rows are there: then all is.
func (p *place) claim(a *app, backup string) (there bool, err error) {
	half, err := dispatcher.Restoring(p.spool)
	if err != nil {
		return false, err
	}
	jobs, err := filepath.Glob(filepath.Join(p.spool.Root(), "[A-Z2-7][A-Z2-7]", "*"))
	if err != nil || len(jobs) > 0 && !half {
		return false, fault.New(fault.Conflict, "The spool "+p.spool.Root()+" has files of jobs already.", "Move them away, or restore into another --data or [spool] dir.")
	}
	err = p.db.Clear(a.ctx)
	if err != nil && half {
		var known error
		if there, known = p.hasRowsOf(a, backup); there || known != nil {
			return there, known
		}
	}
	for _, dir := range jobs {
		if err == nil {
			err = os.RemoveAll(dir)
		}
	}
	return false, err
}

// hasRowsOf reports whether the database has every job whose files are in the backup.
func (p *place) hasRowsOf(a *app, backup string) (bool, error) {
	dirs, err := filepath.Glob(filepath.Join(backup, backupSpool, "[A-Z2-7][A-Z2-7]", "*"))
	if err != nil || len(dirs) == 0 {
		return false, err
	}
	var ids []string
	for _, dir := range dirs {
		ids = append(ids, filepath.Base(dir))
	}
	known, err := job.NewStore(p.db).Exists(a.ctx, ids)
	for _, id := range ids {
		if !known[id] {
			return false, err
		}
	}
	return err == nil, err
}
