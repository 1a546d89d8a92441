// Package cgroup owns the control groups of attempts: finding where this process may
// make some, making one per attempt, writing its limits, killing all that is in it,
// proving it empty, removing it.
//
// Version 2 is used for the tree itself (killing and proving need no controller);
// limits of memory and processes and shares of the processors are written there when the
// controllers are to be had, else into groups of version 1 where those may be made.
//
// It does not own which limits apply or when anything is killed (dispatcher). It may
// import the standard library and golang.org/x/sys/unix. The files are those of
// Linux' Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{memory,pids}.rst.
package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Options say where the tree shall grow.
type Options struct {
	// Parent is the folder of a version 2 group that was delegated to us; empty means
	// the group this process is in.
	Parent string
	// Name is the name of our tree beneath Parent; it must be the same after a restart
	// and differ between dispatchers.
	Name string
}

// Method names what is in force: "v2", "v1" or "none".
type Method struct {
	// Tree is how an attempt is killed and proved dead.
	Tree string
	// Memory, Processes and CPU are how those limits and shares are enforced.
	Memory, Processes, CPU string
}

// The values of Method.
const (
	V2   = "v2"
	V1   = "v1"
	None = "none"
)

// Tree is the group beneath which every attempt gets its own.
type Tree struct {
	dir       string // of version 2; "" when none can be made
	memory    bool   // the version 2 controllers
	processes bool
	cpu       bool
	memoryV1  string // own group of version 1; "" when none is used
	pidsV1    string
	cpuV1     string
	why       error
}

// Open finds or makes the tree. It always returns one: what could not be had is left
// out of its Method and told by Why.
func Open(opts Options) *Tree {
	self, err := readSelf()
	if err != nil {
		return &Tree{why: err}
	}
	t := &Tree{}
	t.openV2(self, opts)
	if !t.memory {
		t.memoryV1 = makeV1(self, "memory", opts.Name)
	}
	if !t.processes {
		t.pidsV1 = makeV1(self, "pids", opts.Name)
	}
	if !t.cpu {
		t.cpuV1 = makeV1(self, "cpu", opts.Name)
	}
	t.yield()
	return t
}

func (t *Tree) openV2(self self, opts Options) {
	parent := opts.Parent
	if parent == "" {
		parent = self.v2
	}
	if parent == "" {
		t.why = errors.New("no cgroup2 file system is mounted")
		return
	}
	dir := filepath.Join(parent, opts.Name)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		t.why = fmt.Errorf("make control group: %w", err)
		return
	}
	if err := writable(dir); err != nil {
		t.why = fmt.Errorf("use control group %s: %w", dir, err)
		return
	}
	t.dir = dir
	t.memory = enable(parent, dir, "memory", "memory.max")
	t.processes = enable(parent, dir, "pids", "pids.max")
	t.cpu = enable(parent, dir, "cpu", "cpu.weight")
}

// treeWeight is the share of the processors that all attempts have together, when others
// want them too: half of what any other group gets, so that the service answers whatever
// its jobs do. When nobody else wants them they have all.
const treeWeight = 50

// yield gives the tree its share. One that cannot be written leaves the tree as important
// as everybody else, which is no reason not to work.
func (t *Tree) yield() {
	switch {
	case t.cpu:
		_ = write(t.dir, "cpu.weight", strconv.Itoa(treeWeight))
	case t.cpuV1 != "":
		_ = write(t.cpuV1, "cpu.shares", sharesOf(treeWeight))
	}
}

// sharesOf is a weight of version 2 (1 to 10000, 100 is usual) in the unit of version 1,
// where 1024 is usual.
func sharesOf(weight int) string { return strconv.Itoa(max(2, weight*1024/100)) }

// writable reports whether groups can be made in dir by making one.
func writable(dir string) error {
	probe := filepath.Join(dir, "probe")
	if err := os.Mkdir(probe, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	_, killErr := os.Stat(filepath.Join(probe, "cgroup.kill"))
	return errors.Join(killErr, os.Remove(probe))
}

// enable switches a controller on for the groups beneath dir and reports whether its
// file then appears in them. A group that holds processes itself may not do it (EBUSY).
func enable(parent, dir, controller, file string) bool {
	for _, d := range []string{parent, dir} {
		if has(d, "cgroup.subtree_control", controller) {
			continue
		}
		if write(d, "cgroup.subtree_control", "+"+controller) != nil {
			return false
		}
	}
	_, err := os.Stat(filepath.Join(dir, file))
	return err == nil
}

func makeV1(self self, controller, name string) string {
	own := self.v1[controller]
	if own == "" {
		return ""
	}
	dir := filepath.Join(own, name)
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return ""
	}
	if writableV1(dir) != nil {
		return ""
	}
	return dir
}

func writableV1(dir string) error {
	probe := filepath.Join(dir, "probe")
	if err := os.Mkdir(probe, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Remove(probe)
}

// Method returns what is in force.
func (t *Tree) Method() Method {
	m := Method{Tree: None}
	if t.dir != "" {
		m.Tree = V2
	}
	m.Memory = version(t.memory, t.memoryV1)
	m.Processes = version(t.processes, t.pidsV1)
	m.CPU = version(t.cpu, t.cpuV1)
	return m
}

func version(v2 bool, v1 string) string {
	switch {
	case v2:
		return V2
	case v1 != "":
		return V1
	}
	return None
}

// Why says why no version 2 tree is used, nil when one is.
func (t *Tree) Why() error { return t.why }

// Dir returns the folder of the version 2 tree, "" when there is none.
func (t *Tree) Dir() string { return t.dir }

// Names lists the groups in the tree, those left behind by a killed dispatcher too.
func (t *Tree) Names() ([]string, error) {
	seen := map[string]bool{}
	var names []string
	for _, dir := range []string{t.dir, t.memoryV1, t.pidsV1, t.cpuV1} {
		if dir == "" {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("list control groups: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() && !seen[e.Name()] {
				seen[e.Name()] = true
				names = append(names, e.Name())
			}
		}
	}
	return names, nil
}

// Close removes the tree if nothing is in it any more.
func (t *Tree) Close() error {
	var errs []error
	for _, dir := range []string{t.dir, t.memoryV1, t.pidsV1, t.cpuV1} {
		if dir == "" {
			continue
		}
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func has(dir, file, word string) bool {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return false
	}
	for _, w := range strings.Fields(string(b)) {
		if w == word {
			return true
		}
	}
	return false
}

func write(dir, file, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
