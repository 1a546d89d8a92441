package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Limits are written before anything runs in a group; 0 means none.
type Limits struct {
	MemoryBytes int64
	Processes   int
	// CPUWeight is the share of the processors beside other attempts, 1 to 10000; 100 is
	// usual, and what 0 means.
	CPUWeight int
}

// Group is the control group of one attempt: one folder per hierarchy in use. Its
// methods work as well for a group that a former dispatcher made.
type Group struct {
	name             string
	dir              string
	memory           bool
	processes        bool
	cpu              bool
	memoryV1, pidsV1 string
	cpuV1            string
}

// Make makes the group. A group of that name left over from before is emptied first.
func (t *Tree) Make(ctx context.Context, name string) (*Group, error) {
	g := t.Group(name)
	for _, dir := range g.dirs() {
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, os.ErrExist) {
			err = g.clear(ctx, dir)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make control group: %w", err), g.Remove())
		}
	}
	return g, nil
}

func (g *Group) clear(ctx context.Context, dir string) error {
	if dir != g.dir {
		return nil
	}
	return g.End(ctx)
}

// Group returns the group of that name without making it.
func (t *Tree) Group(name string) *Group {
	g := &Group{name: name, memory: t.memory, processes: t.processes, cpu: t.cpu}
	beneath := func(dir string) string {
		if dir == "" {
			return ""
		}
		return filepath.Join(dir, name)
	}
	g.dir, g.memoryV1, g.pidsV1, g.cpuV1 = beneath(t.dir), beneath(t.memoryV1), beneath(t.pidsV1), beneath(t.cpuV1)
	return g
}

// At returns the version 2 group in dir, which may lie outside the tree: a former
// dispatcher may have been started elsewhere.
func (t *Tree) At(dir string) *Group {
	g := t.Group(filepath.Base(dir))
	g.dir = dir
	return g
}

// Name returns the group's name.
func (g *Group) Name() string { return g.name }

// Dir returns the folder of the version 2 group, "" when there is none.
func (g *Group) Dir() string { return g.dir }

func (g *Group) dirs() []string {
	var dirs []string
	for _, dir := range []string{g.dir, g.memoryV1, g.pidsV1, g.cpuV1} {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Open opens the version 2 group for clone3's CLONE_INTO_CGROUP; nil when there is none.
func (g *Group) Open() (*os.File, error) {
	if g.dir == "" {
		return nil, nil
	}
	return os.Open(g.dir)
}

// Limit writes the limits. Swap is denied where it can be, so that the memory limit is
// the whole truth.
func (g *Group) Limit(l Limits) error {
	var errs []error
	if l.MemoryBytes > 0 {
		errs = append(errs, g.limitMemory(strconv.FormatInt(l.MemoryBytes, 10)))
	}
	if l.Processes > 0 {
		n := strconv.Itoa(l.Processes)
		switch {
		case g.processes:
			errs = append(errs, write(g.dir, "pids.max", n))
		case g.pidsV1 != "":
			errs = append(errs, write(g.pidsV1, "pids.max", n))
		}
	}
	if l.CPUWeight > 0 {
		switch {
		case g.cpu:
			errs = append(errs, write(g.dir, "cpu.weight", strconv.Itoa(l.CPUWeight)))
		case g.cpuV1 != "":
			errs = append(errs, write(g.cpuV1, "cpu.shares", sharesOf(l.CPUWeight)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write limits of control group %s: %w", g.name, err)
	}
	return nil
}

func (g *Group) limitMemory(bytes string) error {
	switch {
	case g.memory:
		if err := write(g.dir, "memory.swap.max", "0"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return write(g.dir, "memory.max", bytes)
	case g.memoryV1 != "":
		if err := write(g.memoryV1, "memory.limit_in_bytes", bytes); err != nil {
			return err
		}
		err := write(g.memoryV1, "memory.memsw.limit_in_bytes", bytes)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EOPNOTSUPP) {
			return nil
		}
		return err
	}
	return nil
}

// Within runs start such that a process started by it is in the version 1 groups from its
// first moment on; version 2 is entered by clone. A child begins where the thread is that
// makes it, and a thread that moves itself holds nobody up, whereas to move a process every
// fork and exit of the machine is waited for.
func (g *Group) Within(start func() error) error {
	inside, home := g.threadsV1()
	if len(inside) == 0 {
		return start()
	}
	// The way back is open before the first step.
	doors, err := openTasks(append(inside, home...))
	defer closeAll(doors)
	if err != nil {
		return err
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := moveThread(doors[:len(inside)])
		if err == nil {
			err = start()
		}
		if moveThread(doors[len(inside):]) == nil {
			runtime.UnlockOSThread()
		} // else the thread ends with this goroutine, so that nothing else starts there
		result <- err
	}()
	return <-result
}

// threadsV1 are the version 1 groups of this attempt and those of this process, in which the
// trees lie.
func (g *Group) threadsV1() (inside, home []string) {
	for _, dir := range []string{g.memoryV1, g.pidsV1, g.cpuV1} {
		if dir != "" {
			inside, home = append(inside, dir), append(home, filepath.Dir(filepath.Dir(dir)))
		}
	}
	return inside, home
}

// openTasks opens the files by which threads enter version 1 groups.
func openTasks(dirs []string) (doors []*os.File, err error) {
	for _, dir := range dirs {
		f, err := os.OpenFile(filepath.Join(dir, "tasks"), os.O_WRONLY, 0)
		if err != nil {
			return doors, fmt.Errorf("enter control group: %w", err)
		}
		doors = append(doors, f)
	}
	return doors, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// moveThread moves the calling thread into version 1 groups.
func moveThread(doors []*os.File) error {
	for _, f := range doors {
		if _, err := f.WriteString("0"); err != nil {
			return fmt.Errorf("enter control group: %w", err)
		}
	}
	return nil
}

// Kill sends SIGKILL to every process in the group, daemonised and stopped ones too.
func (g *Group) Kill() error {
	if g.dir == "" {
		return nil
	}
	err := write(g.dir, "cgroup.kill", "1")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("kill control group: %w", err)
	}
	return nil
}

// Populated reports whether a live process is in the group; a group that is not there
// has none.
func (g *Group) Populated() (bool, error) {
	if g.dir == "" {
		return false, nil
	}
	b, err := os.ReadFile(filepath.Join(g.dir, "cgroup.events"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read control group: %w", err)
	}
	return value(string(b), "populated") > 0, nil
}

// End kills the group and waits until it is proved empty. Only a process stuck in the
// kernel can make it last; then the context's error is returned.
func (g *Group) End(ctx context.Context) error {
	for {
		if err := g.Kill(); err != nil {
			return err
		}
		populated, err := g.Populated()
		if err != nil || !populated {
			return err
		}
		if err := g.await(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// await returns when cgroup.events changed or the time is up.
func (g *Group) await(ctx context.Context, most time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(filepath.Join(g.dir, "cgroup.events"))
	if err != nil {
		return nil // removed meanwhile: Populated says so
	}
	defer f.Close()
	var b [256]byte
	n, err := f.Read(b[:])
	if err != nil || value(string(b[:n]), "populated") == 0 {
		return nil
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
	if _, err := unix.Poll(fds, int(most.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for control group: %w", err)
	}
	return nil
}

// Remove removes the group and what was made inside it; it must be empty.
func (g *Group) Remove() error {
	var errs []error
	for _, dir := range g.dirs() {
		errs = append(errs, removeTree(dir))
	}
	return errors.Join(errs...)
}

func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, removeTree(filepath.Join(dir, e.Name())))
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, fmt.Errorf("remove control group: %w", err))
	}
	return errors.Join(errs...)
}

// MemoryKills returns how many processes of the group the kernel killed because of the
// memory limit.
func (g *Group) MemoryKills() int64 {
	switch {
	case g.memory:
		return readValue(g.dir, "memory.events", "oom_kill")
	case g.memoryV1 != "":
		return readValue(g.memoryV1, "memory.oom_control", "oom_kill")
	}
	return 0
}

// PeakMemory returns the most bytes the group ever used, 0 when nobody counted.
func (g *Group) PeakMemory() int64 {
	dir, file := g.dir, "memory.peak"
	switch {
	case g.memory:
	case g.memoryV1 != "":
		dir, file = g.memoryV1, "memory.max_usage_in_bytes"
	default:
		return 0
	}
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// CPU returns the processor time of all that ever ran in the group, 0 when unknown.
func (g *Group) CPU() time.Duration {
	if g.dir == "" {
		return 0
	}
	return time.Duration(readValue(g.dir, "cpu.stat", "usage_usec")) * time.Microsecond
}

func readValue(dir, file, key string) int64 {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0
	}
	return value(string(b), key)
}

// value finds "KEY NUMBER" in a flat keyed file.
func value(text, key string) int64 {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), " "); ok && k == key {
			n, _ := strconv.ParseInt(v, 10, 64)
			return n
		}
	}
	return 0
}
