package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Kin finds the processes of one attempt where no control group holds them together:
// those whose environment names the attempt, those that work beneath its folder, and
// all their descendants. A program that hides both is only found while its parents
// live; that is why this proof is called weak.
type Kin struct {
	// Root is the runner; its zero value means that it is not known.
	Root Name
	// Env are NAME=VALUE words that the environment of a process of the attempt holds,
	// all of them.
	Env []string
	// Dir is the folder that is the attempt's alone.
	Dir string
}

// BecomeSubreaper makes orphans of our descendants our own children (prctl(2)), so
// that none gets out of sight while this process lives.
func BecomeSubreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	return nil
}

// Find returns the live processes of the attempt.
func (k Kin) Find() ([]Name, error) {
	all, err := list()
	if err != nil {
		return nil, err
	}
	member := make(map[int]bool)
	for pid, s := range all {
		if k.owns(pid, s) {
			member[pid] = true
		}
	}
	var found []Name
	for pid, s := range all {
		if !s.ended() && descends(pid, member, all) {
			found = append(found, Name{PID: pid, Start: s.start})
		}
	}
	return found, nil
}

func (k Kin) owns(pid int, s stat) bool {
	if pid == k.Root.PID {
		return s.start == k.Root.Start
	}
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if cwd, err := os.Readlink(filepath.Join(dir, "cwd")); err == nil && k.Dir != "" {
		if cwd == k.Dir || strings.HasPrefix(cwd, k.Dir+"/") {
			return true
		}
	}
	environ, err := os.ReadFile(filepath.Join(dir, "environ"))
	if err != nil || len(k.Env) == 0 {
		return false
	}
	words := bytes.Split(environ, []byte{0})
	for _, want := range k.Env {
		if !contains(words, want) {
			return false
		}
	}
	return true
}

func contains(words [][]byte, want string) bool {
	for _, w := range words {
		if string(w) == want {
			return true
		}
	}
	return false
}

// descends follows the parents of pid upwards; the chain is bounded because a table
// read while processes come and go may hold a circle.
func descends(pid int, member map[int]bool, all map[int]stat) bool {
	for range len(all) {
		if member[pid] {
			return true
		}
		s, ok := all[pid]
		if !ok || s.parent <= 1 {
			return false
		}
		pid = s.parent
	}
	return false
}

func list() (map[int]stat, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all := make(map[int]stat)
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil {
			all[pid] = s
		}
	}
	return all, nil
}

// Kill sends SIGKILL to all that Find finds.
func (k Kin) Kill() error {
	found, err := k.Find()
	if err != nil {
		return err
	}
	for _, name := range found {
		h, err := Open(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = h.Signal(unix.SIGKILL)
		h.Close()
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
	}
	return nil
}

// End kills until nothing of the attempt is left, or the context ends.
func (k Kin) End(ctx context.Context) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		found, err := k.Find()
		if err != nil || len(found) == 0 {
			return err
		}
		if err := k.Kill(); err != nil {
			return err
		}
		pause.Reset(wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
}

// ReapOrphans takes away ended processes that became our children only because their
// parents died. mine tells which pids somebody else of us waits for; the caller keeps
// new children from being started meanwhile.
func ReapOrphans(mine func(pid int) bool) error {
	all, err := list()
	if err != nil {
		return err
	}
	self := os.Getpid()
	for pid, s := range all {
		if s.parent != self || s.state != 'Z' || mine(pid) {
			continue
		}
		_, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
		if err != nil && !errors.Is(err, unix.ECHILD) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("reap process %d: %w", pid, err)
		}
	}
	return nil
}
