package sandbox

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is one started program. On a pseudo-terminal everything it prints comes by
// Stdout and Stderr is nil; Progress is nil unless it was asked for.
type Process struct {
	PID                      int
	Stdout, Stderr, Progress *os.File
	// Listener is the socket on which the box reaches its proxy, nil unless its network
	// is Proxied. It is the caller's to close.
	Listener *os.File
	// Helper is a process outside of the box that ends after it, such as that proxy: it
	// gets only the signal that ends everything.
	Helper *Process

	// PID is the init of the box. It tells the start and the end of the program by control.
	control *os.File
	ended   chan End
	gone    chan struct{}
}

// End is how a program ended.
type End struct {
	// Code is the exit status, -1 when a signal ended it.
	Code   int
	Signal syscall.Signal
	// MaxRSS is the largest resident size of the program, in bytes.
	MaxRSS int64
}

// Streams returns the open streams.
func (p *Process) Streams() []*os.File {
	var open []*os.File
	for _, f := range []*os.File{p.Stdout, p.Stderr, p.Progress} {
		if f != nil {
			open = append(open, f)
		}
	}
	return open
}

// Close closes the streams, and lets go of the helper, which has ended by then.
func (p *Process) Close() {
	if p.Helper != nil {
		p.Helper.Close()
		p.Helper.forget()
	}
	for _, f := range p.Streams() {
		f.Close()
	}
}

// Reap waits for every child of this process, the program and the orphans that came to
// us, until there is none: then no process of the attempt is left. It reports the end
// of the program at once on the channel; KillAll sees to the rest.
func (p *Process) Reap() <-chan End {
	p.ended, p.gone = make(chan End, 1), make(chan struct{})
	go p.reap()
	return p.ended
}

func (p *Process) reap() {
	defer close(p.gone)
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return // ECHILD: nobody is left
		}
		if pid == p.PID {
			p.ended <- p.verdict(endOf(status, usage))
		}
	}
}

func endOf(status syscall.WaitStatus, usage syscall.Rusage) End {
	end := End{Code: status.ExitStatus(), MaxRSS: usage.Maxrss << 10}
	if status.Signaled() {
		end.Code, end.Signal = -1, status.Signal()
	}
	return end
}

// Signal sends a signal to every process of the box, and wakes those that are stopped so
// that they notice. The init gets only the one that ends everything.
func (p *Process) Signal(signal syscall.Signal) {
	all := Descendants()
	if signal != syscall.SIGKILL {
		all = slices.DeleteFunc(all, p.spared())
	}
	for _, pid := range all {
		// A process that has just gone is what we want anyway.
		_ = syscall.Kill(pid, signal)
		if signal != syscall.SIGKILL {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
}

// spared tells the processes that are only ended when everything is.
func (p *Process) spared() func(pid int) bool {
	spared := []int{p.PID}
	if p.Helper != nil {
		spared = append(append(spared, p.Helper.PID), descendantsOf(p.Helper.PID)...)
	}
	return func(pid int) bool { return slices.Contains(spared, pid) }
}

// KillAll kills every descendant of this process again and again until none is left or
// the patience is over; it reports whether none is left. Reap must be running.
func (p *Process) KillAll(patience time.Duration) bool {
	select {
	case <-p.gone:
		return true
	default:
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		p.Signal(syscall.SIGKILL)
		select {
		case <-p.gone:
			return true
		case <-deadline.C:
			return false
		case <-again.C:
		}
	}
}

// files are the ends of streams that the program gets as its descriptors 0, 1, 2 and 3.
type files []int

func (f files) close() {
	for i, fd := range f {
		if i == 2 && fd == f[1] {
			continue // both streams are the same pseudo-terminal
		}
		syscall.Close(fd)
	}
}

// open makes the streams; our ends go into the Process, the others are returned.
func (p *Process) open(cmd Command) (ends files, err error) {
	input, err := openInput(cmd.Input)
	if err != nil {
		return nil, err
	}
	ends = files{input}
	defer func() {
		if err != nil {
			ends.close()
		}
	}()
	if cmd.PTY {
		terminal, fd, err := openTerminal()
		if err != nil {
			return ends, err
		}
		p.Stdout = terminal
		ends = append(ends, fd, fd)
	} else {
		for _, ours := range []**os.File{&p.Stdout, &p.Stderr} {
			if *ours, ends, err = appendPipe(ends); err != nil {
				return ends, err
			}
		}
	}
	if cmd.Progress {
		p.Progress, ends, err = appendPipe(ends)
	}
	return ends, err
}

// openInput is a descriptor for standard input, which the caller closes.
func openInput(given *os.File) (int, error) {
	if given != nil {
		fd, err := unix.FcntlInt(given.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return 0, fmt.Errorf("hand over standard input: %w", err)
		}
		return fd, nil
	}
	fd, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("open /dev/null: %w", err)
	}
	return fd, nil
}

// appendPipe makes a pipe whose writing end blocks, as programs expect, and whose
// reading end does not, so that waiting for it takes no thread.
func appendPipe(ends files) (*os.File, files, error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return nil, ends, fmt.Errorf("make pipe: %w", err)
	}
	ends = append(ends, fds[1])
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		syscall.Close(fds[0])
		return nil, ends, fmt.Errorf("make pipe: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "pipe"), ends, nil
}

// openTerminal makes a pseudo-terminal of 80 columns. It never becomes the controlling
// terminal of anybody, so that nothing can be typed into it from inside.
func openTerminal() (*os.File, int, error) {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("open pseudo-terminal: %w", err)
	}
	slave, err := openSlave(master)
	if err != nil {
		unix.Close(master)
		return nil, 0, fmt.Errorf("open pseudo-terminal: %w", err)
	}
	return os.NewFile(uintptr(master), "terminal"), slave, nil
}

func openSlave(master int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return 0, err
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return 0, err
	}
	path := "/dev/pts/" + strconv.Itoa(number)
	slave, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	size := unix.Winsize{Row: 25, Col: 80}
	if err := unix.IoctlSetWinsize(slave, unix.TIOCSWINSZ, &size); err != nil {
		unix.Close(slave)
		return 0, err
	}
	return slave, nil
}
