package job_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/sql/queue"
)

// model is what a job should be: the state machine in a few lines, without a database.
type model struct {
	state             job.State
	attempt, failures int
	asked, deleted    bool
	// token is the live attempt's, "" for none.
	token string
	// queue is where it waits.
	queue string
	// needs is the job that must have succeeded, "" for none; met that it has.
	needs string
	met   bool
	// begun says that a process of some attempt was started.
	begun bool
}

func (m *model) waiting() bool {
	return m.state == job.Queued || m.state == job.Scheduled || m.state == job.Blocked
}

// late reports whether the job ends when the time in expires comes.
func (m *model) late() bool { return !m.begun && m.failures == 0 }

// ready is the state of a job whose time has come.
func (m *model) ready() job.State {
	if m.needs != "" {
		return job.Blocked
	}
	return job.Queued
}

// machine drives the rows and the model side by side.
type machine struct {
	bundle
	ids    []string
	models map[string]*model
	// paused are the queues of which nothing may be claimed; move lets time pass.
	paused map[string]bool
	queues *queue.Store
	move   func(time.Duration)
	// stale are ends of attempts that are over; none of them may ever be applied.
	stale []job.End
}

const maxAttempts = 3

// Whatever is done in whatever order, every row is as the model says, and every state is
// reached by the steps of the model only.
func TestRowsFollowTheModel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(r *rapid.T) {
		b.execute(`with gone as (delete from queue_turn), open as (delete from queue_pause) delete from job`)
		// A store remembers how far it claimed, and its rows are gone.
		b.Store = job.NewStore(b.db)
		m := machine{bundle: b, models: map[string]*model{}, paused: map[string]bool{}, queues: queue.NewStore(b.db), move: b.clock()}
		r.Repeat(map[string]func(*rapid.T){
			"insert": m.insertOne, "claim": m.claimSome, "begin": m.beginOne, "finish": m.finishOne, "stale": m.finishStale,
			"cancel": m.cancelOne, "delete": m.deleteOne, "due": m.makeDue, "unblock": m.letThrough, "expire": m.expireOne,
			"pause": m.pauseOne, "wait": m.letTimePass, "": m.check,
		})
	})
}

// pick draws one of the jobs; it skips the step when there is none.
func (m *machine) pick(r *rapid.T) (string, *model) {
	if len(m.ids) == 0 {
		r.Skip("no job yet")
	}
	id := rapid.SampledFrom(m.ids).Draw(r, "job")
	return id, m.models[id]
}

func (m *machine) insertOne(r *rapid.T) {
	d := draft(rapid.SampledFrom([]string{"a", "b"}).Draw(r, "owner"))
	d.MaxAttempts = maxAttempts
	d.Queue = rapid.SampledFrom([]string{"one", "two"}).Draw(r, "queue")
	d.Priority = rapid.IntRange(-1, 1).Draw(r, "priority")
	made := &model{queue: d.Queue}
	if len(m.ids) > 0 && rapid.Bool().Draw(r, "after") {
		made.needs = rapid.SampledFrom(m.ids).Draw(r, "needs")
		d.Needs = []job.Need{{Job: made.needs}}
	}
	made.state = made.ready()
	if rapid.Bool().Draw(r, "later") {
		later := time.Now().Add(time.Hour)
		d.RunAt, made.state = &later, job.Scheduled
	}
	m.insert(d)
	m.ids = append(m.ids, d.ID)
	m.models[d.ID] = made
}

func (m *machine) claimSome(r *rapid.T) {
	queued := 0
	for _, one := range m.models {
		if one.state == job.Queued && !m.paused[one.queue] {
			queued++
		}
	}
	most := rapid.IntRange(1, 3).Draw(r, "most")
	claimed := m.claim(most)
	if len(claimed) != min(most, queued) {
		r.Fatalf("claimed %d of %d, asked for %d", len(claimed), queued, most)
	}
	for _, c := range claimed {
		one := m.models[c.ID]
		if one.state != job.Queued {
			r.Fatalf("claimed a job that was %s", one.state)
		}
		if m.paused[one.queue] {
			r.Fatalf("claimed a job of a paused queue")
		}
		one.state, one.token = job.Running, c.Token
		one.attempt++
		if c.Attempt != one.attempt || c.Failures != one.failures {
			r.Fatalf("claimed %+v, want attempt %d", c.Life, one.attempt)
		}
	}
}

// pauseOne pauses a queue, or resumes it.
func (m *machine) pauseOne(r *rapid.T) {
	name := rapid.SampledFrom([]string{"one", "two"}).Draw(r, "queue")
	change := m.queues.Pause
	if m.paused[name] {
		change = m.queues.Resume
	}
	if err := change(context.Background(), name); err != nil {
		r.Fatal(err)
	}
	m.paused[name] = !m.paused[name]
}

// letTimePass moves the clock that the floors of the claim go by: nothing that waits may
// be lost below them.
func (m *machine) letTimePass(r *rapid.T) {
	m.move(rapid.SampledFrom([]time.Duration{job.FloorAge, job.FloorsEvery}).Draw(r, "passes"))
}

func (m *machine) beginOne(r *rapid.T) {
	id, one := m.pick(r)
	if one.state != job.Running {
		r.Skip("does not run")
	}
	began := job.Began{Job: id, Attempt: one.attempt, Token: one.token, PID: 1}
	if err := m.NoteBegun(context.Background(), []job.Began{began}); err != nil {
		r.Fatal(err)
	}
	one.begun = true
}

func (m *machine) finishOne(r *rapid.T) {
	id, one := m.pick(r)
	if one.state != job.Running {
		r.Skip("does not run")
	}
	next := rapid.SampledFrom([]job.State{job.Succeeded, job.Failed, job.Cancelled, job.Queued, job.Scheduled, job.Expired}).Draw(r, "next")
	if next == job.Expired {
		if !one.late() {
			r.Skip("has begun")
		}
		m.execute(`update job set wait_until = now() where id = $1`, id)
	}
	count := next != job.Expired && next != job.Cancelled && next != job.Succeeded && rapid.Bool().Draw(r, "count")
	if count && !next.Ended() && one.failures+1 == maxAttempts {
		next = job.Failed
	}
	last := end(job.Claimed{Job: job.Job{Identity: job.Identity{ID: id}, Life: job.Life{Attempt: one.attempt}}, Token: one.token}, next)
	last.CountFailure = count
	if next == job.Scheduled {
		later := time.Now().Add(time.Hour)
		last.RunAt = &later
	}
	if applied := m.finish(last); !applied[0] {
		r.Fatalf("end of the live attempt of %s was not applied", id)
	}
	switch {
	case one.asked && (!next.Ended() || next == job.Expired):
		next = job.Cancelled
	case next == job.Queued:
		next = one.ready()
	}
	one.state, one.token = next, ""
	if count {
		one.failures++
	}
	m.stale = append(m.stale, last)
}

func (m *machine) finishStale(r *rapid.T) {
	if len(m.stale) == 0 {
		r.Skip("no end yet")
	}
	old := rapid.SampledFrom(m.stale).Draw(r, "end")
	if applied := m.finish(old); applied[0] {
		r.Fatalf("an end was applied again: %+v", old)
	}
}

func (m *machine) cancelOne(r *rapid.T) {
	id, one := m.pick(r)
	_, err := m.RequestCancel(context.Background(), id)
	want := fault.Code("")
	switch {
	case one.deleted:
		want = fault.NotFound
	case one.waiting():
		one.state = job.Cancelled
	case one.state == job.Running:
		one.asked = true
	case one.state != job.Cancelled:
		want = fault.AlreadyEnded
	}
	if fault.CodeOf(err) != want {
		r.Fatalf("cancel of %+v: %v, want %q", one, err, want)
	}
}

func (m *machine) deleteOne(r *rapid.T) {
	id, one := m.pick(r)
	err := m.Delete(context.Background(), id)
	if fault.Is(err, fault.NotFound) != one.deleted || (err != nil && !one.deleted) {
		r.Fatalf("delete of %+v: %v", one, err)
	}
	if one.waiting() {
		one.state = job.Cancelled
	}
	one.asked = one.asked || one.state == job.Running
	one.deleted = true
}

func (m *machine) makeDue(r *rapid.T) {
	m.execute(`update job set run_at = now() where state = 'scheduled'`)
	if _, err := m.Due(context.Background()); err != nil {
		r.Fatal(err)
	}
	for _, one := range m.models {
		if one.state == job.Scheduled {
			one.state = one.ready()
		}
	}
}

// letThrough ends what can no longer be let through and lets the rest through whose job
// has succeeded; each looks at what was before.
func (m *machine) letThrough(r *rapid.T) {
	if _, _, err := m.Unblock(context.Background()); err != nil {
		r.Fatal(err)
	}
	anyBlocked := false
	before := map[string]model{}
	for id, one := range m.models {
		before[id] = *one
		anyBlocked = anyBlocked || one.state == job.Blocked
	}
	if !anyBlocked {
		return
	}
	for _, one := range m.models {
		if one.needs == "" {
			continue
		}
		needed := before[one.needs]
		failed := needed.deleted || needed.state.Ended() && needed.state != job.Succeeded
		if !one.met && failed && one.waiting() {
			one.state = job.Cancelled
			continue
		}
		one.met = one.met || needed.state == job.Succeeded && !needed.deleted
		if one.state == job.Blocked && one.met {
			one.state = job.Queued
		}
	}
}

func (m *machine) expireOne(r *rapid.T) {
	id, one := m.pick(r)
	m.execute(`update job set wait_until = now() where id = $1 and waiting`, id)
	ids, err := m.Expire(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	expires := one.waiting() && one.late()
	if slices.Contains(ids, id) != expires || len(ids) > 1 {
		r.Fatalf("expired %v, want %s: %v", ids, id, expires)
	}
	if expires {
		one.state = job.Expired
	}
}

// check compares all rows with the model, and what lies beside them with the rows.
func (m *machine) check(r *rapid.T) {
	var rows []struct {
		ID       string    `db:"id"`
		State    job.State `db:"state"`
		Attempt  int       `db:"attempt"`
		Failures int       `db:"failures"`
		Asked    bool      `db:"asked"`
		Deleted  bool      `db:"deleted"`
		Attempts int       `db:"attempts"`
		Live     int       `db:"live"`
		Result   job.State `db:"result"`
	}
	if err := m.db.Select(&rows, `select j.id, j.state, j.attempt, j.failures, j.cancel_requested_at is not null as asked,
			j.deleted_at is not null as deleted,
			(select count(*) from attempt a where a.job = j.id) + (select count(*) from live_attempt a where a.job = j.id) as attempts,
			(select count(*) from live_attempt a where a.job = j.id and a.number = j.attempt) as live,
			coalesce((select state from result r where r.job = j.id), '') as result
		from job j`); err != nil {
		r.Fatal(err)
	}
	if len(rows) != len(m.models) {
		r.Fatalf("%d rows, %d models", len(rows), len(m.models))
	}
	for _, row := range rows {
		one := m.models[row.ID]
		if row.State != one.state || row.Attempt != one.attempt || row.Failures != one.failures ||
			row.Asked != one.asked || row.Deleted != one.deleted {
			r.Fatalf("row %+v, model %+v", row, *one)
		}
		live, result := 0, job.State("")
		if one.state == job.Running {
			live = 1
		}
		if one.state.Ended() {
			result = one.state
		}
		if row.Attempts != one.attempt || row.Live != live || row.Result != result {
			r.Fatalf("beside the row: %+v, model %+v", row, *one)
		}
	}
}
