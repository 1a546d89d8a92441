package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"convertd/dispatcher"
	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/sql/roster"
)

// restoreCommand puts a backup into an empty service.
type restoreCommand struct {
	Folder string `arg:"" help:"Folder of the backup." type:"existingdir"`
	Data   string `help:"Data folder for convertd up, empty or new (default: as for up)." placeholder:"DIR" type:"path"`
}

// Help is the long text of --help and of the manual page.
func (*restoreCommand) Help() string {
	return "The service must not run, and neither its database nor its spool may have jobs. The database is brought to this program's schema; with convertd up it is made " +
		"by the newest installed PostgreSQL, so that backup and restore also move it to a new version. Jobs that ran at the moment of the backup wait and run again. " +
		"Mails that were owed at that moment are sent again: do not start a copy beside the service that was backed up without removing [mail] first.\n\n" +
		"A backup whose rows are damaged is refused. Every input and output is compared with what the database says of it; the exit status is 1, and everything else restored, when one differs. " +
		"A restore that was interrupted is begun anew by the same command; until then no dispatcher serves that spool."
}

// Run restores files first, then rows: no row is there without its files.
func (c *restoreCommand) Run(a *app) error {
	note, err := readBackup(c.Folder)
	if err != nil {
		return err
	}
	p, err := openPlace(a, c.Data, true)
	if err != nil {
		return err
	}
	defer p.close()
	end, err := p.vacate(a, note)
	if err != nil {
		return err
	}
	defer end()
	damaged, err := c.fill(a, p, note)
	if err == nil {
		err = errors.Join(p.revive(a), dispatcher.EndRestore(p.spool))
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.stdout, "%d jobs restored, %d files, %d MiB\n", note.Jobs, len(note.Files), note.Bytes>>20)
	for _, path := range damaged {
		_, _ = fmt.Fprintf(a.stderr, "not as it was: %s\n", path)
	}
	if len(damaged) > 0 {
		return errSilent
	}
	return nil
}

// fill brings files and rows, or finds that an interrupted restore has brought both, and
// returns the files that are not as they were.
func (c *restoreCommand) fill(a *app, p *place, note backupDocument) (damaged []string, err error) {
	there, err := p.claim(a, c.Folder)
	if err != nil {
		return nil, err
	}
	if there {
		return differing(p.spool, note)
	}
	if err := dispatcher.BeginRestore(p.spool); err != nil {
		return nil, err
	}
	if damaged, err = restoreFiles(filepath.Join(c.Folder, backupSpool), p.spool, note); err != nil {
		return nil, err
	}
	return damaged, postgres(a.ctx, "pg_restore", p.url, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
		filepath.Join(c.Folder, backupRows))
}

// readBackup reads the note of a backup and makes sure that its rows are whole; files are
// compared one by one as they are restored.
func readBackup(folder string) (backupDocument, error) {
	var note backupDocument
	raw, err := os.ReadFile(filepath.Join(folder, backupNote))
	if err == nil {
		err = json.Unmarshal(raw, &note)
	}
	if err == nil && note.Format != backupFormat {
		err = fmt.Errorf("it has format %d, this program knows %d", note.Format, backupFormat)
	}
	if err != nil {
		return note, fault.Wrap(err, fault.Invalid, folder+" is no backup that can be read.", "Name the folder that convertd backup made.")
	}
	rows, err := contentOf(filepath.Join(folder, backupRows))
	if err == nil && rows != note.Rows {
		err = errors.New(backupRows + " is not as it was written")
	}
	if err != nil {
		return note, fault.Wrap(err, fault.Invalid, "The backup "+folder+" is damaged.", "Nothing was restored. Take another copy of it, or another backup.")
	}
	return note, nil
}

// revive makes the rows those of a service that has just been set up here.
func (p *place) revive(a *app) error {
	if err := p.db.Migrate(a.ctx); err != nil {
		return err
	}
	if err := errors.Join(p.db.Grant(a.ctx), roster.NewStore(p.db).Forget(a.ctx)); err != nil {
		return err
	}
	jobs := job.NewStore(p.db)
	running, err := jobs.Running(a.ctx)
	if err != nil {
		return err
	}
	var ends []job.End
	for _, r := range running {
		ends = append(ends, job.End{ID: r.ID, Attempt: r.Attempt, Token: r.Token, Next: job.Queued})
	}
	_, err = jobs.Finish(a.ctx, ends)
	return err
}
