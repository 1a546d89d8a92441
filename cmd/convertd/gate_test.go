package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// gate stands between browsers and a service: it counts what is asked, and can hold event
// streams back as proxies do that want the whole answer first.
type gate struct {
	URL string

	mu    sync.Mutex
	holds bool
	// asked counts requests by kind, unchanged those answered 304.
	asked, unchanged map[string]int
	// streams are open now, most of them were open at once.
	streams, most int
	// bytes counts what was answered, by kind.
	bytes map[string]int64
}

func startGate(t *testing.T, service string) *gate {
	t.Helper()
	target, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{asked: map[string]int{}, unchanged: map[string]int{}, bytes: map[string]int64{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: g.answered,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer g.enter(kindOf(r.URL.Path))()
		proxy.ServeHTTP(w, r)
	}))
	// Not Close, which waits for event streams that browsers open again and again.
	t.Cleanup(func() { server.CloseClientConnections(); _ = server.Listener.Close() })
	g.URL = server.URL
	return g
}

// kindOf is what a test wants to know of a path: its last part, without ids and hashes.
func kindOf(path string) string {
	if strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/icon/") {
		return "file"
	}
	return path[strings.LastIndex(path, "/")+1:]
}

func (g *gate) enter(kind string) (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked[kind]++
	if kind == "events" {
		g.streams++
		g.most = max(g.most, g.streams)
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if kind == "events" {
			g.streams--
		}
	}
}

func (g *gate) answered(answer *http.Response) error {
	kind := kindOf(answer.Request.URL.Path)
	g.mu.Lock()
	defer g.mu.Unlock()
	if answer.StatusCode == http.StatusNotModified {
		g.unchanged[kind]++
	}
	answer.Body = &counted{ReadCloser: answer.Body, of: g, kind: kind}
	if kind == "events" && g.holds {
		answer.Body = &whole{ReadCloser: answer.Body}
	}
	return nil
}

// counted counts the bytes of a body.
type counted struct {
	io.ReadCloser
	of   *gate
	kind string
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.bytes[c.kind] += int64(n)
	return n, err
}

// whole is a body of which nothing is handed out before its end.
type whole struct {
	io.ReadCloser
	all *bytes.Reader
}

func (w *whole) Read(p []byte) (int, error) {
	if w.all == nil {
		all, err := io.ReadAll(w.ReadCloser)
		if err != nil {
			return 0, err
		}
		w.all = bytes.NewReader(all)
	}
	return w.all.Read(p)
}

// hold holds streams back from now on, or no longer.
func (g *gate) hold(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holds = on
}

// count returns how many requests of a kind there were.
func (g *gate) count(kind string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked[kind]
}

// all returns how many requests there were.
func (g *gate) all() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := 0
	for _, n := range g.asked {
		sum += n
	}
	return sum
}

func (g *gate) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return fmt.Sprintf("asked %v, unchanged %v, %d streams now, %d at most", g.asked, g.unchanged, g.streams, g.most)
}

// now returns the streams that are open now and the most that ever were at once.
func (g *gate) now() (open, most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.streams, g.most
}
