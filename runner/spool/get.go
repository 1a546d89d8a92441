package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// OpenInput opens an input by its name on disk.
func (j Job) OpenInput(file string) (*os.File, error) { return openIn(j.In(), file) }

// OpenOutput opens a collected output of an attempt by its name on disk.
func (j Job) OpenOutput(attempt int, file string) (*os.File, error) {
	return openIn(j.Out(attempt), file)
}

// OpenPreview opens a preview of an attempt by its name on disk.
func (j Job) OpenPreview(attempt int, file string) (*os.File, error) {
	return openIn(j.Preview(attempt), file)
}

// OpenLog opens the log of an attempt, or its tail.
func (j Job) OpenLog(attempt int, tail bool) (*os.File, error) {
	if tail {
		return openRegular(j.LogTail(attempt))
	}
	return openRegular(j.Log(attempt))
}

// OpenProgress opens the history of an attempt's progress.
func (j Job) OpenProgress(attempt int) (*os.File, error) { return openRegular(j.Progress(attempt)) }

// openIn refuses every name that we did not make: names come out of rows.
func openIn(dir, file string) (*os.File, error) {
	if file == "" || file[0] == '.' || strings.ContainsAny(file, "/\x00") {
		return nil, fmt.Errorf("open %q: %w", file, fs.ErrNotExist)
	}
	return openRegular(filepath.Join(dir, file))
}

// openRegular follows no link and never waits: a pipe or device in the place of a file
// is refused.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("open %s: %w: no regular file", path, fs.ErrInvalid)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// OutputPath is where an output of an attempt lies, for Draft.Take.
func (j Job) OutputPath(attempt int, file string) string {
	return filepath.Join(j.Out(attempt), filepath.Base(file))
}

// InputPath is where an input lies, for Draft.Take.
func (j Job) InputPath(file string) string { return filepath.Join(j.In(), filepath.Base(file)) }
