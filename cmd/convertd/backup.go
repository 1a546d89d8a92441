package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/fault"
	"convertd/sql/snapshot"
)

// backupCommand keeps all jobs and their files.
type backupCommand struct {
	Folder string `arg:"" help:"Folder for the backup. It must not exist." type:"path"`
	Data   string `help:"Data folder of convertd up, running or not (default: as for up)." placeholder:"DIR" type:"path"`
}

// Help is the long text of --help and of the manual page.
func (*backupCommand) Help() string {
	return "Rows and files are those of one moment: every job accepted before is in the backup with its files, whatever ends, comes or is deleted meanwhile. " +
		"Nothing is removed from the spool until the backup is done. What an attempt that runs at that moment has made is not kept: its job runs again after a restore. " +
		"Secrets, settings and recipes are files of the administrator and not part of it.\n\n" +
		"The folder gets this name when the backup is whole. The exit status is 1, and the backup whole but for them, when files were missing in the spool already."
}

// What lies in the folder of a backup; the spool's part is laid out like a spool.
const (
	backupNote  = "backup.json"
	backupRows  = "database.dump"
	backupSpool = "spool"
)

// backupFormat is the number of this layout.
const backupFormat = 1

// backupDocument is backup.json.
type backupDocument struct {
	Format  int       `json:"format"`
	TakenAt time.Time `json:"taken_at"`
	Version string    `json:"convertd"`
	// Schema is the version of the database's tables.
	Schema int64 `json:"schema"`
	Jobs   int   `json:"jobs"`
	Bytes  int64 `json:"bytes"`
	// Files are the inputs and outputs with what restore compares; Missing those that were
	// not in the spool as the rows say.
	Files   []backupFile `json:"files"`
	Missing []string     `json:"missing,omitempty"`
}

// backupFile is one input or output, by its path beneath the spool.
type backupFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Run makes the backup under another name and names it when it is whole.
func (c *backupCommand) Run(a *app) (err error) {
	if _, err := os.Lstat(c.Folder); err == nil {
		return fault.New(fault.Conflict, c.Folder+" is there already.", "Name a folder that is not; each backup has its own.")
	}
	p, err := openPlace(a, c.Data, false)
	if err != nil {
		return err
	}
	defer p.close()
	partial := c.Folder + ".partial"
	if err := os.Mkdir(partial, 0o700); err != nil {
		return fmt.Errorf("make folder of the backup: %w", err)
	}
	note, err := takeBackup(a, p, partial)
	if err == nil {
		err = errors.Join(syncDisk(partial), os.Rename(partial, c.Folder), syncDisk(filepath.Dir(c.Folder)))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(partial))
	}
	_, _ = fmt.Fprintf(a.stdout, "%s: %d jobs, %d files, %d MiB\n", c.Folder, note.Jobs, len(note.Files), note.Bytes>>20)
	for _, missing := range note.Missing {
		_, _ = fmt.Fprintf(a.stderr, "not in the spool as the database says: %s\n", missing)
	}
	if len(note.Missing) > 0 {
		return errSilent
	}
	return nil
}

// takeBackup fills the folder from one snapshot.
func takeBackup(a *app, p *place, folder string) (backupDocument, error) {
	note := backupDocument{Format: backupFormat, TakenAt: time.Now().UTC(), Version: version(), Files: []backupFile{}}
	var err error
	if note.Schema, _, err = p.db.Versions(a.ctx); err != nil {
		return note, err
	}
	view, err := snapshot.Take(a.ctx, p.db)
	if err != nil {
		return note, err
	}
	defer view.Close()
	err = postgres(a.ctx, "pg_dump", p.url, "--format=custom", "--no-owner", "--no-privileges", "--snapshot="+view.ID,
		"--file="+filepath.Join(folder, backupRows))
	if err != nil {
		return note, err
	}
	if err := copySnapshot(a.ctx, view, p.spool, filepath.Join(folder, backupSpool), &note); err != nil {
		return note, err
	}
	raw, err := json.MarshalIndent(note, "", " ")
	if err != nil {
		return note, fmt.Errorf("write note of the backup: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, backupNote), append(raw, '\n'), 0o600); err != nil {
		return note, fmt.Errorf("write note of the backup: %w", err)
	}
	return note, nil
}

// syncDisk waits until all that was written to the file system of a folder is on disk.
func syncDisk(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("sync %s: %w", folder, err)
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %s: %w", folder, err)
	}
	return nil
}
