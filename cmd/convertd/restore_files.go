package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"convertd/runner/spool"
)

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

// differing returns the files of a restored spool that are not as the rows say.
func differing(in spool.Spool, note backupDocument) (damaged []string, err error) {
	for _, f := range note.Files {
		got, err := contentOf(filepath.Join(in.Root(), f.Path))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		if got != (content{Size: f.Size, SHA256: f.SHA256}) {
			damaged = append(damaged, f.Path)
		}
	}
	return damaged, nil
}
