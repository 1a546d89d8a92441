package main

import (
	"bufio"
	"net"
	"sync"
	"time"
)

// buffered is a connection of which some bytes have been read ahead.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func newBuffered(conn net.Conn) *buffered {
	return &buffered{Conn: conn, reader: bufio.NewReader(conn)}
}

func (c *buffered) Read(p []byte) (int, error) { return c.reader.Read(p) }

// CloseWrite tells the other end that nothing more comes.
func (c *buffered) CloseWrite() error {
	if half, ok := c.Conn.(closeWriter); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

// peekWithin waits for the first byte and leaves it to be read.
func (c *buffered) peekWithin(patience time.Duration) (byte, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	first, err := c.reader.Peek(1)
	if err != nil {
		return 0, err
	}
	return first[0], c.SetReadDeadline(time.Time{})
}

// handed is a listener whose connections somebody else accepted.
type handed struct {
	address net.Addr
	conns   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func newHanded(address net.Addr) *handed {
	return &handed{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (h *handed) give(conn net.Conn) {
	select {
	case h.conns <- conn:
	case <-h.closed:
		conn.Close()
	}
}

// Accept returns the next connection that was given.
func (h *handed) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept; connections that were accepted stay.
func (h *handed) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is where the connections arrived.
func (h *handed) Addr() net.Addr { return h.address }
