package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/service/guard"
)

// listenerFD is the socket that listens inside the box.
const listenerFD = 3

// helloPatience bounds how long a client may take to say what it wants.
const helloPatience = time.Minute

// hosts are what the proxy is told in its argument, as JSON.
type hosts struct {
	// Written stand in the recipe, Given came from parameters (guard.New).
	Written []string `json:"written"`
	Given   []string `json:"given"`
}

// proxy serves the programs of one box: HTTP by absolute addresses, CONNECT and SOCKS 5
// on the same port, each as the first byte says. What is refused is told on standard
// output, a line of JSON each, before the client hears of it.
func proxy(args []string) int {
	if len(args) != 1 {
		return fail(exitUsage, errors.New("proxy takes the granted hosts as JSON"))
	}
	var h hosts
	if err := json.Unmarshal([]byte(args[0]), &h); err != nil {
		return fail(exitUsage, fmt.Errorf("read the granted hosts: %w", err))
	}
	policy, err := guard.New(h.Written, h.Given)
	if err != nil {
		return fail(exitUsage, err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fail(exitUnavailable, fmt.Errorf("hide the proxy: %w", err))
	}
	file := os.NewFile(listenerFD, "listener")
	listener, err := net.FileListener(file)
	if err != nil {
		return fail(exitUnavailable, fmt.Errorf("take the socket of the box: %w", err))
	}
	file.Close()
	// The steps are asked to end before their proxy is: it stays until it is killed, or
	// nobody reads its reports any more.
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		waitForReader(os.Stdout)
		listener.Close()
	}()
	p := newProxyServer(&guard.Dialer{Policy: policy}, os.Stdout)
	if err := p.serve(listener); err != nil && !errors.Is(err, net.ErrClosed) {
		return fail(exitUnavailable, err)
	}
	return 0
}

// waitForReader returns when the reading end of a pipe is closed (poll(2)).
func waitForReader(pipe *os.File) {
	poll := []unix.PollFd{{Fd: int32(pipe.Fd())}}
	for {
		if _, err := unix.Poll(poll, -1); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// proxyServer is a proxy that lets through what its dialer does.
type proxyServer struct {
	dialer *guard.Dialer
	http   *http.Server
	// handed passes connections to the HTTP server.
	handed *handed

	mu      sync.Mutex // guards reports
	reports *json.Encoder
}

func newProxyServer(d *guard.Dialer, reports io.Writer) *proxyServer {
	p := &proxyServer{dialer: d, reports: json.NewEncoder(reports)}
	p.http = &http.Server{
		Handler:           p.httpHandler(),
		ReadHeaderTimeout: helloPatience,
		ErrorLog:          log.New(io.Discard, "", 0), // what programs of a box say wrongly is theirs
	}
	return p
}

// serve accepts connections until the listener is closed.
func (p *proxyServer) serve(l net.Listener) error {
	p.handed = newHanded(l.Addr())
	go func() { _ = p.http.Serve(p.handed) }() // ends when handed is closed
	defer p.handed.Close()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil { // out of descriptors: those in use become free again
			time.Sleep(50 * time.Millisecond)
			continue
		}
		go p.greet(conn)
	}
}

// greet finds out by the first byte which protocol a client speaks.
func (p *proxyServer) greet(conn net.Conn) {
	c := newBuffered(conn)
	first, err := c.peekWithin(helloPatience)
	switch {
	case err != nil:
		conn.Close()
	case first == socksVersion:
		defer conn.Close()
		p.serveSOCKS(c)
	default:
		p.handed.give(c)
	}
}

// dial connects to HOST:PORT if that is granted, and reports it if it is not.
func (p *proxyServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := p.dialer.DialContext(ctx, network, address)
	var refused *guard.RefusedError
	if errors.As(err, &refused) {
		p.report(refused)
	}
	return conn, err
}

// report tells the runner what was refused.
func (p *proxyServer) report(r *guard.RefusedError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.reports.Encode(r) // with nobody to read it the proxy ends
}
