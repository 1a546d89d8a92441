package systemd

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// Inbox receives what children say with sd_notify; it is the manager's side, for a
// process that supervises services of its own.
type Inbox struct {
	path string
	conn *net.UnixConn
}

// Listen opens an inbox at path, replacing what a dead predecessor left there.
func Listen(path string) (*Inbox, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("open notification socket: %w", err)
	}
	return &Inbox{path: path, conn: conn}, nil
}

// Receive waits for the next message and returns its assignments. It returns
// net.ErrClosed after Close.
func (i *Inbox) Receive() (map[string]string, error) {
	buffer := make([]byte, 4096)
	n, err := i.conn.Read(buffer)
	if err != nil {
		return nil, err
	}
	said := map[string]string{}
	for line := range bytes.Lines(buffer[:n]) {
		key, value, _ := strings.Cut(strings.TrimRight(string(line), "\n"), "=")
		said[key] = value
	}
	return said, nil
}

// Close ends Receive and removes the socket.
func (i *Inbox) Close() error { return errors.Join(i.conn.Close(), os.Remove(i.path)) }
