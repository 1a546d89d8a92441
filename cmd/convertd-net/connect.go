package main

import (
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
func dialProxy(proxy, address string) (*buffered, error) {
	at, err := url.Parse(proxy)
	if err != nil || at.Host == "" {
		return nil, errors.New("HTTPS_PROXY names no proxy: the recipe grants no hosts under [access]")
	}
	conn, err := net.DialTimeout("tcp", at.Host, proxyPatience)
	if err != nil {
		return nil, fmt.Errorf("reach the proxy of the box: %w", err)
	}
	c := newBuffered(conn)
	if err := c.ask(address); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// ask asks the proxy at the other end to connect us to the address.
func (c *buffered) ask(address string) error {
	if err := c.SetDeadline(time.Now().Add(proxyPatience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address); err != nil {
		return fmt.Errorf("ask the proxy of the box: %w", err)
	}
	request := &http.Request{Method: http.MethodConnect}
	resp, err := http.ReadResponse(c.reader, request)
	if err != nil {
		return fmt.Errorf("ask the proxy of the box: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return errors.New(strings.TrimSpace(string(why)))
	}
	return c.SetDeadline(time.Time{})
}
