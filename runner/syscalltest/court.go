package syscalltest

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// court hears the calls of all processes of one Watch.
type court struct {
	judge Judge
	over  chan struct{}
	work  sync.WaitGroup
}

// accept takes the descriptors that processes send.
func (c *court) accept(listener *net.UnixListener) {
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			return
		}
		b, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
		_, n, _, _, err := conn.ReadMsgUnix(b, oob)
		_ = conn.Close()
		if err != nil {
			continue
		}
		messages, err := unix.ParseSocketControlMessage(oob[:n])
		if err != nil || len(messages) == 0 {
			continue
		}
		if fds, err := unix.ParseUnixRights(&messages[0]); err == nil && len(fds) == 1 {
			c.work.Go(func() { c.hear(fds[0]) })
		}
	}
}

// notice and reply are struct seccomp_notif and seccomp_notif_resp.
type notice struct {
	id      uint64
	pid     uint32
	flags   uint32
	number  int32
	arch    uint32
	pointer uint64
	args    [6]uint64
}

type reply struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// hear answers calls until the processes have ended or the test has.
func (c *court) hear(fd int) {
	defer unix.Close(fd)
	for {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 100)
		select {
		case <-c.over:
			return
		default:
		}
		if err != nil && !errors.Is(err, unix.EINTR) || poll[0].Revents&unix.POLLHUP != 0 {
			return
		}
		if n > 0 && err == nil {
			c.hearOne(fd)
		}
	}
}

func (c *court) hearOne(fd int) {
	var told notice
	if !ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&told)) {
		return // it was interrupted and comes again
	}
	answer := reply{id: told.id}
	v := c.judge(callOf(told))
	switch {
	case v.Kill:
		// SIGKILL ends the call unanswered; the number of a thread will do for it.
		_ = unix.Kill(groupOf(int(told.pid)), unix.SIGKILL)
		return
	case v.Errno != 0:
		answer.errno = -int32(v.Errno)
	default:
		answer.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	}
	ioctl(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer))
}

func ioctl(fd int, request uintptr, into unsafe.Pointer) bool {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(into))
	return errno == 0
}

func callOf(told notice) Call {
	call := Call{PID: int(told.pid)}
	for _, w := range calls() {
		if w.number != uint32(told.number) {
			continue
		}
		call.Name = w.name
		switch {
		case w.arg < 0:
		case w.isPath:
			call.Path = pathAt(call.PID, told.args[w.arg-1], told.args[w.arg])
		default:
			call.Path, _ = os.Readlink(threadOf(call.PID) + "/fd/" + strconv.Itoa(int(int32(told.args[w.arg]))))
		}
	}
	return call
}

// pathAt reads a path from the memory of a process, which waits for us, and puts the
// folder before it that it is relative to.
func pathAt(pid int, folder, address uint64) string {
	memory, err := os.Open(threadOf(pid) + "/mem")
	if err != nil {
		return ""
	}
	defer memory.Close()
	text := make([]byte, 0, 256)
	for len(text) < 4096 {
		b := make([]byte, 64)
		n, _ := memory.ReadAt(b, int64(address)+int64(len(text)))
		if n == 0 {
			break
		}
		if before, _, ended := strings.Cut(string(b[:n]), "\x00"); ended {
			text = append(text, before...)
			break
		}
		text = append(text, b[:n]...)
	}
	path := string(text)
	if filepath.IsAbs(path) || int32(folder) == unix.AT_FDCWD {
		return path
	}
	base, _ := os.Readlink(threadOf(pid) + "/fd/" + strconv.Itoa(int(int32(folder))))
	return filepath.Join(base, path)
}

// groupOf is the process that a thread belongs to.
func groupOf(thread int) int {
	status, _ := os.ReadFile(threadOf(thread) + "/status")
	if _, rest, found := strings.Cut(string(status), "\nTgid:"); found {
		if pid, err := strconv.Atoi(strings.Fields(rest)[0]); err == nil {
			return pid
		}
	}
	return thread
}
