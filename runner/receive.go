package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// ErrNoSpec means that the parent closed the descriptor before a whole Spec was read.
var ErrNoSpec = errors.New("no spec arrived")

// ReceiveSpec waits for the Spec on a descriptor; idle is called before it has to wait, if
// it has to. Of the descriptors that come along with
// it over a unix socket the first, the lock, is merely kept open; the second becomes the
// status connection of the Spec.
func ReceiveSpec(fd int, idle func()) (Spec, error) {
	if !arrived(fd) {
		idle()
	}
	r := &specReader{fd: fd}
	var spec Spec
	err := json.NewDecoder(r).Decode(&spec)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Spec{}, ErrNoSpec
	case err != nil:
		return Spec{}, fmt.Errorf("read spec: %w", err)
	case spec.Version != SpecVersion:
		return Spec{}, fmt.Errorf("read spec: it has version %d, this program speaks %d", spec.Version, SpecVersion)
	case spec.Job == "" || spec.Attempt < 1 || spec.Dir == "":
		return Spec{}, fmt.Errorf("read spec: job, attempt or folder is missing")
	}
	if len(r.came) > 1 {
		spec.Status.FD = r.came[1]
	}
	spec.Limits = withDefaults(spec.Limits)
	return spec, nil
}

// arrived reports whether there is something to read, or the end.
func arrived(fd int) bool {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(poll, 0)
	return err == nil && n > 0
}

// specReader reads a pipe or a unix socket by system calls.
type specReader struct {
	fd     int
	isPipe bool
	came   []int // descriptors that arrived
}

// Read waits for bytes; 0 bytes from the kernel are the end.
func (r *specReader) Read(p []byte) (int, error) {
	for {
		n, err := r.receive(p)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			poll := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}
			if _, err := unix.Poll(poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
				return 0, err
			}
		case errors.Is(err, unix.ECONNRESET), err == nil && n == 0:
			return 0, io.EOF
		default:
			return max(n, 0), err
		}
	}
}

func (r *specReader) receive(p []byte) (int, error) {
	if r.isPipe {
		return unix.Read(r.fd, p)
	}
	oob := make([]byte, unix.CmsgSpace(2*4))
	n, oobn, _, _, err := unix.Recvmsg(r.fd, p, oob, unix.MSG_CMSG_CLOEXEC)
	if errors.Is(err, unix.ENOTSOCK) {
		r.isPipe = true
		return unix.Read(r.fd, p)
	}
	if err == nil && oobn > 0 {
		err = r.keep(oob[:oobn])
	}
	return n, err
}

// keep remembers descriptors that arrived.
func (r *specReader) keep(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("read spec: %w", err)
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			r.came = append(r.came, fds...)
		}
	}
	return nil
}
