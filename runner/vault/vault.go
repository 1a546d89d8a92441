// Package vault owns the folder in memory in which secrets lie that were given for a job,
// from its submission to its end: a file each, which the child hands to the box. They are
// never on a disk and in no row, so they are gone when the machine starts anew.
//
// It does not own what a secret is (recipe), hiding it in logs (runner) or when a job has
// ended (dispatcher). It may import the standard library and golang.org/x/sys/unix.
package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// serviceFolder is made by the package's tmpfiles, for the users of the services.
const serviceFolder = "/run/convertd-secrets"

// ErrNotInMemory says that there is no file system in memory for secrets.
var ErrNotInMemory = errors.New("there is no folder in memory that only this user can look into")

// Vault is the folder for the jobs of one spool. Its zero value holds nothing and takes
// nothing.
type Vault struct{ dir string }

// New returns a vault in the folder, which must be in memory once something is put there.
func New(dir string) Vault { return Vault{dir: dir} }

// For returns the vault of a spool: all processes that serve it find the same one. It is
// in /run where the service's folder is there and writable, else in /dev/shm.
func For(spool string) Vault {
	sum := sha256.Sum256([]byte(filepath.Clean(spool)))
	base := serviceFolder
	if unix.Access(base, unix.W_OK|unix.X_OK) != nil || !inMemory(base) {
		base = "/dev/shm/convertd-secrets-" + strconv.Itoa(os.Geteuid())
	}
	return New(filepath.Join(base, hex.EncodeToString(sum[:8])))
}

// Put stores the secrets of a job by their names.
func (v Vault) Put(job string, secrets map[string]string) error {
	if len(secrets) == 0 {
		return nil
	}
	if err := v.open(); err != nil {
		return fmt.Errorf("open folder of secrets: %w", err)
	}
	dir := v.job(job)
	if err := os.Mkdir(dir, 0o750); err != nil {
		return fmt.Errorf("make folder of secrets: %w", err)
	}
	for name, text := range secrets {
		if err := write(v.Path(job, name), text); err != nil {
			return errors.Join(fmt.Errorf("keep secret %s: %w", name, err), v.Remove(job))
		}
	}
	return nil
}

func write(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// open makes the folder and sees to it that it is in memory and nobody else's.
func (v Vault) open() error {
	if v.dir == "" {
		return ErrNotInMemory
	}
	parent := filepath.Dir(v.dir)
	for _, dir := range []string{parent, v.dir} {
		if err := os.Mkdir(dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	info, err := os.Lstat(parent)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	own := ok && int(stat.Uid) == os.Geteuid() || parent == serviceFolder
	if !info.IsDir() || !own || info.Mode().Perm()&0o007 != 0 || !inMemory(v.dir) {
		return fmt.Errorf("%w: %s", ErrNotInMemory, parent)
	}
	return nil
}

func inMemory(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && (st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC)
}

func (v Vault) job(id string) string { return filepath.Join(v.dir, filepath.Base(id)) }

// Path is where a secret of a job lies.
func (v Vault) Path(job, name string) string { return filepath.Join(v.job(job), filepath.Base(name)) }

// Has reports whether the secret of a job is still there.
func (v Vault) Has(job, name string) bool {
	info, err := os.Lstat(v.Path(job, name))
	return v.dir != "" && err == nil && info.Mode().IsRegular()
}

// Remove removes the secrets of a job, if there are any.
func (v Vault) Remove(job string) error {
	if v.dir == "" {
		return nil
	}
	return os.RemoveAll(v.job(job))
}

// Jobs returns the jobs of which there are secrets, with the time since when.
func (v Vault) Jobs() (map[string]time.Time, error) {
	jobs := map[string]time.Time{}
	entries, err := os.ReadDir(v.dir)
	if v.dir == "" || errors.Is(err, fs.ErrNotExist) {
		return jobs, nil
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			jobs[entry.Name()] = info.ModTime()
		}
	}
	return jobs, err
}

// Discard removes all that is in the vault, and its folder.
func (v Vault) Discard() error {
	if v.dir == "" {
		return nil
	}
	return os.RemoveAll(v.dir)
}
