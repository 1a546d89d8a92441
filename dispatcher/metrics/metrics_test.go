package metrics

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/check"
	"convertd/sql/dbtest"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// filled are meters that were told and can read something of everything.
func filled(t *testing.T) *Meters {
	t.Helper()
	ctx, database := context.Background(), dbtest.Open(t)
	set := recipe.NewSet([]recipe.Recipe{{Name: "video", Queue: "long"}}, nil)
	m := New(Options{DB: database, Spool: spool.New(t.TempDir()), Recipes: set, Version: "1.2.3", Log: slog.New(slog.DiscardHandler)})
	m.Say(Doing{
		States: []string{"serving", "draining"}, State: "serving", Troubled: true, Slots: 4, SlotsUsed: 3, Memory: 100, MemoryUsed: 50, Held: 5,
		Running: map[string]int{"long": 2, "gone": 1}, QueueLimits: map[string]int{"short": 7},
		Resources: map[string]int{"gpu": 2}, ResourcesUsed: map[string]int{"gpu": 1},
	})
	m.Started("video", 90e9)
	m.Started("video", -1)
	m.Ended(End{Recipe: "video", Class: fault.Timeout, Ran: 7, PeakMemory: 300})
	m.Ended(End{Recipe: "video", Class: fault.Succeeded, Final: true, Ran: 2, PeakMemory: 200})
	m.Ended(End{Recipe: "video"})
	m.Ended(End{Recipe: "of a row", Class: fault.BadInput, Final: true})
	m.Expired(3)
	jobs := job.NewStore(database)
	for _, queue := range []string{"long", "long", "nowhere", "nothing"} {
		draft := job.Draft{Identity: job.Identity{ID: rand.Text(), Owner: "ann"}, Request: job.Request{Recipe: "video", RecipeVersion: "1", Queue: queue}, MaxAttempts: 1}
		if _, err := jobs.Insert(ctx, draft); err != nil {
			t.Fatal(err)
		}
	}
	if err := check.NewStore(database).Replace(ctx, "here", []check.Finding{{Topic: "a", Level: "ok"}, {Topic: "b", Level: "fail", Text: "x", Remedy: "y"}}); err != nil {
		t.Fatal(err)
	}
	if err := outbox.NewStore(database).Owe(ctx, "d", outbox.Draft{Kind: "digest", To: "a@b.example"}); err != nil {
		t.Fatal(err)
	}
	return m
}

// lines are the numbers as a monitor reads them.
func lines(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1:9464/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	found := map[string]string{}
	for line := range strings.Lines(w.Body.String()) {
		if at := strings.LastIndex(line, " "); !strings.HasPrefix(line, "#") && at > 0 {
			found[line[:at]] = strings.TrimSpace(line[at:])
		}
	}
	return found
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	got := lines(t, filled(t).handler(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	for name, want := range map[string]string{
		`convertd_dispatcher_state{state="serving"}`: "1", `convertd_dispatcher_state{state="draining"}`: "0", `convertd_dispatcher_troubled`: "1",
		`convertd_slots`: "4", `convertd_slots_used`: "3", `convertd_memory_limit_bytes`: "100", `convertd_memory_granted_bytes`: "50", `convertd_jobs_held`: "5",
		`convertd_jobs_running{queue="long"}`: "2", `convertd_jobs_running{queue="short"}`: "0", `convertd_jobs_running{queue="unknown"}`: "1",
		`convertd_queue_limit{queue="short"}`: "7", `convertd_resource_limit{resource="gpu"}`: "2", `convertd_resource_used{resource="gpu"}`: "1",
		`convertd_attempts_started_total{recipe="video"}`: "2", `convertd_attempts_put_back_total{recipe="video"}`: "1",
		`convertd_attempts_ended_total{class="timeout",recipe="video"}`: "1", `convertd_jobs_ended_total{class="timeout",recipe="video"}`: "",
		`convertd_jobs_ended_total{class="succeeded",recipe="video"}`: "1", `convertd_jobs_ended_total{class="bad_input",recipe="unknown"}`: "1",
		`convertd_jobs_expired_total`: "3", `convertd_attempt_memory_peak_bytes{recipe="video"}`: "300",
		`convertd_job_wait_seconds_count{recipe="video"}`: "1", `convertd_job_wait_seconds_sum{recipe="video"}`: "90",
		`convertd_attempt_run_seconds_count{recipe="video"}`: "2", `convertd_attempt_run_seconds_sum{recipe="video"}`: "9", `convertd_attempt_run_seconds_bucket{recipe="video",le="5"}`: "1",
		`convertd_jobs_waiting{queue="long",state="queued"}`: "2", `convertd_jobs_waiting{queue="short",state="blocked"}`: "0",
		`convertd_jobs_waiting{queue="unknown",state="queued"}`: "2", `convertd_jobs_waiting{queue="nowhere",state="queued"}`: "",
		`convertd_mails_waiting`: "1", `convertd_mails_failed`: "0", `convertd_database_up`: "1",
		`convertd_findings{level="ok"}`: "1", `convertd_findings{level="warn"}`: "0", `convertd_findings{level="fail"}`: "1",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	names := strings.Join(slices.Collect(maps.Keys(got)), " ")
	for _, part := range []string{`convertd_build_info{go_version="go1`, `version="1.2.3"`, "convertd_spool_free_bytes", "convertd_spool_reserve_bytes", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(names, part) {
			t.Errorf("no %s", part)
		}
	}
}

// The rules of Prometheus on names, units and texts.
func TestNamesFollowTheCustom(t *testing.T) {
	t.Parallel()
	problems, err := testutil.GatherAndLint(filled(t).registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestAnswersOnlyWhatItIsFor(t *testing.T) {
	t.Parallel()
	m := filled(t)
	here, wide := &net.TCPAddr{IP: net.IPv6loopback}, &net.TCPAddr{IP: net.IPv4zero}
	for _, c := range []struct {
		at          *net.TCPAddr
		method, url string
		want        int
	}{
		{here, "GET", "http://localhost:9464/metrics", http.StatusOK},
		{here, "HEAD", "http://[::1]:9464/metrics", http.StatusOK},
		{here, "GET", "http://127.0.0.1/metrics", http.StatusOK},
		{here, "GET", "http://rebound.example:9464/metrics", http.StatusMisdirectedRequest},
		{wide, "GET", "http://convert.example:9464/metrics", http.StatusOK},
		{here, "GET", "http://localhost:9464/", http.StatusNotFound},
		{here, "GET", "http://localhost:9464/debug/pprof/", http.StatusNotFound},
		{here, "POST", "http://localhost:9464/metrics", http.StatusMethodNotAllowed},
	} {
		w := httptest.NewRecorder()
		m.handler(c.at).ServeHTTP(w, httptest.NewRequest(c.method, c.url, nil))
		if w.Code != c.want {
			t.Errorf("%s %s at %s: %d, want %d", c.method, c.url, c.at, w.Code, c.want)
		}
	}
}

func TestATakenAddressIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	_, err = New(Options{Recipes: recipe.NewSet(nil, nil)}).Listen(t.Context(), address)
	if err == nil || !strings.Contains(err.Error(), `[dispatcher] metrics_listen = "`+address) || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
}
