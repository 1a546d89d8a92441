package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	// Rows is what the file of the rows must be like.
	Rows  content `json:"rows"`
	Jobs  int     `json:"jobs"`
	Bytes int64   `json:"bytes"`
	// Files are the inputs and outputs with what restore compares; Missing those that were
	// not in the spool as the rows say.
	Files   []backupFile `json:"files"`
	Missing []string     `json:"missing,omitempty"`
}

// backupFile is one input or output, by its path beneath the spool.
type backupFile struct {
	Path string `json:"path"`
	content
}

// content tells whether a file is the one that was written.
type content struct {
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
	lock, err := makePartial(partial)
	if err != nil {
		return err
	}
	defer lock.Close()
	note, err := takeBackup(a, p, partial)
	if err == nil {
		err = errors.Join(syncDisk(partial), os.Rename(partial, c.Folder), syncDisk(filepath.Dir(c.Folder)))
	}
	if err != nil {
		return errors.Join(explainFull(partial, err), os.RemoveAll(partial))
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
	if note.Rows, err = contentOf(filepath.Join(folder, backupRows)); err != nil {
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

// makePartial makes the folder that becomes a backup, in the place of what one that was
// killed has left, and returns it open: its lock tells the living from the dead.
func makePartial(path string) (*os.File, error) {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, os.ErrExist) {
		err = removePartial(path)
		if err == nil {
			err = os.Mkdir(path, 0o700)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make folder of the backup: %w", err)
	}
	return lockPartial(path)
}

// removePartial removes half a backup that nobody is making any more.
func removePartial(path string) error {
	lock, err := lockPartial(path)
	if err != nil {
		return err
	}
	defer lock.Close()
	entries, err := lock.ReadDir(-1)
	for _, e := range entries {
		if !slices.Contains([]string{backupNote, backupRows, backupSpool}, e.Name()) {
			return fault.New(fault.Conflict, path+" is there already, with other things than half a backup in it.", "Move it away, or name another folder.")
		}
	}
	return errors.Join(err, os.RemoveAll(path))
}

func lockPartial(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fault.New(fault.Conflict, "Another convertd backup is writing "+path+".", "Wait for its end, or name another folder.")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// explainFull says so when it was the disk of a folder that had no room.
func explainFull(folder string, err error) error {
	var st unix.Statfs_t
	full := errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
	if unix.Statfs(folder, &st) == nil && int64(st.Bavail)*st.Bsize < 1<<20 {
		full = true // what PostgreSQL's own program met
	}
	if !full {
		return err
	}
	return fault.Wrap(err, fault.InsufficientStorage, "There is no room for the backup on the disk of "+folder+".", "Nothing is left of it. Name a folder on a larger disk.")
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
