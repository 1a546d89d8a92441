package progress

import (
	"errors"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// reconnectAfter is the shortest time between two attempts to connect, and how long a
// connection may take to come about.
const reconnectAfter = time.Second

// cache sets one key in memcached, in its text protocol (doc/protocol.txt of
// memcached, "Storage commands"), by system calls that never wait. The storage commands
// carry noreply, so that nothing ever has to be read; whatever arrives all the same is
// an error or not memcached, and ends the connection.
type cache struct {
	head    string // "set KEY 0 TTL "
	address string
	now     func() time.Time

	fd         int // -1 when there is none
	connecting bool
	tried      time.Time
	buffer     []byte
}

func newCache(key string, fd int, address string, now func() time.Time) *cache {
	c := &cache{
		head:    "set " + key + " 0 " + strconv.Itoa(int(TTL/time.Second)) + " ",
		address: address, now: now, fd: -1,
	}
	if fd > 0 && unix.SetNonblock(fd, true) == nil {
		c.fd = fd
	}
	return c
}

// set sends one document and reports whether it went out whole.
func (c *cache) set(document []byte) bool {
	b := append(c.buffer[:0], c.head...)
	b = strconv.AppendInt(b, int64(len(document)), 10)
	b = append(b, " noreply\r\n"...)
	b = append(b, document...)
	c.buffer = append(b, "\r\n"...)
	if c.fd >= 0 && c.write() {
		return true
	}
	return c.connect() && c.write()
}

// write sends the buffer in one call. Half a command would spoil the next one, so
// anything but all of it ends the connection.
func (c *cache) write() bool {
	if !c.ready() {
		return false
	}
	n, err := unix.SendmsgN(c.fd, c.buffer, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	if err != nil || n < len(c.buffer) {
		c.close()
		return false
	}
	return true
}

// ready reports whether the connection stands, is silent and alive.
func (c *cache) ready() bool {
	if c.connecting {
		poll := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(poll, 0)
		if n == 0 && err == nil && c.now().Sub(c.tried) < reconnectAfter {
			return false
		}
		if failed, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); n == 0 || err != nil || failed != 0 {
			c.close()
			return false
		}
		c.connecting = false
	}
	var answer [1]byte
	_, _, err := unix.Recvfrom(c.fd, answer[:], unix.MSG_DONTWAIT)
	if errors.Is(err, unix.EAGAIN) {
		return true
	}
	c.close()
	return false
}

// connect begins a connection, at most once a second; it reports whether there is one.
func (c *cache) connect() bool {
	now := c.now()
	if c.fd >= 0 || c.address == "" || !c.tried.IsZero() && now.Sub(c.tried) < reconnectAfter {
		return false
	}
	c.tried = now
	family, address, ok := socketAddress(c.address)
	if !ok {
		return false
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	err = unix.Connect(fd, address)
	c.fd, c.connecting = fd, errors.Is(err, unix.EINPROGRESS)
	if err != nil && !c.connecting {
		c.close()
	}
	return c.fd >= 0
}

func (c *cache) close() {
	if c.fd >= 0 {
		unix.Close(c.fd)
	}
	c.fd, c.connecting = -1, false
}

// socketAddress reads a path or IP:PORT.
func socketAddress(text string) (family int, address unix.Sockaddr, ok bool) {
	if text[0] == '/' || text[0] == '@' {
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: text}, true
	}
	parsed, err := netip.ParseAddrPort(text)
	if err != nil {
		return 0, nil, false
	}
	port := int(parsed.Port())
	if ip := parsed.Addr().Unmap(); ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: ip.As4()}, true
	}
	six := unix.SockaddrInet6{Port: port, Addr: parsed.Addr().As16()}
	if zone, err := strconv.ParseUint(parsed.Addr().Zone(), 10, 32); err == nil {
		six.ZoneId = uint32(zone)
	}
	return unix.AF_INET6, &six, true
}
