package service_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"convertd/runner/recipe"
	"convertd/runner/service"
	"convertd/runner/service/guard"
	"convertd/runner/service/order"
)

// TestAttackC19 has the service, or a value, send the call to places that nobody granted.
func TestAttackC19(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(says("the inside"))
	t.Cleanup(inside.Close)
	port := inside.Listener.Addr().(*net.TCPAddr).Port
	for _, target := range []string{
		inside.URL, "http://169.254.169.254/latest/meta-data/", fmt.Sprintf("http://[::ffff:7f00:1]:%d/", port), fmt.Sprintf("http://2130706433:%d/", port),
		fmt.Sprintf("http://rebind.example:%d/", port), "file:///etc/passwd", "http://0.0.0.0/",
	} {
		answer, err := json.Marshal(map[string]string{"r": target})
		if err != nil {
			t.Fatal(err)
		}
		for how, h := range map[string]http.HandlerFunc{
			"redirect": func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", target)
				w.WriteHeader(http.StatusSeeOther)
			},
			"answer": says(string(answer)),
			"value":  says("not asked"),
		} {
			t.Run(how+" "+target, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, h)
				b.guarded()
				if how == "answer" {
					b.order.HTTP.Read.Result = "r"
				}
				if how == "value" {
					b.order.HTTP.URL = "{param.url}"
					b.order.Vars.Params, b.order.Vars.Values = []recipe.Param{{Name: "url", Type: recipe.String}}, recipe.Values{"url": {target}}
				}
				b.order.HTTP.Tries = 1
				b.wantFailure(1, "")
				if strings.Contains(b.log.String(), "the inside") {
					t.Error("the inside was reached")
				}
			})
		}
	}
}

// guarded lets the bench speak to its own service alone.
func (b *bench) guarded() {
	b.t.Helper()
	own := strings.TrimPrefix(b.url, "http://")
	policy, err := guard.New([]string{own, "*"}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.options.Dial = (&guard.Dialer{Policy: policy, Resolver: &rebinding{}}).DialContext
}

// rebinding has an address of the internet at first, and one of this machine when it is
// looked up again.
type rebinding struct {
	mu    sync.Mutex
	asked bool
}

func (r *rebinding) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	r.asked = true
	return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}, nil
}

// Another origin gets nothing of ours: no secret, no trace, no body, no address in a
// Referer.
func TestAttackC19RedirectTakesNothingAlong(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 4)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Clone(context.Background())
		_, _ = io.WriteString(w, "made")
	}))
	t.Cleanup(other.Close)
	code := make(chan int, 4)
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(<-code)
	}))
	b.secret("KEY", "s3cret")
	b.order.HTTP.Headers = map[string]string{"Authorization": "Bearer {secret.KEY}", "X-Api-Key": "{secret.KEY}", "Cookie": "a={secret.KEY}"}
	b.order.HTTP.URL += "?key={secret.KEY}"
	b.order.Trace = map[string]string{"Traceparent": "00-1-2-01", "Baggage": "customer=acme"}
	code <- http.StatusSeeOther
	b.want("made")
	r := <-got
	for name, values := range r.Header {
		if strings.Contains(strings.Join(values, " "), "s3cret") || name == "Baggage" || name == "Traceparent" || name == "Idempotency-Key" {
			t.Errorf("the other host got %s: %s", name, values)
		}
	}
	c := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	c.wantFailure(1, "nobody has trusted with it")
	if len(got) > 0 {
		t.Error("the other host got the body")
	}
}

func TestAttackC19RedirectsWithoutEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusSeeOther)
	}))
	b.wantFailure(1, "without end")
}

// TestAttackC20 has the service answer in every way that costs.
func TestAttackC20(t *testing.T) {
	t.Parallel()
	packed := bomb()
	for name, row := range map[string]struct {
		serve  http.HandlerFunc
		change func(*recipe.HTTP)
		status int
		words  string
	}{
		"slowly": {func(w http.ResponseWriter, r *http.Request) {
			flush(w, "a")
			<-r.Context().Done()
		}, func(h *recipe.HTTP) { h.Idle = 50 * time.Millisecond }, order.ExitUnavailable, "sent nothing for"},
		"not at all": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that the client is gone
			<-r.Context().Done()
		}, func(h *recipe.HTTP) { h.FirstByte = 50 * time.Millisecond }, order.ExitUnavailable, "did not answer"},
		"a byte at a time without end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				flush(w, "a")
			}
		}, nil, 1, "max_size"},
		"endlessly, and the time is over first": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				flush(w, strings.Repeat("a", 1<<10))
			}
		}, func(h *recipe.HTTP) { h.MaxSize, h.Total = 1<<40, 50*time.Millisecond }, 1, "longer than"},
		"with 10 GB, it says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000000000")
			flush(w, "a")
		}, nil, 1, "max_size"},
		"with less than it says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			flush(w, "a")
		}, nil, order.ExitUnavailable, "broke off"},
		"with a gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		}, nil, 1, "max_size"},
		"with a bomb for a document": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed)
		}, func(h *recipe.HTTP) { h.Read.Result = "r" }, 1, "larger than 16 MiB"},
		"with a deep document": {says(strings.Repeat("[", 1_000_000)), func(h *recipe.HTTP) { h.Read.Result = "r" }, order.ExitUnavailable, "not a JSON document"},
		"with an event without end": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				flush(w, strings.Repeat("a", 1<<20))
			}
		}, func(h *recipe.HTTP) { h.Stream = "ndjson" }, 1, "one event of more than"},
		"with a head without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("a", 1<<20))
		}, nil, order.ExitUnavailable, "did not answer"},
		"with an explanation without end": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			for r.Context().Err() == nil {
				flush(w, strings.Repeat("a", 1<<10))
			}
		}, nil, 1, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, row.serve)
			b.order.HTTP.Tries, b.order.HTTP.MaxSize = 2, 64<<10
			if row.change != nil {
				row.change(&b.order.HTTP)
			}
			b.wantFailure(row.status, row.words)
		})
	}
}

// bomb is a few kilobytes that become 64 MiB.
func bomb() []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 64 {
		_, _ = w.Write(zeros)
	}
	_ = w.Close()
	return packed.Bytes()
}

func TestNameOfAResultStaysInItsFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t, says("made"))
	b.order.HTTP.Save = "{param.name}"
	b.order.Vars.Params, b.order.Vars.Values = []recipe.Param{{Name: "name", Type: recipe.String}}, recipe.Values{"name": {"../../x"}}
	b.wantFailure(1, "not the name of a file")
}

func TestFetch(t *testing.T) {
	t.Parallel()
	b := newBench(t, routes{"GET /customers/acme": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, `{"name": "Acme", "orders": [{"id": 1}]}`)
	}})
	b.secret("CRM", "s3cret")
	good := recipe.Source{
		Name: "customer", URL: b.url + "/customers/acme", Headers: map[string]string{"Authorization": "Bearer {secret.CRM}"}, Type: "application/json",
		Shape: map[string]string{"name": "string", "orders.0.id": "number", "orders": "list"},
	}
	for name, row := range map[string]struct {
		change func(*recipe.Source)
		words  string
	}{
		"as it should be":    {func(*recipe.Source) {}, ""},
		"of a family":        {func(s *recipe.Source) { s.Type = "application/*" }, ""},
		"of another type":    {func(s *recipe.Source) { s.Type = "text/csv" }, "not as text/csv"},
		"another file":       {func(s *recipe.Source) { s.SHA256 = strings.Repeat("0", 64) }, "its digest is"},
		"without a field":    {func(s *recipe.Source) { s.Shape = map[string]string{"vat": "string"} }, "nothing at vat"},
		"of another shape":   {func(s *recipe.Source) { s.Shape = map[string]string{"name": "list"} }, "string at name, where a list"},
		"too large":          {func(s *recipe.Source) { s.MaxSize = 4 }, "max_size"},
		"not there":          {func(s *recipe.Source) { s.URL = b.url + "/customers/x" }, "404"},
		"without permission": {func(s *recipe.Source) { s.Headers = nil }, "check the secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := order.Fetch{Source: good, Secrets: b.order.Secrets, To: t.TempDir() + "/customer"}
			row.change(&told.Source)
			err := service.Fetch(t.Context(), service.Options{Dial: (&net.Dialer{}).DialContext, Log: io.Discard}, told)
			var f *service.Failure
			if row.words == "" && err != nil || row.words != "" && (!errors.As(err, &f) || !strings.Contains(f.Error(), row.words)) {
				t.Errorf("%v, want %q", err, row.words)
			}
		})
	}
}
