package service_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"convertd/runner/recipe"
	"convertd/runner/service"
	"convertd/runner/service/order"
)

// bench is a service of the test's own and everything that a call of it needs.
type bench struct {
	t       *testing.T
	url     string
	order   order.Call
	options service.Options
	log     *bytes.Buffer

	mu      sync.Mutex
	reports []report
}

type report struct {
	percent float64
	known   bool
	message string
}

// newBench serves the handler. The order posts to /jobs and saves "stem.out".
func newBench(t *testing.T, h http.Handler) *bench {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	b := &bench{t: t, url: server.URL, log: &bytes.Buffer{}}
	for _, name := range []string{"out", "preview", "state", "in"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.order = order.Call{
		HTTP: recipe.HTTP{
			HTTPRequest: recipe.HTTPRequest{Method: "POST", URL: server.URL + "/jobs", JSON: map[string]any{"a": "b"}},
			Idempotency: "Idempotency-Key", Save: "{stem}.out",
			Patience: recipe.Patience{Wait: time.Millisecond, Longest: 5 * time.Millisecond},
		},
		Vars: recipe.Vars{Output: filepath.Join(dir, "out"), State: filepath.Join(dir, "state")},
		Key:  "key-of-the-job", Record: filepath.Join(dir, "state", "http.1.json"), Preview: filepath.Join(dir, "preview"),
	}
	b.options = service.Options{Dial: (&net.Dialer{}).DialContext, Log: b.log, Report: b.report}
	return b
}

func (b *bench) report(percent *float64, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := report{message: message}
	if percent != nil {
		r.percent, r.known = *percent, true
	}
	b.reports = append(b.reports, r)
}

// input makes a file and returns its path.
func (b *bench) input(name, content string) string {
	b.t.Helper()
	path := filepath.Join(filepath.Dir(b.order.Vars.Output), "in", name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) secret(name, content string) {
	b.t.Helper()
	if b.order.Secrets == nil {
		b.order.Secrets = map[string]string{}
	}
	b.order.Secrets[name] = b.input("secret."+name, content)
}

// call carries out the order within a minute.
func (b *bench) call() error {
	ctx, end := context.WithTimeout(b.t.Context(), time.Minute)
	defer end()
	return service.Call(ctx, b.options, b.order)
}

// want fails unless the call goes well and leaves this result.
func (b *bench) want(result string) {
	b.t.Helper()
	if err := b.call(); err != nil {
		b.t.Fatalf("%v\n%s", err, b.log)
	}
	if got := b.result("stem.out"); got != result {
		b.t.Errorf("result %q, want %q", got, result)
	}
}

func (b *bench) result(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.order.Vars.Output, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// wantFailure fails unless the call ends with this status and words, and nothing half
// done in the output folder.
func (b *bench) wantFailure(status int, words string) {
	b.t.Helper()
	b.checkFailure(b.call(), status, words)
}

func (b *bench) checkFailure(err error, status int, words string) {
	b.t.Helper()
	var f *service.Failure
	if !errors.As(err, &f) || f.Status != status || !strings.Contains(f.Error(), words) {
		b.t.Fatalf("%v (%+v), want status %d with %q\n%s", err, f, status, words, b.log)
	}
	left, err := os.ReadDir(b.order.Vars.Output)
	if err != nil || len(left) > 0 {
		b.t.Errorf("a failure left %v, %v", left, err)
	}
}

// routes serve by "METHOD /path".
type routes map[string]http.HandlerFunc

func (r routes) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if h, ok := r[q.Method+" "+q.URL.Path]; ok {
		h(w, q)
		return
	}
	http.NotFound(w, q)
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// flush sends what was written so far.
func flush(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}
