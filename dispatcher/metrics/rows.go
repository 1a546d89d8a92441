package metrics

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"convertd/sql/check"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

const (
	// askFor bounds how long a reader waits for the database; monitors give up after 10 s.
	askFor = 3 * time.Second
	// askAgain is how long an answer, or none, is told again without asking.
	askAgain = 3 * time.Second
)

// facts are what the rows say.
type facts struct {
	lines    []job.Line
	mails    outbox.Counts
	findings []check.Finding
}

// rows asks the database when somebody reads, however many read no more than once in
// askAgain.
type rows struct {
	m      *Meters
	jobs   *job.Store
	mails  *outbox.Store
	checks *check.Store

	mu      sync.Mutex // guards what follows, and has others wait for who asks
	asked   time.Time
	last    answer
	answers chan answer // of who still asks
}

type answer struct {
	facts facts
	err   error
}

func newRows(m *Meters) *rows {
	return &rows{m: m, jobs: job.NewStore(m.opts.DB), mails: outbox.NewStore(m.opts.DB), checks: check.NewStore(m.opts.DB)}
}

const (
	rUp = iota
	rMails
	rMailsFailed
	rFindings
)

func rowGauges() []gauge {
	return []gauge{
		rUp:          {"convertd_database_up", "1 if the database answered; otherwise all that rows tell is left out.", ""},
		rMails:       {"convertd_mails_waiting", "Mails that are owed and have not gone.", ""},
		rMailsFailed: {"convertd_mails_failed", "Mails of those whose last sending failed; they are tried again.", ""},
		rFindings:    {"convertd_findings", "What the doctor found when it last looked, by how bad it is.", "level"},
	}
}

// lineDescs are the numbers by queue and state.
func lineDescs() (waiting, oldest *prometheus.Desc) {
	labels := []string{"queue", "state"}
	return prometheus.NewDesc("convertd_jobs_waiting", "Jobs that wait, by queue and state.", labels, nil),
		prometheus.NewDesc("convertd_jobs_waiting_oldest_seconds", "How long the job that waits longest could have run already, by queue and state.", labels, nil)
}

// Describe implements prometheus.Collector.
func (r *rows) Describe(to chan<- *prometheus.Desc) {
	for _, g := range rowGauges() {
		to <- g.desc()
	}
	waiting, oldest := lineDescs()
	to <- waiting
	to <- oldest
}

// Collect implements prometheus.Collector.
func (r *rows) Collect(to chan<- prometheus.Metric) {
	g := rowGauges()
	f, err := r.ask()
	g[rUp].tell(to, oneIf(err == nil))
	if err != nil {
		return
	}
	r.tellLines(to, f.lines)
	g[rMails].tell(to, float64(f.mails.Waiting))
	g[rMailsFailed].tell(to, float64(f.mails.Failed))
	levels := map[string]int{"ok": 0, "warn": 0, "fail": 0}
	for _, found := range f.findings {
		levels[found.Level]++
	}
	g[rFindings].tellAll(to, levels)
}

// tellLines tells of every queue that is known, so that an alarm sees 0 and not nothing.
func (r *rows) tellLines(to chan<- prometheus.Metric, lines []job.Line) {
	type place struct {
		queue string
		state job.State
	}
	known := r.m.queues()
	all := map[place]job.Line{}
	for queue := range known {
		for _, state := range []job.State{job.Scheduled, job.Blocked, job.Queued} {
			all[place{queue, state}] = job.Line{}
		}
	}
	for _, l := range lines {
		at := place{labelOf(known, l.Queue), l.State}
		sum := all[at]
		all[at] = job.Line{N: sum.N + l.N, OldestSeconds: max(sum.OldestSeconds, l.OldestSeconds)}
	}
	waiting, oldest := lineDescs()
	for at, l := range all {
		to <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(l.N), at.queue, string(at.state))
		to <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, l.OldestSeconds, at.queue, string(at.state))
	}
}

// ask returns what the rows say now or said a moment ago.
func (r *rows) ask() (facts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked.IsZero() && time.Since(r.asked) < askAgain {
		return r.last.facts, r.last.err
	}
	before := r.last.err
	r.last = r.await()
	r.asked = time.Now()
	if r.last.err != nil && before == nil {
		r.m.opts.Log.Warn("the rows were not counted for the monitor", "error", r.last.err)
	}
	return r.last.facts, r.last.err
}

// await waits for an answer, not longer than readers may wait: a connection to a machine
// that is silent takes its time to be given up. Until it is no other one is begun.
func (r *rows) await() answer {
	if r.answers == nil {
		answers := make(chan answer, 1)
		r.answers = answers
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), askFor)
			defer cancel()
			f, err := r.read(ctx)
			answers <- answer{f, err}
		}()
	}
	select {
	case a := <-r.answers:
		r.answers = nil
		return a
	case <-time.After(askFor):
		return answer{err: fmt.Errorf("the database did not answer within %s", askFor)}
	}
}

func (r *rows) read(ctx context.Context) (f facts, err error) {
	if f.lines, err = r.jobs.Lines(ctx); err != nil {
		return f, err
	}
	if f.mails, err = r.mails.Counts(ctx); err != nil {
		return f, err
	}
	f.findings, err = r.checks.List(ctx)
	return f, err
}
