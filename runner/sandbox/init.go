package sandbox

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// report is what the init tells by its control connection: first how the start went, then
// the end of the program. Both ends are the same program, so it travels as it lies in memory,
// each in a packet of its own.
type report struct {
	kind uint64
	// value is the number of the call that failed, or the status as wait(2) gives it.
	value uint64
	// extra is the error of the call, or the largest resident size in kilobytes.
	extra uint64
}

const (
	reportFailed = iota + 1
	// reportListener comes before the start and brings the socket of the proxy along.
	reportListener
	reportStarted
	reportEnded
)

// reportSize is how many bytes a report has.
const reportSize = int(unsafe.Sizeof(report{}))

// decode reads a report that came as it lies in memory.
func decode(b [reportSize]byte) report { return *(*report)(unsafe.Pointer(&b)) }

// asEnd is how the program ended as its init saw it.
func (r report) asEnd() End {
	return endOf(syscall.WaitStatus(r.value), syscall.Rusage{Maxrss: int64(r.extra)})
}

// fork makes the init of a box: a copy of this process with this thread alone, which goes
// through the script and never comes back here.
//
// A copy without its other threads has no Go runtime: no memory can be had, no stack can
// grow, no goroutine can be switched. So from here on only functions are called that have
// their whole stack (nosplit), and they do nothing but system calls. Signals stay blocked,
// because their handlers are Go's; process 1 of a box needs none, and those that it cannot
// refuse (SIGKILL from outside) need no handler.
func (s *script) fork(flags uintptr) (int, error) {
	runtime.LockOSThread() // the thread whose signals are blocked
	defer runtime.UnlockOSThread()
	s.blocked = ^uint64(0)
	pid, errno := s.clone(flags)
	runtime.KeepAlive(s)
	if errno != 0 {
		return 0, errno
	}
	return int(pid), nil
}

//go:nosplit
//go:norace
func (s *script) clone(flags uintptr) (uintptr, syscall.Errno) {
	const setMask, size = 2, 8 // SIG_SETMASK, bytes of a set of signals
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, setMask,
		uintptr(unsafe.Pointer(&s.blocked)), uintptr(unsafe.Pointer(&s.before)), size, 0, 0)
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 && errno == 0 {
		s.live()
	}
	syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&s.before)), 0, size, 0, 0)
	return pid, errno
}

// live is the life of process 1 of a box: it sets the box up, starts the program in it,
// reaps what becomes an orphan, and ends with the program; the kernel then kills what is
// left.
//
//go:nosplit
//go:norace
func (s *script) live() {
	if at, errno := carryOut(s.setUp); errno != 0 {
		s.tell(reportFailed, uint64(at), uint64(errno))
		exit(1)
	}
	// It goes on here when the program was executed, or has ended before it was.
	pid, errno := vfork()
	if errno != 0 {
		s.tell(reportFailed, uint64(len(s.setUp)), uint64(errno))
		exit(1)
	}
	if pid == 0 {
		at, errno := carryOut(s.execute)
		s.tell(reportFailed, uint64(len(s.setUp)+at), uint64(errno))
		exit(1)
	}
	s.tell(reportStarted, 0, 0)
	s.await(pid)
}

// vfork makes a child that has this memory and this stack until it executes a program or
// ends; only then does it return here as well (vfork(2)).
//
//go:noescape
func vfork() (pid, errno uintptr)

// await reaps every child until the program has ended.
//
//go:nosplit
//go:norace
func (s *script) await(program uintptr) {
	for {
		pid, _, errno := syscall.RawSyscall6(unix.SYS_WAIT4, anything,
			uintptr(unsafe.Pointer(&s.status)), 0, uintptr(unsafe.Pointer(&s.usage)), 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			exit(1)
		}
		if pid == program {
			s.tell(reportEnded, uint64(s.status), uint64(s.usage.Maxrss))
			exit(0)
		}
	}
}

// carryOut carries out calls until one fails, and returns which.
//
//go:nosplit
//go:norace
func carryOut(calls []call) (int, syscall.Errno) {
	for i := 0; i < len(calls); i++ {
		c := &calls[i]
		got, _, errno := syscall.RawSyscall6(c.number, c.args[0], c.args[1], c.args[2], c.args[3], c.args[4], c.args[5])
		switch {
		case errno != 0 && (c.pass == anything || c.pass == uintptr(errno)):
			i += c.failed
		case errno != 0:
			return i, errno
		case c.want != anything && c.want != got:
			return i, syscall.EPROTO
		default:
			i += c.done
		}
	}
	return len(calls), 0
}

// tell sends a report. Nobody reading means that nobody waits for it.
//
//go:nosplit
//go:norace
func (s *script) tell(kind, value, extra uint64) {
	s.report.kind, s.report.value, s.report.extra = kind, value, extra
	syscall.RawSyscall6(unix.SYS_WRITE, s.control, uintptr(unsafe.Pointer(&s.report)), unsafe.Sizeof(s.report), 0, 0, 0)
}

//go:nosplit
//go:norace
func exit(status uintptr) {
	for {
		syscall.RawSyscall6(unix.SYS_EXIT_GROUP, status, 0, 0, 0, 0, 0)
	}
}
