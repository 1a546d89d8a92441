package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Remove deletes the folder of a job with everything in it, whatever modes a program
// gave to its files and folders. Removing what is gone already is no error.
func (s Spool) Remove(id string) error { return RemoveFolder(s.Job(id).Dir) }

// RemoveFolder deletes a folder of the spool. It follows no links.
func RemoveFolder(dir string) error {
	err := os.RemoveAll(dir)
	if errors.Is(err, fs.ErrPermission) {
		// A folder without write or search permission for its owner keeps its entries;
		// root is not stopped by that, an ordinary user gives itself the permission.
		openFolders(dir)
		err = os.RemoveAll(dir)
	}
	if err != nil {
		return fmt.Errorf("remove a folder of the spool: %w", err)
	}
	return nil
}

// EmptyFolder deletes what is in a folder of the spool, and leaves the folder itself. A
// folder that is gone is empty.
func EmptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("empty a folder of the spool: %w", err)
	}
	var all error
	for _, entry := range entries {
		all = errors.Join(all, RemoveFolder(filepath.Join(dir, entry.Name())))
	}
	return all
}

// openFolders makes every folder beneath dir writable for its owner. Errors are left to
// the removal that follows, which says what could not be removed.
func openFolders(dir string) {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return
	}
	_ = os.Chmod(dir, 0o700)
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.IsDir() {
			openFolders(filepath.Join(dir, entry.Name()))
		}
	}
}
