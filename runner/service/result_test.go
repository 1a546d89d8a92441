package service_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
)

// png is a picture of one pixel, as far as its first bytes tell.
const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"

func TestStreams(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ stream, between, text string }{
		{"ndjson", "\n", "{\"id\": 7, \"progress\": 10}\nnot json\r\n{\"progress\": 60, \"note\": \"half\", \"look\": \"PIC\"}\n{\"status\": \"done\", \"made\": \"aGVsbG8=\"}\n"},
		{"sse", "\n\n", ": hello\nevent: message\ndata: {\"id\": 7,\ndata: \"progress\": 10}\nid: 4\n\ndata: [DONE\n\ndata: {\"progress\": 60, \"note\": \"half\", \"look\": \"PIC\"}\n\nevent: end\r\ndata: {\"status\": \"done\", \"made\": \"aGVsbG8=\"}\r\n\r\n"},
	} {
		t.Run(row.stream, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, routes{
				"POST /jobs": func(w http.ResponseWriter, r *http.Request) {
					flush(w, strings.Replace(row.text, "PIC", "/look.png", 1))
					<-r.Context().Done() // it goes on, but nobody has to wait for that
				},
				"GET /look.png": says(png),
			})
			b.order.HTTP.Stream = row.stream
			b.order.HTTP.Read = recipe.Read{Percent: "progress", Message: "note", Preview: "look", State: "status", Done: []string{"done"}, Result: "made", ResultAs: "base64"}
			b.want("hello")
			want := []report{{10, true, ""}, {60, true, "half"}}
			if diff := cmp.Diff(want, b.reports, cmp.AllowUnexported(report{})); diff != "" {
				t.Error(diff)
			}
			picture, err := os.ReadFile(filepath.Join(b.order.Preview, "preview.png"))
			if err != nil || string(picture) != png {
				t.Errorf("preview %q, %v", picture, err)
			}
		})
	}
}

// A stream that breaks off is asked for again, unless the service's job is known: then
// its state is.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	m := &remote{}
	routes := m.routes()
	var streams atomic.Int32
	routes["POST /stream"] = func(w http.ResponseWriter, _ *http.Request) {
		streams.Add(1)
		flush(w, "{\"id\": \"j2\", \"status\": \"running\"}\n")
		panic(http.ErrAbortHandler)
	}
	b := newBench(t, routes)
	b.polls()
	b.order.HTTP.URL, b.order.HTTP.Stream = b.url+"/stream", "ndjson"
	b.want("made")
	if streams.Load() != 1 {
		t.Errorf("%d streams", streams.Load())
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, answer, as string
		want             map[string]string
	}{
		{"a list of addresses", `{"r": ["/1", "/2"]}`, "", map[string]string{"stem-1.out": "one", "stem-2.out": "two"}},
		{"a list of one", `{"r": ["/1"]}`, "url", map[string]string{"stem.out": "one"}},
		{"a data address", `{"r": "data:text/plain;base64,aGVsbG8="}`, "", map[string]string{"stem.out": "hello"}},
		{"a data address in plain text", `{"r": "data:,a%20b"}`, "", map[string]string{"stem.out": "a b"}},
		{"text", `{"r": "hello"}`, "text", map[string]string{"stem.out": "hello"}},
		{"a document", `{"r": {"a": [1, 12345678901234567890]}}`, "json", map[string]string{"stem.out": `{"a":[1,12345678901234567890]}`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, routes{"POST /jobs": says(row.answer), "GET /1": says("one"), "GET /2": says("two")})
			b.order.HTTP.Read = recipe.Read{Result: "r", ResultAs: row.as}
			if err := b.call(); err != nil {
				t.Fatal(err)
			}
			for name, want := range row.want {
				if got := b.result(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if left, _ := os.ReadDir(b.order.Vars.Output); len(left) != len(row.want) {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestResultIsAskedFor(t *testing.T) {
	t.Parallel()
	var key string
	b := newBench(t, routes{"POST /jobs": says(`{"id": "x y"}`), "GET /results/x y": func(w http.ResponseWriter, r *http.Request) {
		key = r.Header.Get("X-Key")
		_, _ = io.WriteString(w, "made")
	}})
	b.secret("KEY", "s3cret")
	b.order.HTTP.Headers = map[string]string{"X-Key": "{secret.KEY}"}
	b.order.HTTP.Result = &recipe.HTTPRequest{Method: "GET", URL: b.url + "/results/{remote.id}"}
	b.want("made")
	if key != "s3cret" {
		t.Errorf("asked with the key %q", key)
	}
}
