package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"convertd/dispatcher"
	"convertd/runner/fault"
	"convertd/runner/spool"
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
		"Every input and output is compared with what the database says of it. The exit status is 1, and everything else restored, when one differs."
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
	end, err := p.claim(a, note)
	if err != nil {
		return err
	}
	defer end()
	damaged, err := restoreFiles(filepath.Join(c.Folder, backupSpool), p.spool, note)
	if err != nil {
		return err
	}
	err = postgres(a.ctx, "pg_restore", p.url, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges",
		filepath.Join(c.Folder, backupRows))
	if err == nil {
		err = p.revive(a)
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
		return note, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%s is no backup that can be read: %v.", folder, err),
			"Name the folder that convertd backup made.")
	}
	return note, nil
}

// claim makes sure that there is nothing that a restore would destroy, and that nobody
// serves the spool until the end that it returns.
func (p *place) claim(a *app, note backupDocument) (end func(), err error) {
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
	if there, err := filepath.Glob(filepath.Join(p.spool.Root(), "[A-Z2-7][A-Z2-7]", "*")); err != nil || len(there) > 0 {
		return nil, fault.New(fault.Conflict, "The spool "+p.spool.Root()+" has files of jobs already.", "Move them away, or restore into another --data or [spool] dir.")
	}
	if end, err = dispatcher.Vacant(p.spool); err != nil {
		return nil, err
	}
	if err := p.db.Clear(a.ctx); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// restoreFiles copies the spool of a backup and returns what is not as the rows say.
func restoreFiles(folder string, to spool.Spool, note backupDocument) (damaged []string, err error) {
	sums := map[string]string{}
	for _, f := range note.Files {
		sums[f.Path] = f.SHA256
	}
	if err := os.Chmod(to.Root(), restoredMode(to.Root())); err != nil {
		return nil, fmt.Errorf("restore spool: %w", err)
	}
	from := spool.New(folder)
	jobs, err := filepath.Glob(filepath.Join(folder, "[A-Z2-7][A-Z2-7]", "*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range jobs {
		bad, err := restoreJob(from.Job(filepath.Base(dir)), to, sums)
		if err != nil {
			return nil, err
		}
		damaged = append(damaged, bad...)
	}
	for path := range sums {
		damaged = append(damaged, path)
	}
	return damaged, syncDisk(to.Root())
}

// restoredMode keeps the mode of a spool that setup made.
func restoredMode(root string) os.FileMode {
	info, err := os.Stat(root)
	if err != nil || info.Mode()&os.ModeSetgid == 0 {
		return 0o755
	}
	return info.Mode()
}

// restoreJob copies the folder of a job and takes from sums what was right.
func restoreJob(from spool.Job, to spool.Spool, sums map[string]string) (damaged []string, err error) {
	target := to.Job(from.ID)
	if err := os.MkdirAll(target.In(), 0o711); err != nil {
		return nil, fmt.Errorf("restore job: %w", err)
	}
	err = filepath.WalkDir(from.Dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		inside, err := filepath.Rel(from.Dir, path)
		if err != nil {
			return err
		}
		_, sum, err := copyFile(path, filepath.Join(target.Dir, inside))
		if err != nil {
			return err
		}
		named := filepath.Join(from.ID[:2], from.ID, inside)
		if want, known := sums[named]; known && want != sum {
			damaged = append(damaged, named)
		}
		delete(sums, named)
		return nil
	})
	return damaged, errors.Join(err, to.Own(from.ID))
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
