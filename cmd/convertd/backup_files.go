package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"convertd/runner/spool"
	"convertd/sql/snapshot"
)

// copySnapshot copies the files that a snapshot names from a spool to a folder of the
// same layout, and notes them. Files that are missing are noted, and copying goes on.
func copySnapshot(ctx context.Context, view *snapshot.Snapshot, from spool.Spool, folder string, note *backupDocument) error {
	attempts, err := view.Attempts(ctx)
	if err != nil {
		return err
	}
	files, err := view.Files(ctx)
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("make folder of the backup: %w", err)
	}
	to := spool.New(folder)
	for _, f := range files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := copyNamed(f, from, to, note); err != nil {
			return err
		}
	}
	for _, at := range attempts {
		if at.Number == 0 {
			note.Jobs++
		}
		if err := copyAttempt(at, from, to); err != nil {
			return err
		}
	}
	return nil
}

func copyNamed(f snapshot.File, from, to spool.Spool, note *backupDocument) error {
	source, target := filepath.Join(from.Job(f.Job).Dir, f.Path), filepath.Join(to.Job(f.Job).Dir, f.Path)
	size, sum, err := copyFile(source, target)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (size != f.Size || sum != f.SHA256) {
		note.Missing = append(note.Missing, source)
		return nil
	}
	if err != nil {
		return err
	}
	path, err := filepath.Rel(to.Root(), target)
	note.Files = append(note.Files, backupFile{path, content{size, f.SHA256}})
	note.Bytes += size
	return err
}

// copyAttempt copies what an attempt that has ended left beside its outputs, and, for
// number 0, what lies in the folder of the job itself. None of it has to be there.
func copyAttempt(at snapshot.Attempt, from, to spool.Spool) error {
	pick := func(j spool.Job) []string {
		if at.Number == 0 {
			return []string{j.Accepted()}
		}
		return []string{j.Log(at.Number), j.LogTail(at.Number), j.Progress(at.Number), j.Outcome(at.Number)}
	}
	if err := os.MkdirAll(to.Job(at.Job).In(), 0o700); err != nil {
		return fmt.Errorf("make folder of a job: %w", err)
	}
	targets := pick(to.Job(at.Job))
	for i, source := range pick(from.Job(at.Job)) {
		if _, _, err := copyFile(source, targets[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// copyFile copies a regular file with its mode and returns size and SHA-256. The target
// must not exist.
func copyFile(source, target string) (size int64, sum string, err error) {
	in, err := os.OpenFile(source, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, "", fmt.Errorf("copy file: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, "", fmt.Errorf("copy file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, "", fmt.Errorf("copy file: %s is no file", source)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o711); err != nil {
		return 0, "", fmt.Errorf("copy file: %w", err)
	}
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return 0, "", fmt.Errorf("copy file: %w", err)
	}
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(out, hash), in)
	if err := errors.Join(err, out.Chmod(info.Mode().Perm()), out.Close()); err != nil {
		return size, "", fmt.Errorf("copy %s: %w", source, err)
	}
	return size, hex.EncodeToString(hash.Sum(nil)), nil
}

// contentOf reads a file and says what it is like.
func contentOf(path string) (content, error) {
	f, err := os.Open(path)
	if err != nil {
		return content{}, fmt.Errorf("read file: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if err != nil {
		return content{}, fmt.Errorf("read %s: %w", path, err)
	}
	return content{size, hex.EncodeToString(hash.Sum(nil))}, nil
}
