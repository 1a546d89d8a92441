package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// proxyPatience bounds how long the proxy may take to connect.
const proxyPatience = time.Minute

// connect joins standard input and output to HOST PORT through the proxy that the
// environment names: for programs that speak TCP and know no proxy. In ssh(1) that is
// ProxyCommand=convertd-net connect %h %p.
func connect(args []string) int {
	if len(args) != 2 {
		return fail(exitUsage, errors.New("connect takes HOST PORT"))
	}
	conn, err := dialProxy(os.Getenv("HTTPS_PROXY"), net.JoinHostPort(args[0], args[1]))
	if err != nil {
		return fail(exitUnavailable, err)
	}
	defer conn.Close()
	go pass(conn, os.Stdin)
	pass(os.Stdout, conn) // when the other end has nothing more to say nobody needs us
	return 0
}

// dialProxy asks an HTTP proxy for a connection (CONNECT, RFC 9110 section 9.3.6).
func dialProxy(proxy, address string) (*tunnel, error) {
	at, err := url.Parse(proxy)
	if err != nil || at.Host == "" {
		return nil, errors.New("HTTPS_PROXY names no proxy: the recipe grants no hosts under [access]")
	}
	conn, err := net.DialTimeout("tcp", at.Host, proxyPatience)
	if err != nil {
		return nil, fmt.Errorf("reach the proxy of the box: %w", err)
	}
	t := &tunnel{Conn: conn, reader: bufio.NewReader(conn)}
	if err := t.ask(address); err != nil {
		conn.Close()
		return nil, err
	}
	return t, nil
}

// tunnel is a connection by a proxy, of which some bytes may have been read already.
type tunnel struct {
	net.Conn
	reader *bufio.Reader
}

func (t *tunnel) Read(p []byte) (int, error) { return t.reader.Read(p) }

// CloseWrite tells the other end that nothing more comes.
func (t *tunnel) CloseWrite() error {
	if c, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return t.Close()
}

func (t *tunnel) ask(address string) error {
	if err := t.SetDeadline(time.Now().Add(proxyPatience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(t, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address); err != nil {
		return fmt.Errorf("ask the proxy of the box: %w", err)
	}
	request := &http.Request{Method: http.MethodConnect}
	resp, err := http.ReadResponse(t.reader, request)
	if err != nil {
		return fmt.Errorf("ask the proxy of the box: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return errors.New(strings.TrimSpace(string(why)))
	}
	return t.SetDeadline(time.Time{})
}
