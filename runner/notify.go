package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"convertd/runner/progress/reading"
	"convertd/runner/sandbox"
)

// maxNotify is how long a datagram may be; longer ones are cut.
const maxNotify = 4 << 10

// maxSocketPath is what the kernel takes for the address of a unix socket (unix(7)).
const maxSocketPath = 107

// shortNotify is where the box sees a socket whose own path is longer than that.
const shortNotify = "/run/convertd/notify"

// notifySocket receives what programs say with sd_notify.
type notifySocket struct {
	file *os.File
	// address is what NOTIFY_SOCKET says.
	address string
	done    chan struct{}
}

// openNotify binds the socket inside the work folder and starts reading. Where that path
// is too long for an address the box sees the socket at a short one.
func (a *attempt) openNotify() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	s := &notifySocket{file: os.NewFile(uintptr(fd), "notify"), address: a.work.notify, done: make(chan struct{})}
	if err := bindBelow(fd, a.work.notify, a.box); err != nil {
		s.file.Close()
		return err
	}
	if len(s.address) > maxSocketPath {
		s.address = shortNotify
		a.box.Extra = append(a.box.Extra, sandbox.Bind(a.work.notify, shortNotify))
	}
	a.notify = s
	go s.read(func(datagram []byte) {
		if u, ok := reading.Notify(string(datagram)); ok {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.note(u)
		}
	})
	return nil
}

// bindBelow binds the socket by way of its open folder, because an address is short.
func bindBelow(fd int, path string, box sandbox.Confinement) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	address := "/proc/self/fd/" + strconv.Itoa(int(folder.Fd())) + "/" + filepath.Base(path)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: address}); err != nil {
		return err
	}
	if box.UID == 0 {
		return nil
	}
	return os.Lchown(path, box.UID, box.GID)
}

// read takes datagrams until the socket is closed. Descriptors that come along are
// dropped by the kernel, because no room is made for them.
func (s *notifySocket) read(take func([]byte)) {
	defer close(s.done)
	raw, err := s.file.SyscallConn()
	if err != nil {
		return
	}
	buffer := make([]byte, maxNotify)
	for {
		var n int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, _, failed = unix.Recvfrom(int(fd), buffer, unix.MSG_DONTWAIT)
			return !errors.Is(failed, syscall.EAGAIN)
		})
		if err != nil || failed != nil && !errors.Is(failed, syscall.EINTR) {
			return
		}
		if failed == nil {
			take(buffer[:n])
		}
	}
}

// close ends the reading; the socket's file goes with the work folder.
func (s *notifySocket) close() {
	if s == nil {
		return
	}
	s.file.Close()
	<-s.done
}
