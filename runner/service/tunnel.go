package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"convertd/runner/service/guard"
)

// Tunnel makes connections by the proxy of a box (CONNECT, RFC 9110 section 9.3.6), which
// looks up names, checks addresses and refuses hosts that nobody granted.
type Tunnel struct {
	// Proxy is its address as the environment names it: http://127.0.0.1:PORT.
	Proxy string
}

// refusedError says that the proxy does not let a host be spoken to; its text is why.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

// refusal says why a connection was not allowed, if that is what err means.
func refusal(err error) (why string, refused bool) {
	var byProxy *refusedError
	var byGuard *guard.RefusedError
	switch {
	case errors.As(err, &byProxy):
		return byProxy.why, true
	case errors.As(err, &byGuard):
		return byGuard.Why, true
	}
	return "", false
}

// DialContext connects to HOST:PORT.
func (t Tunnel) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	at, err := url.Parse(t.Proxy)
	if err != nil || at.Host == "" {
		return nil, &refusedError{"the recipe grants no hosts in [access]"}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return nil, fmt.Errorf("reach the proxy of the box: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	through, err := ask(conn, address)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return through, nil
}

// ask asks for one connection.
func ask(conn net.Conn, address string) (net.Conn, error) {
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address); err != nil {
		return nil, fmt.Errorf("ask the proxy of the box: %w", err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return nil, fmt.Errorf("ask the proxy of the box: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return &tunnel{Conn: conn, reader: reader}, nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // the status alone will do
	why := strings.TrimSpace(string(text))
	if response.StatusCode == http.StatusForbidden {
		return nil, &refusedError{strings.TrimSuffix(why, ".")}
	}
	return nil, fmt.Errorf("%s (%s)", why, response.Status)
}

// tunnel is a connection of which some bytes may have been read already.
type tunnel struct {
	net.Conn
	reader *bufio.Reader
}

func (t *tunnel) Read(p []byte) (int, error) { return t.reader.Read(p) }

// dialError is a failure to make a connection: the service has got nothing.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// beforeSent reports whether a failure came before the service could get a request.
func beforeSent(err error) bool {
	var dial *dialError
	return errors.As(err, &dial)
}
