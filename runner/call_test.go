package runner_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// newCall makes an attempt of a recipe whose one step calls the service; change completes
// it.
func newCall(t *testing.T, service *httptest.Server, change func(*recipe.Recipe)) *trial {
	t.Helper()
	tr := newTrial(t)
	secret := filepath.Join(t.TempDir(), "key")
	must(t, os.WriteFile(secret, []byte("s3cret-key\n"), 0o600))
	r := recipe.Recipe{
		Name: "example", Access: recipe.Access{Hosts: []string{service.Listener.Addr().String()}, Secrets: map[string]string{"KEY": secret}},
		Steps: []recipe.Step{{HTTP: &recipe.HTTP{
			HTTPRequest: recipe.HTTPRequest{Method: "POST", URL: service.URL + "/jobs", Headers: map[string]string{"Authorization": "Bearer {secret.KEY}"}},
			Idempotency: "Idempotency-Key", Save: "{stem}.txt",
			Patience: recipe.Patience{Tries: 2, Wait: time.Millisecond, Longest: time.Millisecond, MaxSize: 1 << 20},
		}}},
	}
	if change != nil {
		change(&r)
	}
	spec, err := runner.NewSpec(r, runner.Request{Job: tr.job.ID, Attempt: 1, Token: "token", Dir: tr.job, Box: tr.spec.Box,
		Env: []string{"TRACEPARENT=00-a-b-01", "BAGGAGE=a=1", "SENTRY_TRACE=c-d", "SENTRY_BAGGAGE=sentry-x=2"}})
	must(t, err)
	spec.Limits = tr.spec.Limits
	tr.spec = spec
	return tr
}

func TestCallInTheBox(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header
		_, _ = io.WriteString(w, "made")
	}))
	t.Cleanup(service.Close)
	tr := newCall(t, service, nil)
	o := tr.run()
	if o.Class != fault.Succeeded || len(o.Outputs) != 1 || contents(t, tr.job.Out(1)+"/1") != "made" {
		t.Fatalf("%+v\n%s", o, tr.log())
	}
	h := <-got
	for name, want := range map[string]string{"Authorization": "Bearer s3cret-key", "Traceparent": "00-a-b-01", "Baggage": "a=1,sentry-x=2", "Sentry-Trace": "c-d"} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	if all := fmt.Sprint(o) + tr.log(); strings.Contains(all, "s3cret-key") || strings.Contains(h.Get("Idempotency-Key"), tr.job.ID) {
		t.Errorf("the secret or the job's id was told:\n%s", all)
	}
	tr.nothingLeft()
}

// The key of a request is the job's, whatever the attempt, and another job's is another.
func TestKeyOfACall(t *testing.T) {
	t.Parallel()
	r := recipe.Recipe{Name: "example", Version: "v", Steps: []recipe.Step{{HTTP: &recipe.HTTP{}}, {HTTP: &recipe.HTTP{}}}}
	key := func(job, version string, attempt, step int) string {
		r.Version = version
		spec, err := runner.NewSpec(r, runner.Request{Job: job, Attempt: attempt, Token: fmt.Sprint("token", attempt)})
		must(t, err)
		return spec.Steps[step].Call.Key
	}
	first := key("JOB", "v", 1, 0)
	if again := key("JOB", "v", 2, 0); again != first || len(first) < 22 {
		t.Errorf("the key is %q, and %q in the next attempt", first, again)
	}
	for _, other := range []string{key("BOJ", "v", 1, 0), key("JOB", "w", 1, 0), key("JOB", "v", 1, 1)} {
		if other == first {
			t.Errorf("another job, recipe or step has the same key %q", first)
		}
	}
}

// TestAttackC19 has a service send the box to a server beside it.
func TestAttackC19(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 8)
	inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.URL.Path }))
	t.Cleanup(inside.Close)
	for name, target := range map[string]string{"beside": inside.URL, "metadata": "http://169.254.169.254/latest", "proxy": "http://127.0.0.1:3128/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := httptest.NewServer(http.RedirectHandler(target, http.StatusSeeOther))
			t.Cleanup(service.Close)
			tr := newCall(t, service, nil)
			if o := tr.run(); o.Class != fault.ConverterFailed || !strings.Contains(o.Detail, "was not allowed") {
				t.Errorf("%s: %s\n%s", o.Class, o.Detail, tr.log())
			}
		})
	}
	t.Cleanup(func() {
		if len(reached) > 0 {
			t.Errorf("the inside was asked for %s", <-reached)
		}
	})
}

// TestAttackC20 has it answer without end, and with nothing.
func TestAttackC20(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		serve http.HandlerFunc
		class fault.Class
		words string
	}{
		"endlessly": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(make([]byte, 64<<10))
			}
		}, fault.ConverterFailed, "max_size"},
		"not at all": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.InternalError, "did not answer"},
		"with refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"detail": "no face in the picture"}`)
		}, fault.BadInput, "no face in the picture"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := httptest.NewServer(row.serve)
			t.Cleanup(service.Close)
			tr := newCall(t, service, nil)
			if o := tr.run(); o.Class != row.class || !strings.Contains(o.Detail+o.Hint, row.words) {
				t.Errorf("%s: %s %s, want %s with %q\n%s", o.Class, o.Detail, o.Hint, row.class, row.words, tr.log())
			}
		})
	}
}

// A cancel is told to the service; a safe stop is not, because the job goes on later.
func TestStopsOfACall(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		signal  syscall.Signal
		class   fault.Class
		requeue bool
		cancels int
	}{{syscall.SIGTERM, fault.Cancelled, false, 1}, {syscall.SIGUSR1, fault.Killed, true, 0}} {
		t.Run(row.signal.String(), func(t *testing.T) {
			t.Parallel()
			polled, cancelled := make(chan bool, 1000), make(chan bool, 10)
			mux := http.NewServeMux()
			mux.HandleFunc("POST /jobs", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id": 7, "state": "on"}`) })
			mux.HandleFunc("GET /jobs/7", func(w http.ResponseWriter, _ *http.Request) {
				polled <- true
				_, _ = io.WriteString(w, `{"state": "on"}`)
			})
			mux.HandleFunc("DELETE /jobs/7", func(http.ResponseWriter, *http.Request) { cancelled <- true })
			service := httptest.NewServer(mux)
			t.Cleanup(service.Close)
			tr := newCall(t, service, func(r *recipe.Recipe) {
				h := r.Steps[0].HTTP
				h.Save, h.Read = "", recipe.Read{State: "state", Done: []string{"off"}}
				h.Poll = &recipe.Poll{HTTPRequest: recipe.HTTPRequest{Method: "GET", URL: service.URL + "/jobs/{remote.id}"}, Every: 50 * time.Millisecond}
				h.Cancel = &recipe.HTTPRequest{Method: "DELETE", URL: service.URL + "/jobs/{remote.id}"}
			})
			tr.spec.Limits.Grace = 10 * time.Second
			tr.start()
			<-polled
			must(t, tr.cmd.Process.Signal(row.signal))
			if o := tr.wait(); o.Class != row.class || o.Requeue != row.requeue || len(cancelled) != row.cancels {
				t.Errorf("%s, requeue %t, %d cancels\n%s", o.Class, o.Requeue, len(cancelled), tr.log())
			}
			_, err := os.Stat(filepath.Join(tr.job.State(), "call.1.json"))
			if known := err == nil; known != row.requeue {
				t.Errorf("the remote job is still recorded: %t", known)
			}
		})
	}
}

// What was fetched is for the steps to read, not to change.
func TestSourceIsReadOnly(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fetched") }))
	t.Cleanup(service.Close)
	shelf := t.TempDir()
	for attempt := range 2 {
		tr := newTrial(t)
		r := recipe.Recipe{
			Name: "example", Access: recipe.Access{Hosts: []string{service.Listener.Addr().String()}},
			Sources: []recipe.Source{{Name: "one", URL: service.URL, TTL: time.Hour}},
			Steps: []recipe.Step{{Command: []string{"/bin/sh", "-c",
				`cat "$1"; echo bad >"$1"; chmod 600 "$1" && echo bad >"$1"; cp "$1" "$2/copy.txt"`, "sh", "{source.one}", "{output}"}}},
		}
		spec, err := runner.NewSpec(r, runner.Request{Job: tr.job.ID, Attempt: 1, Token: "token", Dir: tr.job, Box: tr.spec.Box, Shelf: shelf})
		must(t, err)
		spec.Limits = tr.spec.Limits
		tr.spec = spec
		if o := tr.run(); o.Class != fault.Succeeded {
			t.Fatalf("%+v\n%s", o, tr.log())
		}
		if got := contents(t, tr.job.Out(1)+"/1"); tr.spec.Box.UID != 0 && got != "fetched" {
			t.Errorf("attempt %d changed it to %q", attempt, got)
		}
		if attempt == 1 && !strings.Contains(tr.log(), "from the copy that is kept") {
			t.Errorf("it was fetched again:\n%s", tr.log())
		}
		if log := tr.log(); !strings.Contains(log, "fetched") {
			t.Errorf("attempt %d read something else:\n%s", attempt, log)
		}
	}
}
