package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Home is a delegated version 2 group whose owner sits in a child of it, so that the
// other children may have controllers: a group with processes of its own may not hand
// them on.
type Home struct{ dir, seat string }

// Settle moves this process into a child of its own group and lets the other children
// have every controller that can be had.
func Settle(seat string) (*Home, error) {
	self, err := readSelf()
	if err != nil {
		return nil, err
	}
	if self.v2 == "" {
		return nil, errors.New("no cgroup2 file system is mounted")
	}
	h := &Home{dir: self.v2, seat: filepath.Join(self.v2, seat)}
	if filepath.Base(h.dir) == seat { // a service manager that knows DelegateSubgroup= did it
		h.dir, h.seat = filepath.Dir(h.dir), h.dir
	}
	if err := os.Mkdir(h.seat, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make control group (is it delegated?): %w", err)
	}
	if err := write(h.seat, "cgroup.procs", strconv.Itoa(os.Getpid())); err != nil {
		return nil, fmt.Errorf("move into control group %s: %w", h.seat, err)
	}
	for _, controller := range []string{"memory", "pids", "cpu", "io"} {
		// One that cannot be had is missed where it is used, and told there.
		_ = write(h.dir, "cgroup.subtree_control", "+"+controller)
	}
	return h, nil
}

// Dir returns the folder of the group.
func (h *Home) Dir() string { return h.dir }

// Heads returns the processes that began what runs in the groups below, apart from the
// seat: those whose parent is not in the same group. populated says whether anything
// runs there at all.
func (h *Home) Heads() (heads []int, populated bool, err error) {
	err = filepath.WalkDir(h.dir, func(dir string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // removed meanwhile
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case dir == h.seat:
			return fs.SkipDir
		}
		members := membersOf(dir)
		populated = populated || len(members) > 0 && dir != h.dir
		for pid := range members {
			if dir != h.dir && !members[parentOf(pid)] {
				heads = append(heads, pid)
			}
		}
		return nil
	})
	return heads, populated, err
}

func membersOf(dir string) map[int]bool {
	members := map[int]bool{}
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return members
	}
	for word := range strings.FieldsSeq(string(b)) {
		if pid, err := strconv.Atoi(word); err == nil && !dead(pid) {
			members[pid] = true
		}
	}
	return members
}

// dead reports a process that has ended and that nobody has asked about yet.
func dead(pid int) bool { return statOf(pid)[0] == "Z" }

func parentOf(pid int) int {
	parent, err := strconv.Atoi(statOf(pid)[1])
	if err != nil {
		return 0
	}
	return parent
}

// statOf returns state and parent from /proc/PID/stat, "Z" and "" for a process that is
// gone. Its name, in parentheses, may contain anything.
func statOf(pid int) [2]string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return [2]string{"Z"}
	}
	text := string(b)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return [2]string{"Z"}
	}
	return [2]string{fields[0], fields[1]}
}
