package cgroup

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// self is where this process is: the folder of its version 2 group and those of its
// version 1 groups by controller.
type self struct {
	v2 string
	v1 map[string]string
}

// mount is one mounted hierarchy: root is which group of it stands at point.
type mount struct {
	root, point string
}

func readSelf() (self, error) {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return self{}, fmt.Errorf("read own control group: %w", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return self{}, fmt.Errorf("read mounts: %w", err)
	}
	return locate(string(groups), string(mounts)), nil
}

// locate joins the lines of /proc/self/cgroup (ID:CONTROLLERS:PATH) with the mounts of
// /proc/self/mountinfo (proc(5)).
func locate(groups, mountinfo string) self {
	v2, v1 := parseMounts(mountinfo)
	s := self{v1: map[string]string{}}
	lines := bufio.NewScanner(strings.NewReader(groups))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if parts[0] == "0" && parts[1] == "" {
			s.v2 = v2.folder(parts[2])
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			if m, ok := v1[controller]; ok {
				s.v1[controller] = m.folder(parts[2])
			}
		}
	}
	return s
}

// folder returns where a group's path lies beneath the mount, "" when it is not there.
func (m mount) folder(path string) string {
	if m.point == "" {
		return ""
	}
	rel, err := filepath.Rel(m.root, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return ""
	}
	return filepath.Join(m.point, rel)
}

func parseMounts(mountinfo string) (v2 mount, v1 map[string]mount) {
	v1 = map[string]mount{}
	lines := bufio.NewScanner(strings.NewReader(mountinfo))
	for lines.Scan() {
		before, after, found := strings.Cut(lines.Text(), " - ")
		head, tail := strings.Fields(before), strings.Fields(after)
		if !found || len(head) < 5 || len(tail) < 3 {
			continue
		}
		m := mount{root: head[3], point: head[4]}
		switch tail[0] {
		case "cgroup2":
			v2 = m
		case "cgroup":
			for option := range strings.SplitSeq(tail[2], ",") {
				v1[option] = m
			}
		}
	}
	return v2, v1
}
