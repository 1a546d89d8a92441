package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Deliver puts an existing file of the spool among the inputs of a job that waits for
// it, and returns once that survives a power cut. Doing it again changes nothing.
func (j Job) Deliver(path, file string) error {
	if err := os.MkdirAll(j.In(), folderMode); err != nil {
		return fmt.Errorf("make folder of inputs: %w", err)
	}
	target := filepath.Join(j.In(), file)
	// What an earlier try left may be half a copy.
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deliver an input: %w", err)
	}
	err := os.Link(path, target)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EMLINK) {
		err = copyFile(path, target)
	}
	if err != nil {
		return fmt.Errorf("deliver an input: %w", err)
	}
	return errors.Join(syncFolder(j.In()), syncFolder(j.Dir))
}
