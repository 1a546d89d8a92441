package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// draftSuffix marks a folder of inputs that is still being filled.
	draftSuffix = ".new"
	// Folders can be entered but not listed by the users that steps run as; what they
	// may read is given to them by name.
	folderMode = 0o711
	fileMode   = 0o644
)

// Draft is a job's folder before the job exists. It is filled beneath Uploads, where
// no dispatcher looks, and becomes the job's folder by one rename. A draft whose process
// died is known by its lock.
type Draft struct {
	id    string
	dir   string
	spool Spool
	lock  *os.File
	final bool
}

// NewDraft makes the folder of a job that is about to be accepted.
func (s Spool) NewDraft(id string) (*Draft, error) {
	if err := os.MkdirAll(s.Uploads(), folderMode); err != nil {
		return nil, fmt.Errorf("make the folder of uploads: %w", err)
	}
	// Between its making and its lock the folder looks like one of a dead process: this
	// keeps RemoveDeadDrafts from looking.
	gate, err := lockFolder(s.Uploads(), unix.LOCK_SH)
	if err != nil {
		return nil, fmt.Errorf("lock the folder of uploads: %w", err)
	}
	defer gate.Close()
	d := &Draft{id: id, spool: s, dir: filepath.Join(s.Uploads(), id+draftSuffix)}
	if err := d.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("make the folder of an upload: %w", err), d.Discard())
	}
	return d, nil
}

// begin makes and locks the folder.
func (d *Draft) begin() error {
	if err := os.Mkdir(d.dir, folderMode); err != nil {
		return err
	}
	lock, err := lockFolder(d.dir, unix.LOCK_EX)
	if err != nil {
		return err
	}
	if err := os.Mkdir(d.in(), folderMode); err != nil {
		return errors.Join(err, lock.Close())
	}
	d.lock = lock
	return nil
}

func (d *Draft) in() string { return filepath.Join(d.dir, "in") }

// ID is the id of the job this becomes.
func (d *Draft) ID() string { return d.id }

// Create begins input number n.
func (d *Draft) Create(n int) (*File, error) {
	f, err := os.OpenFile(d.part(n), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, fmt.Errorf("create input %d: %w", n, err)
	}
	return newFile(f), nil
}

// part is the name of input n until its extension is known.
func (d *Draft) part(n int) string { return filepath.Join(d.in(), strconv.Itoa(n)+".part") }

// InputFile is the name on disk of input n with the extension, which may be "".
func InputFile(n int, extension string) string {
	if extension == "" {
		return strconv.Itoa(n)
	}
	return strconv.Itoa(n) + "." + extension
}

// Name gives input n, once closed, its final name from InputFile.
func (d *Draft) Name(n int, file string) error {
	if err := os.Rename(d.part(n), filepath.Join(d.in(), file)); err != nil {
		return fmt.Errorf("name input %d: %w", n, err)
	}
	return nil
}

// Rename gives a file that lies in the draft another name.
func (d *Draft) Rename(from, to string) error {
	if err := os.Rename(filepath.Join(d.in(), from), filepath.Join(d.in(), to)); err != nil {
		return fmt.Errorf("name an input: %w", err)
	}
	return nil
}

// Drop removes input n, once closed.
func (d *Draft) Drop(n int) error { return os.Remove(d.part(n)) }

// Take makes an existing file of the spool an input, without copying its bytes where
// the file system allows that: another name for the same file.
func (d *Draft) Take(path, file string) error {
	target := filepath.Join(d.in(), file)
	err := os.Link(path, target)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EMLINK) {
		err = copyFile(path, target)
	}
	if err != nil {
		return fmt.Errorf("take over an input: %w", err)
	}
	return nil
}

func copyFile(from, to string) error {
	source, err := openRegular(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = target.ReadFrom(source)
	return errors.Join(err, target.Sync(), target.Close())
}

// Publish makes the draft the job's folder and returns once that survives a power cut:
// every file was synced when it was closed, here follow the folders from the inside out.
// The row is committed after this, never before.
func (d *Draft) Publish() error {
	if err := errors.Join(syncFolder(d.in()), syncFolder(d.dir)); err != nil {
		return err
	}
	target := d.spool.Job(d.id).Dir
	shelf := filepath.Dir(target)
	made, err := makeFolder(shelf)
	if err != nil {
		return err
	}
	if made {
		if err := syncFolder(d.spool.root); err != nil {
			return err
		}
	}
	if err := os.Rename(d.dir, target); err != nil {
		return fmt.Errorf("publish the folder of a job: %w", err)
	}
	d.dir, d.final = target, true
	return syncFolder(shelf)
}

// Keep ends the draft: its folder is a job's now.
func (d *Draft) Keep() { d.unlock() }

// Discard removes everything of the draft, published or not. It may be called after
// Keep, and then does nothing.
func (d *Draft) Discard() error {
	if d.lock == nil && d.final {
		return nil
	}
	err := os.RemoveAll(d.dir)
	d.unlock()
	if err != nil {
		return fmt.Errorf("remove an upload that was not accepted: %w", err)
	}
	return nil
}

func (d *Draft) unlock() {
	if d.lock != nil {
		_ = d.lock.Close() // releases the lock; nothing was written
		d.lock = nil
	}
}

// RemoveDeadDrafts removes what processes that died left half uploaded.
func (s Spool) RemoveDeadDrafts() error {
	entries, err := os.ReadDir(s.Uploads())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasSuffix(entry.Name(), draftSuffix) {
			continue
		}
		err = errors.Join(err, s.removeIfDead(filepath.Join(s.Uploads(), entry.Name())))
	}
	return err
}

// removeIfDead removes the folder of a draft that nobody holds.
func (s Spool) removeIfDead(dir string) error {
	gate, err := lockFolder(s.Uploads(), unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer gate.Close()
	lock, busy := lockFolder(dir, unix.LOCK_EX|unix.LOCK_NB)
	if busy != nil {
		return nil
	}
	return errors.Join(os.RemoveAll(dir), lock.Close())
}

// lockFolder takes the lock that lives as long as the descriptor.
func lockFolder(dir string, how int) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), how)
	if err == nil {
		err = stillThere(f, dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// stillThere makes sure that the lock is on the folder that has the name now, not on one
// that was removed while we waited.
func stillThere(f *os.File, dir string) error {
	locked, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(dir)
	if err == nil && !os.SameFile(locked, named) {
		err = fs.ErrNotExist
	}
	return err
}

func makeFolder(dir string) (made bool, err error) {
	err = os.Mkdir(dir, folderMode)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("make a folder of jobs: %w", err)
	}
	return true, nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	return nil
}

// Free returns how many bytes the spool's file system has left for us.
func (s Spool) Free() (int64, error) {
	free, _, err := s.Room()
	return free, err
}

// Room returns how many bytes the spool's file system has left for us, and how many it
// has in all.
func (s Spool) Room() (free, total int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(s.root, &st); err != nil {
		return 0, 0, fmt.Errorf("ask for free space of %s: %w", s.root, err)
	}
	return int64(st.Bavail) * st.Bsize, int64(st.Blocks) * st.Bsize, nil
}
