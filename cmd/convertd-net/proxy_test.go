package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"convertd/runner/service/guard"
)

// stage is a proxy with hosts that it grants.
type stage struct {
	address string
	mu      sync.Mutex
	reports bytes.Buffer
}

func (s *stage) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reports.Write(p)
}

// refused returns what was reported so far.
func (s *stage) refused(t *testing.T) []guard.RefusedError {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []guard.RefusedError
	for decoder := json.NewDecoder(&s.reports); ; {
		var r guard.RefusedError
		if err := decoder.Decode(&r); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

func newStage(t *testing.T, written ...string) *stage {
	t.Helper()
	policy, err := guard.New(written, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{address: l.Addr().String()}
	ended := make(chan struct{})
	p := newProxyServer(&guard.Dialer{Policy: policy}, s)
	go func() {
		_ = p.serve(l)
		close(ended)
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return s
}

// client speaks by the proxy, in this scheme of proxies.
func (s *stage) client(t *testing.T, scheme string, trust *httptest.Server) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	if trust != nil {
		transport = trust.Client().Transport.(*http.Transport).Clone()
	}
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: scheme, Host: s.address})
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func answering(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := r.Header.Get("X-Forwarded-For"); f != "" {
			text = "told of " + f
		}
		_, _ = io.WriteString(w, text)
	})
}

// serving starts a server; its address is what a recipe grants.
func serving(t *testing.T, h http.Handler, secure bool) (server *httptest.Server, address string) {
	server = httptest.NewUnstartedServer(h)
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server, server.Listener.Addr().String()
}

func get(t *testing.T, c *http.Client, url string) (status int, text string, err error) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err // what came before an error counts as well
}

func TestProxyLetsThroughWhatIsGranted(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, scheme string
		secure       bool
	}{
		{"HTTP", "http", false}, {"HTTPS by CONNECT", "http", true}, {"HTTP by SOCKS", "socks5", false}, {"HTTPS by SOCKS", "socks5h", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server, address := serving(t, answering("hello"), row.secure)
			s := newStage(t, address)
			status, text, err := get(t, s.client(t, row.scheme, server), server.URL)
			if err != nil || status != http.StatusOK || text != "hello" {
				t.Errorf("%d %q, %v", status, text, err)
			}
			if all := s.refused(t); all != nil {
				t.Errorf("refused: %v", all)
			}
		})
	}
}

func TestProxyRefusesWhatIsNot(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, scheme string
		secure       bool
	}{
		{"HTTP", "http", false}, {"HTTPS by CONNECT", "http", true}, {"HTTP by SOCKS", "socks5", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server, address := serving(t, answering("secret"), row.secure)
			s := newStage(t, "render.lan")
			status, text, err := get(t, s.client(t, row.scheme, server), server.URL)
			if err == nil || strings.Contains(text, "secret") {
				t.Errorf("%d %q: a program that does not look at the status takes that for the file", status, text)
			}
			all := s.refused(t)
			if len(all) != 1 || !all[0].Ungranted || net.JoinHostPort(all[0].Host, all[0].Port) != address {
				t.Errorf("reported %+v, want %s", all, address)
			}
		})
	}
}

// TestAttackC19ProxyRedirect lets a granted host send a client to one that is not.
func TestAttackC19ProxyRedirect(t *testing.T) {
	t.Parallel()
	inside, address := serving(t, answering("secret"), false)
	_, outside := serving(t, http.RedirectHandler(inside.URL, http.StatusFound), false)
	s := newStage(t, outside)
	status, text, err := get(t, s.client(t, "http", nil), "http://"+outside)
	if !errors.Is(err, io.ErrUnexpectedEOF) || status != http.StatusForbidden || !strings.Contains(text, "connection to "+address+" refused: not in [access] hosts") {
		t.Errorf("%d %q, %v", status, text, err)
	}
}

func TestProxyIsNoServer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n": "400", "CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n": "400",
		"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n": "400", "CONNECT x:99999 HTTP/1.1\r\nHost: x:99999\r\n\r\n": "403",
		"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50": "\x05\x00\x05\x07", "\x05\x01\x02": "\x05\xff",
		"\x05\x01\x00\x05\x01\x00\x09\x00\x50": "\x05\x00\x05\x08", "\x05\x01\x00\x05\x01\x00\x03\x04a\x00b\n\x00\x50": "\x05\x00\x05\x02",
	} {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(conn, request)
		answer := make([]byte, 40)
		n, _ := io.ReadAtLeast(conn, answer, len(want))
		if err != nil || !strings.Contains(string(answer[:n]), want) {
			t.Errorf("%q: %q, %v, want %q", request, answer[:n], err, want)
		}
		conn.Close()
	}
}

// TestConnect speaks a protocol that ends one way first, as rsync and git do.
func TestConnect(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		text, _ := io.ReadAll(conn)
		_, _ = conn.Write(bytes.ToUpper(text))
	}()
	s := newStage(t, l.Addr().String())
	conn, err := dialProxy("http://"+s.address, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	pass(conn, strings.NewReader("hello"))
	if text, err := io.ReadAll(conn); err != nil || string(text) != "HELLO" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := dialProxy("http://"+s.address, "other.example:22"); err == nil || err.Error() != "convertd: connection to other.example:22 refused: not in [access] hosts" {
		t.Errorf("%v", err)
	}
	if _, err := dialProxy("", "other.example:22"); err == nil || !strings.Contains(err.Error(), "grants no hosts") {
		t.Errorf("%v", err)
	}
}
