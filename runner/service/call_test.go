package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
	"convertd/runner/service"
	"convertd/runner/service/order"
)

func TestRequestIsWhatTheRecipeSays(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var sent any
	b := newBench(t, routes{"POST /a%2F..%2Fb/x": says("wrong path"), "POST /a/../b/x": func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		_ = json.NewDecoder(r.Body).Decode(&sent)
		_, _ = io.WriteString(w, "made")
	}})
	b.secret("KEY", "s3cret\n")
	h := &b.order.HTTP
	h.URL = b.url + "/{param.text}/x?size={param.size}&key={secret.KEY}&q={param.query}"
	h.Headers = map[string]string{"Authorization": "Bearer {secret.KEY}", "X-Braces": "{{param.text}}"}
	h.JSON = map[string]any{
		"size": "{param.size}", "share": "{param.share}", "on": "{param.on}", "list": "{param.list}", "none": "{param.none}", "secret": "{secret.KEY}",
		"text": "{param.query}", "glued": "size {param.size}", "tell": "{callback}", "deep": []any{map[string]any{"x": "{param.text}"}, 1.5, true},
		"document": map[string]any{"file": "{source.customer}", "as": "json"}, "picture": map[string]any{"file": "{input}", "as": "data_url"}, "file": "plain",
	}
	b.order.Callback = "https://here/callback"
	b.order.Trace = map[string]string{"Traceparent": "00-1-2-01", "Sentry-Trace": "1-2", "Baggage": "a=b"}
	b.order.Vars.Inputs = []string{b.input("1.png", "pixels")}
	b.order.Vars.Sources = map[string]string{"customer": b.input("customer", `{"id": 12345678901234567890}`)}
	b.order.Vars.Params = []recipe.Param{{Name: "text", Type: recipe.String}, {Name: "query", Type: recipe.String}, {Name: "size", Type: recipe.Integer},
		{Name: "share", Type: recipe.Number}, {Name: "on", Type: recipe.Boolean}, {Name: "list", Type: recipe.List}, {Name: "none", Type: recipe.String}}
	b.order.Vars.Values = recipe.Values{"text": {"a/../b"}, "query": {`{secret.KEY} & "x"=1`}, "size": {"3"}, "share": {"0.50"}, "on": {"true"}, "list": {"p", "{input}"}}
	b.want("made")
	if want := "size=3&key=s3cret&q=%7Bsecret.KEY%7D+%26+%22x%22%3D1"; got.URL.RawQuery != want || got.URL.EscapedPath() != "/a%2F..%2Fb/x" {
		t.Errorf("asked %s ? %s", got.URL.EscapedPath(), got.URL.RawQuery)
	}
	wanted := map[string]any{
		"size": 3.0, "share": 0.5, "on": true, "list": []any{"p", "{input}"}, "secret": "s3cret", "text": `{secret.KEY} & "x"=1`, "glued": "size 3",
		"tell": "https://here/callback", "deep": []any{map[string]any{"x": "a/../b"}, 1.5, true}, "document": map[string]any{"id": 1.2345678901234567e19},
		"picture": "data:image/png;base64,cGl4ZWxz", "file": "plain",
	}
	if diff := cmp.Diff(wanted, sent); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"Authorization": "Bearer s3cret", "X-Braces": "{param.text}", "Idempotency-Key": "key-of-the-job",
		"Traceparent": "00-1-2-01", "Sentry-Trace": "1-2", "Baggage": "a=b", "Content-Type": "application/json", "User-Agent": "convertd"} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
	if strings.Contains(b.log.String(), "s3cret") {
		t.Errorf("the log has the secret:\n%s", b.log)
	}
}

func TestHostileValuesStayInTheirPlace(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ url, value, words string }{
		{"URL/{param.v}/x", "..", "another place"},
		{"URL/{param.v}", ".", "another place"},
		{"http://{param.v}/x", "a.example/../b", "is not a host"},
		{"http://{param.v}/x", "me@a.example", "is not a host"},
		{"http://{param.v}/x", "", "is not a host"},
		{"{param.v}", "file:///etc/passwd", "not one of http"},
		{"{param.v}", "gopher://127.0.0.1/", "not one of http"},
		{"{param.v}", "http://me:you@127.0.0.1/", "not one of http"},
		{"{param.v}", "//127.0.0.1/", "not one of http"},
	} {
		t.Run(row.value+" in "+row.url, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, says("reached"))
			b.order.HTTP.URL = strings.Replace(row.url, "URL", b.url, 1)
			b.order.Vars.Params, b.order.Vars.Values = []recipe.Param{{Name: "v", Type: recipe.String}}, recipe.Values{"v": {row.value}}
			b.wantFailure(1, row.words)
		})
	}
	b := newBench(t, says("reached"))
	b.order.HTTP.Headers = map[string]string{"X": "{param.v}"}
	b.order.Vars.Params, b.order.Vars.Values = []recipe.Param{{Name: "v", Type: recipe.String}}, recipe.Values{"v": {"a\r\nX-Other: b"}}
	b.wantFailure(1, "no header can have")
}

func TestFilesAreSent(t *testing.T) {
	t.Parallel()
	var raw, form string
	b := newBench(t, routes{
		"POST /raw": func(_ http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			raw = fmt.Sprint(r.Header.Get("Content-Type"), " ", r.ContentLength, " ", string(text))
		},
		"POST /form": func(_ http.ResponseWriter, r *http.Request) {
			_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
			parts := multipart.NewReader(r.Body, params["boundary"])
			for {
				p, err := parts.NextPart()
				if err != nil {
					form += fmt.Sprint(r.ContentLength > 0, err)
					return
				}
				text, _ := io.ReadAll(p)
				form += fmt.Sprintln(p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(text))
			}
		},
	})
	b.order.HTTP.Save = ""
	b.order.Vars.Inputs = []string{b.input("1.png", "one"), b.input("2.png", "two")}
	b.order.Vars.Params, b.order.Vars.Values = []recipe.Param{{Name: "l", Type: recipe.List}}, recipe.Values{"l": {"p", "q"}}
	b.order.HTTP.HTTPRequest = recipe.HTTPRequest{Method: "POST", URL: b.url + "/raw", File: "{input}"}
	if err := b.call(); err != nil || raw != "image/png 3 one" {
		t.Errorf("%v: a raw body of %q", err, raw)
	}
	b.order.HTTP.HTTPRequest = recipe.HTTPRequest{Method: "POST", URL: b.url + "/form", Form: map[string]any{
		"list": "{param.l}", "text": "x", "image": map[string]any{"file": "{inputs}"}, "named": map[string]any{"file": "{input}", "name": "n\".bin", "type": "x/y"},
	}}
	want := "image stem.png image/png one\nimage stem.png image/png two\nlist   p\nlist   q\nnamed n\".bin x/y one\ntext   x\ntrue EOF"
	if err := b.call(); err != nil || form != want {
		t.Errorf("%v: a form of\n%s\nwant\n%s", err, form, want)
	}
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	keys := make(chan string, 10)
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
		switch calls.Add(1) {
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			panic(http.ErrAbortHandler)
		case 3:
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "short")
		case 4:
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			_, _ = io.WriteString(w, "made")
		}
	}))
	b.want("made")
	for range 5 {
		if key := <-keys; key != "key-of-the-job" {
			t.Errorf("a try with the key %q", key)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	var first, second time.Time
	b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if first.IsZero() {
			first = time.Now()
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		second = time.Now()
	}))
	b.order.HTTP.Save = ""
	if err := b.call(); err != nil {
		t.Fatal(err)
	}
	if second.Sub(first) < time.Second {
		t.Errorf("asked again after %s", second.Sub(first))
	}
}

func TestWhatCannotPassIsNot(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		code, status int
		body, words  string
		calls        int32
	}{
		{400, 1, `{"error": {"message": "no such model"}}`, "answered 400 Bad Request: no such model.", 1},
		{401, 1, ``, "check the secret", 1},
		{404, 1, `{"detail": "nothing"}`, "404 Not Found: nothing.", 1},
		{413, order.ExitRefused, ``, "413", 1},
		{422, order.ExitRefused, `{"detail": [{"msg": "not a face"}]}`, "not a face", 1},
		{501, 1, ``, "501", 1},
		{500, order.ExitUnavailable, `<html>`, "It was tried 3 times.", 3},
		{503, order.ExitUnavailable, `{"error": "busy"}`, "busy", 3},
	} {
		t.Run(fmt.Sprint(row.code), func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			b := newBench(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.WriteHeader(row.code)
				_, _ = io.WriteString(w, row.body)
			}))
			b.order.HTTP.Tries = 3
			b.wantFailure(row.status, row.words)
			if calls.Load() != row.calls {
				t.Errorf("asked %d times, want %d", calls.Load(), row.calls)
			}
		})
	}
}

// Without a key nobody knows whether a request that got no answer was carried out.
func TestWithoutAKeyNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	b := newBench(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}))
	b.order.HTTP.Idempotency = ""
	b.wantFailure(1, "not asked again")
	if calls.Load() != 1 {
		t.Errorf("asked %d times", calls.Load())
	}
}

// remote is a service that takes jobs and is asked for their state.
type remote struct {
	posts, polls, cancels atomic.Int32
	// states are what the polls answer, one after the other, the last for ever.
	states []string
}

func (m *remote) routes() routes {
	return routes{
		"POST /jobs": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprintf(w, `{"id": "j%d", "status": "queued"}`, m.posts.Add(1))
		},
		"GET /jobs/j1": func(w http.ResponseWriter, _ *http.Request) {
			n := int(m.polls.Add(1)) - 1
			_, _ = io.WriteString(w, m.states[min(n, len(m.states)-1)])
		},
		"GET /files/1":        says("made"),
		"POST /jobs/j1/stop":  func(http.ResponseWriter, *http.Request) { m.cancels.Add(1) },
		"POST /jobs/j2/stop":  func(http.ResponseWriter, *http.Request) { m.cancels.Add(1) },
		"GET /jobs/j2":        says(`{"status": "done", "output": {"url": "/files/1"}}`),
		"GET /files/redirect": http.RedirectHandler("/files/1", http.StatusFound).ServeHTTP,
	}
}

// polls makes the order one that polls.
func (b *bench) polls() {
	b.order.HTTP.ID = "id"
	b.order.HTTP.Poll = &recipe.Poll{HTTPRequest: recipe.HTTPRequest{Method: "GET", URL: b.url + "/jobs/{remote.id}"}, Every: time.Millisecond}
	b.order.HTTP.Read = recipe.Read{Percent: "progress", Of: 1, Message: "note", State: "status", Done: []string{"done"}, Failed: []string{"failed"}, Error: "why", Result: "output.url"}
	b.order.HTTP.Cancel = &recipe.HTTPRequest{Method: "POST", URL: b.url + "/jobs/{remote.id}/stop"}
}

func TestStateIsAskedFor(t *testing.T) {
	t.Parallel()
	m := &remote{states: []string{`{"status": "running", "progress": 0.25, "note": "a\u0007 b"}`, `{"status": "running", "progress": "0.5"}`, `{"status": "done", "output": {"url": "/files/redirect"}}`}}
	b := newBench(t, m.routes())
	b.polls()
	b.want("made")
	want := []report{{25, true, "a\u0007 b"}, {50, true, ""}}
	if diff := cmp.Diff(want, b.reports, cmp.AllowUnexported(report{})); diff != "" {
		t.Error(diff)
	}
}

// A new attempt goes on with the job that the service has already.
func TestNewAttemptPostsNothing(t *testing.T) {
	t.Parallel()
	m := &remote{states: []string{`{"status": "running"}`}}
	b := newBench(t, m.routes())
	b.polls()
	ctx, stop := context.WithCancelCause(t.Context())
	b.options.Report = func(*float64, string) { stop(service.ErrStopped) }
	m.states[0] = `{"status": "running", "progress": 0}`
	b.checkFailure(service.Call(ctx, b.options, b.order), order.ExitStopped, "later")
	if _, err := os.Stat(b.order.Record); err != nil {
		t.Fatal(err)
	}
	m.states = []string{`{"status": "done", "output": {"url": "/files/1"}}`}
	b.options.Report = b.report
	b.want("made")
	if m.posts.Load() != 1 || m.cancels.Load() != 0 {
		t.Errorf("%d posts, %d cancels", m.posts.Load(), m.cancels.Load())
	}
}

func TestForgottenJobIsPostedAgain(t *testing.T) {
	t.Parallel()
	m := &remote{}
	routes := m.routes()
	routes["GET /jobs/j1"] = http.NotFound
	b := newBench(t, routes)
	b.polls()
	b.want("made")
	if m.posts.Load() != 2 {
		t.Errorf("%d posts", m.posts.Load())
	}
}

func TestRemoteFailureIsTold(t *testing.T) {
	t.Parallel()
	m := &remote{states: []string{`{"status": "failed", "why": "out of memory"}`}}
	b := newBench(t, m.routes())
	b.polls()
	b.wantFailure(1, `ended as "failed": out of memory.`)
	if _, err := os.Stat(b.order.Record); err == nil {
		t.Error("a job that failed there is still recorded")
	}
}

func TestCancelIsPassedOn(t *testing.T) {
	t.Parallel()
	m := &remote{states: []string{`{"status": "running", "progress": 0}`}}
	b := newBench(t, m.routes())
	b.polls()
	ctx, stop := context.WithCancelCause(t.Context())
	b.options.Report = func(*float64, string) { stop(service.ErrCancelled) }
	b.checkFailure(service.Call(ctx, b.options, b.order), 1, "was ended")
	if m.cancels.Load() != 1 {
		t.Errorf("%d cancels", m.cancels.Load())
	}
}

func TestTotalTimeIsBounded(t *testing.T) {
	t.Parallel()
	m := &remote{states: []string{`{"status": "running"}`}}
	b := newBench(t, m.routes())
	b.polls()
	b.order.HTTP.Total = 30 * time.Millisecond
	b.wantFailure(1, "longer than its recipe allows")
	if m.cancels.Load() != 1 {
		t.Errorf("%d cancels", m.cancels.Load())
	}
}

// A job that is cancelled between two attempts has its record, and no call that runs.
func TestFarewell(t *testing.T) {
	t.Parallel()
	m := &remote{states: []string{`{"status": "running", "progress": 0}`}}
	b := newBench(t, m.routes())
	b.polls()
	ctx, stop := context.WithCancelCause(t.Context())
	b.options.Report = func(*float64, string) { stop(service.ErrStopped) }
	b.checkFailure(service.Call(ctx, b.options, b.order), order.ExitStopped, "goes on later")
	if m.cancels.Load() != 0 {
		t.Fatal("a stop told the service to give up")
	}
	other := b.order
	other.Key = "key-of-another-job"
	for _, tt := range []struct {
		about string
		told  order.Call
		want  int32
	}{{"a record of another job", other, 0}, {"its own", b.order, 1}, {"told already", b.order, 1}} {
		if err := service.Farewell(t.Context(), b.options, tt.told); err != nil || m.cancels.Load() != tt.want {
			t.Errorf("%s: %v, %d cancels, want %d", tt.about, err, m.cancels.Load(), tt.want)
		}
	}
}

// A service that is away cannot be told; the record stays, so that it is told later.
func TestFarewellToAServiceThatIsAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, http.NotFoundHandler())
	b.polls()
	b.order.HTTP.Tries = 1
	record := `{"key": "key-of-the-job", "answer": {"id": "7"}}`
	if err := os.WriteFile(b.order.Record, []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	b.options.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody is there") }
	var failure *service.Failure
	if err := service.Farewell(t.Context(), b.options, b.order); !errors.As(err, &failure) {
		t.Errorf("it is %v, want a failure", err)
	}
	if kept, err := os.ReadFile(b.order.Record); err != nil || string(kept) != record {
		t.Errorf("kept %q, %v", kept, err)
	}
}
