package dispatcher

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"convertd/runner/recipe"
	"convertd/sql/dbtest"
	"convertd/sql/job"
)

// monitored gives the dispatcher an address that was free a moment ago.
func (w *world) monitored() {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.opts.MetricsListen = l.Addr().String()
	if err := l.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// scraped is what a monitor reads, nil while nobody answers.
type scraped map[string]*dto.MetricFamily

func (w *world) scrape() scraped {
	w.t.Helper()
	client := http.Client{Timeout: patience}
	r, err := client.Get("http://" + w.opts.MetricsListen + "/metrics")
	if err != nil {
		return nil
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		w.t.Fatalf("%s %s", r.Status, r.Header)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	found, err := parser.TextToMetricFamilies(r.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// value is the number of that name and those labels ("recipe=ok"), of a histogram its
// count, -1 if there is none.
func (s scraped) value(name string, labels ...string) float64 {
	for _, m := range s[name].GetMetric() {
		has := map[string]bool{}
		for _, l := range m.GetLabel() {
			has[l.GetName()+"="+l.GetValue()] = true
		}
		all := true
		for _, l := range labels {
			all = all && has[l]
		}
		if all {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return -1
}

func TestMetricsTellWhatJobsCameTo(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	once := func(r *recipe.Recipe) { r.Retry.MaxAttempts = 1; r.Limits.Time = time.Second }
	gpu := func(r *recipe.Recipe) { r.NeedsResource = map[string]int{"gpu": 1} }
	w := newWorld(t, shell("good", `cp "$1" "$2.txt"`), shell("bad", "exit 3", once), shell("long", "sleep 60", once), shell("slow", th.patient(), th.open, gpu))
	w.monitored()
	w.opts.Lanes = Lanes{Slots: 3, Resources: map[string]int{"gpu": 1}, Queues: map[string]int{"default": 9}}
	slow := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	held := w.submit("slow", "x")
	until(t, "one is claimed and waits for the resource", func() bool { return w.scrape().value("convertd_jobs_held") == 1 })
	queued := w.submit("slow", "x") // is passed over
	good, bad, long := w.submit("good", "x"), w.submit("bad", "x"), w.submit("long", "x")
	w.await(good, job.Succeeded)
	w.await(bad, job.Failed)
	w.await(long, job.Failed)
	ends := func(s scraped) bool {
		return s.value("convertd_jobs_ended_total", "recipe=good", "class=succeeded") == 1 &&
			s.value("convertd_jobs_ended_total", "recipe=bad", "class=converter_failed") == 1 &&
			s.value("convertd_jobs_ended_total", "recipe=long", "class=timeout") == 1
	}
	var s scraped
	until(t, "ends, running and waiting are told", func() bool {
		s = w.scrape()
		return ends(s) && s.value("convertd_jobs_running", "queue=default") == 1 && s.value("convertd_jobs_waiting", "queue=default", "state=queued") == 1
	})
	for _, row := range []struct {
		name, label string
		want        float64
	}{
		{"convertd_slots", "", 3}, {"convertd_slots_used", "", 1}, {"convertd_queue_limit", "queue=default", 9},
		{"convertd_resource_limit", "resource=gpu", 1}, {"convertd_resource_used", "resource=gpu", 1},
		{"convertd_attempts_started_total", "recipe=slow", 1}, {"convertd_job_wait_seconds", "recipe=good", 1},
		{"convertd_attempt_run_seconds", "recipe=long", 1}, {"convertd_database_up", "", 1},
		{"convertd_dispatcher_state", "state=serving", 1}, {"convertd_dispatcher_troubled", "", 0}, {"convertd_mails_waiting", "", 0},
	} {
		labels := []string{row.label}
		if row.label == "" {
			labels = nil
		}
		if got := s.value(row.name, labels...); got != row.want {
			t.Errorf("%s %s is %v, want %v", row.name, row.label, got, row.want)
		}
	}
	if s.value("convertd_attempt_memory_peak_bytes", "recipe=good") <= 0 || s.value("convertd_spool_free_bytes") <= 0 {
		t.Errorf("peak %v, free %v", s["convertd_attempt_memory_peak_bytes"], s["convertd_spool_free_bytes"])
	}
	th.tell("go")
	w.await(slow, job.Succeeded)
	w.await(held, job.Succeeded)
	w.await(queued, job.Succeeded)
	until(t, "all that was taken is free", func() bool {
		s := w.scrape()
		return s.value("convertd_slots_used") == 0 && s.value("convertd_resource_used", "resource=gpu") == 0 &&
			s.value("convertd_jobs_ended_total", "recipe=slow", "class=succeeded") == 3
	})
}

func TestMetricsAnswerWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(*dbtest.Proxy){
		"gone": func(p *dbtest.Proxy) { p.Shut() }, "silent": func(p *dbtest.Proxy) { p.Hold() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shell("good", `cp "$1" "$2.txt"`))
			w.monitored()
			p := w.proxied()
			id := w.submit("good", "x")
			w.serve(w.opts)
			w.await(id, job.Succeeded)
			until(t, "the end is counted", func() bool { return w.scrape().value("convertd_jobs_ended_total", "recipe=good") == 1 })
			take(p)
			var s scraped
			until(t, "the database is seen to be away", func() bool { s = w.scrape(); return s.value("convertd_database_up") == 0 })
			if s.value("convertd_jobs_ended_total", "recipe=good") != 1 || s.value("convertd_slots") != 2 || s.value("convertd_jobs_waiting") != -1 {
				t.Errorf("%v", s)
			}
			p.Open()
			p.Release()
			until(t, "the database is seen to be back", func() bool { return w.scrape().value("convertd_database_up") == 1 })
		})
	}
}

// Two dispatchers of one spool have the same settings: who waits must not stumble over the
// address of who serves, and has it afterwards.
func TestMetricsGoWithTheSpool(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("good", `cp "$1" "$2.txt"`))
	w.monitored()
	first := w.serve(w.opts)
	until(t, "the first answers", func() bool { return w.scrape().value("convertd_dispatcher_state", "state=serving") == 1 })
	second := w.serve(w.opts)
	until(t, "the second is a standby", func() bool {
		var n int
		err := w.db.Get(&n, `select count(*) from dispatcher where state = 'standby'`)
		return err == nil && n == 1
	})
	first.stop()
	until(t, "the second answers", func() bool { return w.scrape().value("convertd_dispatcher_state", "state=serving") == 1 })
	second.stop()
	if w.scrape() != nil {
		t.Error("somebody answers after the end")
	}
}

func TestATakenMetricsAddressEndsTheDispatcher(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.opts.MetricsListen = l.Addr().String()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err = New(w.opts).Run(ctx)
	if want := fmt.Sprintf("[dispatcher] metrics_listen = %q", w.opts.MetricsListen); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}
