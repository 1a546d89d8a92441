// Package metrics owns what a monitor reads of a dispatcher: the names and meanings of
// the numbers, counting what the dispatcher says of attempts, asking the rows when
// somebody reads, and the address that answers GET /metrics in the text format of
// Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
//
// It does not own the counts of rows (sql/...), nor what runs (dispatcher, which tells
// it). It may import sql/..., runner/recipe, runner/spool, runner/fault, the standard
// library and github.com/prometheus/client_golang, which nothing else may.
//
// Labels are words of closed or small sets: state, class, level; queue and recipe as far
// as a recipe in force or a setting names them, else "unknown". No label has an id.
package metrics

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/db"
)

// unknown stands for recipes and queues that nothing in force names.
const unknown = "unknown"

// Options are what the numbers are taken from.
type Options struct {
	DB    *db.DB
	Spool spool.Spool
	// Recipes are those in force.
	Recipes Recipes
	Version string
	Log     *slog.Logger
}

// Recipes are the recipes in force; *recipe.Set has them.
type Recipes interface {
	All() []recipe.Recipe
	Find(name string) (recipe.Recipe, bool)
}

// Meters count what a dispatcher does. Its methods may be called at any time from any
// goroutine and never wait.
type Meters struct {
	opts     Options
	registry *prometheus.Registry
	doing    atomic.Pointer[Doing]

	started, putBack *prometheus.CounterVec // by recipe
	attempts, jobs   *prometheus.CounterVec // by recipe and class
	waited, ran      *prometheus.HistogramVec
	expired          prometheus.Counter

	peaks peaks
	// broken says that two numbers have one name.
	broken error
}

// End is what an attempt came to.
type End struct {
	Recipe string
	// Class is "" for an attempt that was stopped on request and goes back to its queue.
	Class fault.Class
	// Final says that the job ended with it; otherwise it is tried again.
	Final bool
	// Ran is how long it ran in seconds, PeakMemory the most that it held at once in bytes,
	// 0 where that is not known.
	Ran        float64
	PeakMemory int64
}

// New returns the meters of one dispatcher with a registry of their own.
func New(o Options) *Meters {
	m := &Meters{
		opts: o, registry: prometheus.NewRegistry(), peaks: peaks{most: map[string]int64{}},
		started:  counters("convertd_attempts_started_total", "Attempts that this dispatcher started.", "recipe"),
		putBack:  counters("convertd_attempts_put_back_total", "Attempts that were stopped on request and went back to their queue, not counted against their job.", "recipe"),
		attempts: counters("convertd_attempts_ended_total", "Attempts that this dispatcher recorded as ended, by outcome class; those that are tried again included.", "recipe", "class"),
		jobs:     counters("convertd_jobs_ended_total", "Jobs that ended with an attempt of this dispatcher, by outcome class.", "recipe", "class"),
		waited: durations("convertd_job_wait_seconds", "How long jobs waited for their first attempt, from submission or from the date they were given.",
			.1, .5, 1, 5, 15, 60, 300, 900, 3600, 4*3600, 24*3600),
		ran: durations("convertd_attempt_run_seconds", "How long attempts ran.",
			.05, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 4*3600),
		expired: prometheus.NewCounter(prometheus.CounterOpts{Name: "convertd_jobs_expired_total", Help: "Jobs that this dispatcher gave up because they were not started in time."}),
	}
	m.doing.Store(&Doing{})
	var errs []error
	for _, c := range []prometheus.Collector{
		m.started, m.putBack, m.attempts, m.jobs, m.waited, m.ran, m.expired, &m.peaks,
		&doingCollector{m}, &diskCollector{m}, newRows(m), m.build(),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		errs = append(errs, m.registry.Register(c))
	}
	m.broken = errors.Join(errs...)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func durations(name, help string, buckets ...float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{"recipe"})
}

// build is a number whose labels are what is of interest, as is the custom.
func (m *Meters) build() prometheus.Collector {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "convertd_build_info", Help: "Always 1; the labels name the version of convertd and of the Go that compiled it."}, []string{"version", "go_version"})
	g.WithLabelValues(m.opts.Version, runtime.Version()).Set(1)
	return g
}

// Started counts an attempt that began. For the first one of its job, waited is how long
// the job waited; below 0 it does not count.
func (m *Meters) Started(recipe string, waited time.Duration) {
	recipe = m.recipe(recipe)
	m.started.WithLabelValues(recipe).Inc()
	if waited >= 0 {
		m.waited.WithLabelValues(recipe).Observe(waited.Seconds())
	}
}

// Ended counts an attempt whose end is recorded.
func (m *Meters) Ended(e End) {
	recipe := m.recipe(e.Recipe)
	if e.Class == "" {
		m.putBack.WithLabelValues(recipe).Inc()
		return
	}
	m.attempts.WithLabelValues(recipe, string(e.Class)).Inc()
	if e.Final {
		m.jobs.WithLabelValues(recipe, string(e.Class)).Inc()
	}
	m.ran.WithLabelValues(recipe).Observe(e.Ran)
	m.peaks.note(recipe, e.PeakMemory)
}

// Expired counts jobs that were not started in time.
func (m *Meters) Expired(n int) { m.expired.Add(float64(n)) }

// recipe is the label of a recipe.
func (m *Meters) recipe(name string) string {
	if _, ok := m.opts.Recipes.Find(name); ok {
		return name
	}
	return unknown
}

// queues are the labels of queues: those that recipes in force name or that have a limit.
func (m *Meters) queues() map[string]bool {
	known := map[string]bool{}
	for _, r := range m.opts.Recipes.All() {
		known[r.Queue] = true
	}
	for name := range m.doing.Load().QueueLimits {
		known[name] = true
	}
	return known
}

// peaks remembers the most memory that an attempt of each recipe held.
type peaks struct {
	mu   sync.Mutex
	most map[string]int64
}

func (p *peaks) note(recipe string, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most[recipe] = max(p.most[recipe], bytes)
}

func (p *peaks) desc() *prometheus.Desc {
	return prometheus.NewDesc("convertd_attempt_memory_peak_bytes", "The most memory that an attempt of the recipe held since this dispatcher was started.", []string{"recipe"}, nil)
}

// Describe implements prometheus.Collector.
func (p *peaks) Describe(to chan<- *prometheus.Desc) { to <- p.desc() }

// Collect implements prometheus.Collector.
func (p *peaks) Collect(to chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, bytes := range p.most {
		to <- prometheus.MustNewConstMetric(p.desc(), prometheus.GaugeValue, float64(bytes), name)
	}
}
