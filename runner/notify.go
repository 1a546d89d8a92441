package runner

import (
	"encoding/hex"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"convertd/runner/progress/reading"
	"convertd/runner/sandbox"
)

// maxNotify is how long a datagram may be; longer ones are cut.
const maxNotify = 4 << 10

// maxSocketPath is what the kernel takes for the address of a unix socket (unix(7)).
const maxSocketPath = 107

// notifySocket receives what programs say with sd_notify.
type notifySocket struct {
	file *os.File
	// address is what NOTIFY_SOCKET says.
	address string
	done    chan struct{}
}

// openNotify binds the socket inside the work folder, or, if that path is too long, to
// an abstract name nobody can guess. It starts reading.
func (a *attempt) openNotify() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	s := &notifySocket{file: os.NewFile(uintptr(fd), "notify"), address: a.work.notify, done: make(chan struct{})}
	if len(s.address) > maxSocketPath {
		var random [16]byte
		if _, err := unix.Getrandom(random[:], 0); err != nil {
			s.file.Close()
			return err
		}
		s.address = "@convertd-" + hex.EncodeToString(random[:])
	}
	if err := bind(fd, s.address, a.box); err != nil {
		s.file.Close()
		return err
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

func bind(fd int, address string, box sandbox.Confinement) error {
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: address}); err != nil {
		return err
	}
	if address[0] == '@' || box.UID == 0 {
		return nil
	}
	return os.Lchown(address, box.UID, box.GID)
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
