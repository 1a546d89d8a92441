// Package process owns knowing a process for certain: a pid alone may be given to
// another program, so a process is named by pid and start time, and a boot by its id.
// It signals and awaits processes that may be nobody's children, and finds those of
// an attempt where no control group does.
//
// It does not own when anything is signalled (dispatcher). It may import the standard
// library and golang.org/x/sys/unix. The files are those of proc(5).
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Name names one process of the running system for certain.
type Name struct {
	PID int `json:"pid"`
	// Start is the start time in clock ticks since boot, field 22 of /proc/PID/stat.
	Start uint64 `json:"start"`
}

// NameOf returns the name of a live process; os.ErrNotExist if there is none.
func NameOf(pid int) (Name, error) {
	s, err := readStat(pid)
	if err != nil {
		return Name{}, err
	}
	return Name{PID: pid, Start: s.start}, nil
}

// BootID returns the id of the running boot.
func BootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Monotonic returns the time on CLOCK_MONOTONIC, which goes on over processes of one
// boot, stands still while the machine is suspended and knows no clock changes.
func Monotonic() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("read monotonic clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// Handle holds one process, whose parent may be anybody; a pid that is given to
// another process meanwhile is never signalled through it.
type Handle struct {
	name Name
	fd   int
}

// Open returns a handle of the process of that name; os.ErrNotExist when it has ended.
func Open(name Name) (*Handle, error) {
	fd, err := unix.PidfdOpen(name.PID, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return nil, os.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("open process %d: %w", name.PID, err)
	}
	now, err := readStat(name.PID)
	if err != nil || now.start != name.Start || now.ended() {
		unix.Close(fd)
		return nil, os.ErrNotExist
	}
	return &Handle{name: name, fd: fd}, nil
}

// Signal sends a signal; os.ErrProcessDone when the process has ended.
func (h *Handle) Signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(h.fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	if err != nil {
		return fmt.Errorf("signal process %d: %w", h.name.PID, err)
	}
	return nil
}

// Wait returns when the process has ended, or with the context's error.
func (h *Handle) Wait(ctx context.Context) error {
	const look = 200 * time.Millisecond // how late a cancelled context may be noticed
	for {
		fds := []unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(look.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for process %d: %w", h.name.PID, err)
		}
		if n > 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Close gives the handle back; the process is not affected.
func (h *Handle) Close() { unix.Close(h.fd) }

// stat is what we need of /proc/PID/stat.
type stat struct {
	state  byte
	parent int
	start  uint64
}

func (s stat) ended() bool { return s.state == 'Z' || s.state == 'X' }

func readStat(pid int) (stat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, unix.ESRCH) {
		return stat{}, os.ErrNotExist
	}
	if err != nil {
		return stat{}, err
	}
	return parseStat(b)
}

// parseStat skips the program's name, which may hold blanks and parentheses.
func parseStat(b []byte) (stat, error) {
	_, rest, found := bytes.Cut(b, []byte("("))
	end := bytes.LastIndexByte(rest, ')')
	if !found || end < 0 {
		return stat{}, errors.New("malformed /proc/PID/stat")
	}
	f := strings.Fields(string(rest[end+1:]))
	if len(f) < 20 || len(f[0]) != 1 {
		return stat{}, errors.New("malformed /proc/PID/stat")
	}
	parent, errParent := strconv.Atoi(f[1])
	start, errStart := strconv.ParseUint(f[19], 10, 64)
	return stat{state: f[0][0], parent: parent, start: start}, errors.Join(errParent, errStart)
}
