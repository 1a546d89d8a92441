package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
)

func TestNew_wants_the_address_of_a_server(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:8080", "ftp://host", "http://", "://"} {
		if _, err := New(address, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestRequest_keeps_escaped_names_and_the_base_of_the_server(t *testing.T) {
	t.Parallel()
	c, err := New("http://host:1/base/", "key")
	if err != nil {
		t.Fatal(err)
	}
	for link, want := range map[string]string{
		"/api/v1/jobs?limit=1":                  "http://host:1/base/api/v1/jobs?limit=1",
		"/api/v1/jobs/X/outputs/a%20b%3F.txt":   "http://host:1/base/api/v1/jobs/X/outputs/a%20b%3F.txt",
		"/api/v1/jobs/X/outputs/a%2525.txt":     "http://host:1/base/api/v1/jobs/X/outputs/a%2525.txt",
		"http://evil.example/api/v1/jobs/X/log": "http://host:1/base/api/v1/jobs/X/log",
	} {
		r, err := c.request(context.Background(), http.MethodGet, link, nil)
		if err != nil || r.URL.String() != want || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("%s: %v, %v", link, r, err)
		}
	}
}

func TestClient_tells_why_not(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "plain") {
			http.Error(w, "no", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusGone)
		_, _ = io.WriteString(w, `{"status":410,"code":"gone","detail":"It is gone.","hint":"Make it anew."}`)
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Job(t.Context(), "X")
	var problem Problem
	if !errors.As(err, &problem) || problem.Hint != "Make it anew." || !fault.Is(err, fault.Gone) {
		t.Errorf("%v", err)
	}
	if _, err = c.Job(t.Context(), "plain"); !fault.Is(err, fault.Internal) || !strings.Contains(err.Error(), "502") {
		t.Errorf("%v", err)
	}
	server.Close()
	if _, err = c.Job(t.Context(), "X"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
}

func TestReadEvents(t *testing.T) {
	t.Parallel()
	const text = "retry: 2000\n\n:\n\nevent: status\nid: 1:0\ndata: {}\n\nevent: log\nid: 1:9\ndata: one\ndata: two\n\nevent: cut\ndata: off"
	var got []Event
	err := readEvents(strings.NewReader(text), func(e Event) error { got = append(got, e); return nil })
	want := []Event{{"status", "1:0", "{}"}, {"log", "1:9", "one\ntwo"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	stop := errors.New("enough")
	if err := readEvents(strings.NewReader(text), func(Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func TestSubmit_tells_of_a_file_that_cannot_be_read(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusBadRequest)
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken disk")
	_, err = c.Submit(t.Context(), Submission{Recipe: "copy", Files: []SubmissionFile{
		{Name: "a", Open: func() (io.ReadCloser, error) { return nil, broken }},
	}})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
