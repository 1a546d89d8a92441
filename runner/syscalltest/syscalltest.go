// Package syscalltest owns a judge between a process under test and its kernel: each call
// that changes files is shown to the test first, which lets it pass, fails it with an
// error of its choice, or kills the process right before it. So a full disk, a broken one,
// a crash between any two steps and the recovery from them can be tried call by call,
// without a device that is really ill.
//
// It works by seccomp's user notifications (seccomp_unotify(2), since Linux 5.19 with
// what is needed here), which children inherit. It is imported by tests only; it may import the
// standard library and golang.org/x/sys/unix.
package syscalltest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Environment of a process that is to be judged: where the judge listens, and the program
// to become, for one that is not a test binary.
const (
	judgeVariable   = "CONVERTD_TEST_JUDGE"
	programVariable = "CONVERTD_TEST_JUDGED_PROGRAM"
)

// Call is one system call that a process is about to make.
type Call struct {
	// PID is the thread that makes it.
	PID int
	// Name is the kernel's: fsync, renameat, write …
	Name string
	// Path is the file that it is about: for a rename the new name.
	Path string
}

// Verdict is what becomes of a call; its zero value lets it pass.
type Verdict struct {
	// Errno fails the call with this error.
	Errno unix.Errno
	// Kill ends the process before the call, as SIGKILL does.
	Kill bool
}

// Judge decides about calls, one at a time.
type Judge func(Call) Verdict

// Watch has judge decide about the calls of processes that get the environment returned,
// until the test ends. They must have ended before.
func Watch(t testing.TB, judge Judge) (env []string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "judge")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	var one sync.Mutex
	c := &court{judge: func(call Call) Verdict {
		one.Lock()
		defer one.Unlock()
		return judge(call)
	}, over: make(chan struct{})}
	c.work.Go(func() { c.accept(listener) })
	t.Cleanup(func() {
		close(c.over)
		_ = listener.Close()
		c.work.Wait()
	})
	return []string{judgeVariable + "=" + socket}
}

// Script writes a program that runs another one under the judge of env, for callers that
// start a program by its path alone. The test binary must call Enter.
func Script(t testing.TB, dir string, env []string, program string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\n"
	for _, e := range append(env, programVariable+"="+program) {
		text += "export '" + e + "'\n"
	}
	path := filepath.Join(dir, "judged-"+filepath.Base(program))
	if err := os.WriteFile(path, []byte(text+"exec "+self+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Enter is the first thing that TestMain does, with the environment of the process: one
// that is to be judged is put under its judge and starts anew. It returns nil in a process
// that is not, and otherwise only an error.
func Enter(environ []string) error {
	var socket, program string
	var rest []string
	for _, e := range environ {
		switch name, value, _ := strings.Cut(e, "="); name {
		case judgeVariable:
			socket = value
		case programVariable:
			program = value
		default:
			rest = append(rest, e)
		}
	}
	if socket == "" {
		return nil
	}
	if err := enter(socket, program, rest); err != nil {
		return fmt.Errorf("put this process under its judge: %w", err)
	}
	return nil
}

// enter filters this thread and executes: the new program has no other.
func enter(socket, program string, environ []string) error {
	runtime.LockOSThread()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
		return err
	}
	args := append([]string{program}, os.Args[1:]...)
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return err
		}
		args = os.Args
	}
	listener, err := install()
	if err != nil {
		return err
	}
	if err := unix.Sendmsg(fd, []byte{0}, unix.UnixRights(listener), nil, 0); err != nil {
		return err
	}
	return syscall.Exec(program, args, environ)
}

// install filters the calls of this thread and returns the descriptor that tells of them.
func install() (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil && os.Geteuid() != 0 {
		return -1, err
	}
	f := filter()
	program := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return -1, fmt.Errorf("install the filter of system calls: %w", errno)
	}
	return int(fd), nil
}

// watched are the calls that are judged, with the number of the argument that names the
// file, and whether that is a path or a descriptor.
type watched struct {
	number uint32
	name   string
	arg    int // -1 for none
	isPath bool
	// only is judged when an argument has one of these bits; 0 is always.
	only, bits uint32
}

func calls() []watched {
	return []watched{
		{unix.SYS_FSYNC, "fsync", 0, false, 0, 0},
		{unix.SYS_FDATASYNC, "fdatasync", 0, false, 0, 0},
		{unix.SYS_WRITE, "write", 0, false, 0, 0},
		{unix.SYS_PWRITE64, "pwrite64", 0, false, 0, 0},
		{unix.SYS_CLOSE, "close", 0, false, 0, 0},
		{unix.SYS_FTRUNCATE, "ftruncate", 0, false, 0, 0},
		{unix.SYS_RENAMEAT, "renameat", 3, true, 0, 0},
		{unix.SYS_MKDIRAT, "mkdirat", 1, true, 0, 0},
		{unix.SYS_LINKAT, "linkat", 3, true, 0, 0},
		{unix.SYS_OPENAT, "openat", 1, true, 2, unix.O_CREAT},
		// Threads are made by clone without these flags.
		{unix.SYS_CLONE, "clone", -1, false, 0, unix.CLONE_VFORK},
		{unix.SYS_CLONE3, "clone", -1, false, 0, 0},
	}
}

// filter is a program for the kernel's classic BPF machine over struct seccomp_data.
func filter() []unix.SockFilter {
	const number, args = 0, 16
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	judged := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF}
	f := []unix.SockFilter{load(number)}
	for _, c := range calls() {
		rules := []unix.SockFilter{judged}
		if c.bits != 0 {
			rules = []unix.SockFilter{load(args + 8*c.only),
				{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: c.bits, Jf: 1}, judged, load(number)}
		}
		f = append(f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: c.number, Jf: uint8(len(rules))})
		f = append(f, rules...)
	}
	return append(f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
}

// threadOf names the folder of a thread in /proc.
func threadOf(pid int) string { return "/proc/" + strconv.Itoa(pid) }
