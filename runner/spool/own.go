package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Own makes the folder of a job this process's alone to change, where the spool is shared
// with a web process of another user: what lies in it keeps the group, and with it that
// user may read. A spool is shared when its root has the set-group-ID bit (setup makes it
// so, with the sticky bit: whoever made an entry may remove it, nobody else).
func (s Spool) Own(id string) error {
	root, err := os.Lstat(s.root)
	if err != nil {
		return fmt.Errorf("look at the spool: %w", err)
	}
	if root.Mode()&fs.ModeSetgid == 0 || os.Geteuid() != 0 {
		return nil
	}
	job := s.Job(id)
	for _, f := range []struct {
		dir  string
		mode fs.FileMode
	}{
		{filepath.Dir(job.Dir), fs.ModeSticky | 0o771},
		{job.Dir, 0o751},
		{job.In(), 0o711},
	} {
		if err := own(f.dir, f.mode); err != nil {
			return fmt.Errorf("take over folder of job: %w", err)
		}
	}
	return nil
}

// own takes a folder; one that is not there is nobody's. It does not follow a link.
func own(dir string, mode fs.FileMode) error {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return errors.Join(f.Chown(os.Geteuid(), -1), f.Chmod(mode))
}
