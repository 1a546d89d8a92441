package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	selfExe  = "/proc/self/exe"
	hostName = "convertd"
)

// lackError says that a part of the box could not be set up.
type lackError struct {
	part Part
	err  error
}

func (e *lackError) Error() string { return string(e.part) + ": " + e.err.Error() }

func (e *lackError) Unwrap() error { return e.err }

// write writes down how the box of a plan is made and the program started in it. given are
// the program's descriptors, gate holds the box back until it may begin (nil if it may at
// once), and control is where the init reports.
func (p *plan) write(given files, gate *gate, control int) (*script, error) {
	s := &script{kept: make([]any, 0, 512), setUp: make([]call, 0, 512), notes: make([]note, 0, 512)}
	if gate != nil {
		gate.await(s)
	}
	s.add("begin a session", "", unix.SYS_SETSID)
	s.arrange(given, control)
	if err := p.setUp(s); err != nil {
		return nil, err
	}
	p.start(s)
	return s, s.err
}

// arrange numbers the program's descriptors from 0 on, then the control connection, and
// closes everything else.
func (s *script) arrange(given files, control int) {
	s.control = uintptr(len(given))
	from := append(slices.Clone(given), control)
	above := max(slices.Max(from), len(from)) + 1
	for i, fd := range from { // first out of each other's way
		s.add("move descriptors", "", unix.SYS_DUP3, uintptr(fd), uintptr(above+i), unix.O_CLOEXEC)
	}
	for i := range from {
		flags := 0
		if i == len(given) {
			flags = unix.O_CLOEXEC
		}
		s.add("move descriptors", "", unix.SYS_DUP3, uintptr(above+i), uintptr(i), uintptr(flags))
		s.used[i%maxDescriptors] = true
	}
	s.add("close descriptors", "", unix.SYS_CLOSE_RANGE, uintptr(len(from)), uintptr(^uint32(0)), 0)
}

// setUp gives up everything but what the program is to have, outside first.
func (p *plan) setUp(s *script) error {
	for _, step := range []struct {
		part Part
		do   func(*script) error
	}{
		{"", hide}, {Host, setHost}, {Network, p.openNetwork}, {Files, p.buildRoot}, {Landlock, p.restrictFiles},
		{Capabilities, p.dropCapabilities}, {"", p.becomeUser}, {"", clearCapabilities},
		{"", p.limitProcesses}, {Calls, p.filterCalls},
	} {
		if step.part != "" && !p.has(step.part) {
			continue
		}
		s.part = step.part
		if err := step.do(s); err != nil {
			return because(step.part, err)
		}
	}
	s.part = ""
	return nil
}

func because(part Part, err error) error {
	if part == "" {
		return err
	}
	return &lackError{part, err}
}

// hide keeps the memory of the init from the programs, and rights from being gained.
func hide(s *script) error {
	s.add("set no_new_privs", "", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	s.add("hide the init", "", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0)
	return nil
}

func setHost(s *script) error {
	s.add("set host name", "", unix.SYS_SETHOSTNAME, s.text(hostName), uintptr(len(hostName)))
	return nil
}

// umask is that of programs.
const umask = 0o077

// buildRoot makes folders that everybody in the box may enter.
func (p *plan) buildRoot(s *script) error {
	s.add("set umask", "", unix.SYS_UMASK, 0)
	err := p.enterRoot(s)
	s.add("set umask", "", unix.SYS_UMASK, umask)
	return err
}

func (p *plan) limitProcesses(s *script) error {
	if p.Processes == 0 || !p.has(Namespaces) {
		return nil
	}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &now); err != nil {
		return fmt.Errorf("read limit of processes: %w", err)
	}
	most := min(uint64(p.Processes), now.Max)
	s.add("limit processes", "", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NPROC, keep(s, unix.Rlimit{Cur: most, Max: most}), 0)
	return nil
}

func (p *plan) filterCalls(s *script) error {
	filter := callFilter(p.sockets())
	s.kept = append(s.kept, filter)
	program := keep(s, unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
	s.add("install the filter of system calls", "", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, program)
	return nil
}

// start executes the program in a process group of its own, with signals as a program
// expects them.
func (p *plan) start(s *script) {
	made := len(s.setUp)
	s.add("begin a process group", "", unix.SYS_SETPGID, 0, 0)
	const size, last = 8, 64 // bytes of a set of signals; the last signal
	byDefault := keep(s, [4]uint64{})
	for signal := uintptr(1); signal <= last; signal++ {
		if signal == uintptr(unix.SIGKILL) || signal == uintptr(unix.SIGSTOP) {
			continue
		}
		s.add("reset signals", "", unix.SYS_RT_SIGACTION, signal, byDefault, 0, size)
	}
	const setMask = 2 // SIG_SETMASK
	s.add("let signals through", "", unix.SYS_RT_SIGPROCMASK, setMask, keep(s, uint64(0)), 0, size)
	s.chdir(p.Dir)
	s.add("execute", p.Path, unix.SYS_EXECVE, s.text(p.Path), s.texts(p.Argv), s.texts(p.Env))
	s.setUp, s.execute = s.setUp[:made:made], s.setUp[made:]
}

// gate holds an init back until its user namespace has been told who its users are.
type gate struct{ reader, writer int }

func newGate() (*gate, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	return &gate{ends[0], ends[1]}, nil
}

// await lets the init wait for a byte. It lets go of its own copy of the other end first, so
// that it does not wait for ever if we end.
func (g *gate) await(s *script) {
	s.add("close", "", unix.SYS_CLOSE, uintptr(g.writer))
	s.part = Namespaces
	s.add("wait for its users", "", unix.SYS_READ, uintptr(g.reader), keep(s, [8]byte{}), 1).want = 1
	s.part = ""
}

// open makes the user of this process the only user of the init's namespace, and lets the
// init go on.
func (g *gate) open(pid int) error {
	uid, gid := os.Geteuid(), os.Getegid()
	for _, file := range []struct{ name, text string }{
		{"setgroups", "deny"},
		{"uid_map", fmt.Sprintf("%d %d 1\n", uid, uid)},
		{"gid_map", fmt.Sprintf("%d %d 1\n", gid, gid)},
	} {
		path := fmt.Sprintf("/proc/%d/%s", pid, file.name)
		if err := os.WriteFile(path, []byte(file.text), 0); err != nil {
			return fmt.Errorf("write %s: %w", strings.TrimPrefix(path, "/proc/"), err)
		}
	}
	_, err := unix.Write(g.writer, []byte{1})
	return err
}

func (g *gate) close() {
	unix.Close(g.reader)
	unix.Close(g.writer)
}
