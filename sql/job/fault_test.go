package job_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"convertd/sql/job"
)

// TestFault has the rows of the table of faults that concern the statements alone.
func TestFault(t *testing.T) {
	t.Parallel()
	t.Run("F15_dates_of_a_wrong_clock", faultDates)
	t.Run("F27_hundred_thousand_waiting", faultManyWaiting)
}

// faultDates has jobs wait for their second attempt: until soon, which is to be waited
// for, and until a day that only a wrong clock can have meant.
func faultDates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := map[string]time.Duration{}
	for _, in := range []time.Duration{time.Minute, 72 * time.Hour, -72 * time.Hour} {
		d := draft("ann")
		d.MaxAttempts = 3
		c := b.run(d)
		e := end(c, job.Scheduled)
		at := time.Now().Add(in)
		e.RunAt, e.CountFailure = &at, true
		b.finish(e)
		ids[d.ID] = in
	}
	first := draft("ann") // one that was never started: its date is the user's
	at := time.Now().Add(72 * time.Hour)
	first.RunAt = &at
	b.insert(first)
	if n, err := b.DueAgain(t.Context()); n != 2 || err != nil {
		t.Errorf("%d jobs came, want 2: %v", n, err)
	}
	for id, in := range ids {
		want := job.Queued
		if in == time.Minute {
			want = job.Scheduled
		}
		if got := b.find(id).State; got != want {
			t.Errorf("put off by %v it is %s, want %s", in, got, want)
		}
	}
	if got := b.find(first.ID).State; got != job.Scheduled {
		t.Errorf("the one with a date of its own is %s", got)
	}
}

// faultManyWaiting has one owner submit a hundred thousand jobs before others submit one
// each, and looks how the claim finds them.
func faultManyWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const waiting = 100_000
	b.execute(`insert into job (id, owner, recipe, recipe_version, queue, priority, turn, params, tags, email, lang,
			trace_context, state, attempt, max_attempts)
		select translate(upper(substr(md5(n::text), 1, 26)), '0189', 'GHIJ'), 'crowd', 'tracks', '', 'default',
			0, n, '{}', '{}', '', '', '{}', 'queued', 0, 1 from generate_series(1, $1::integer) as n`, waiting)
	b.execute(`insert into lane values ('default', 0) on conflict do nothing`)
	b.execute(`analyze job`)
	for range 3 {
		b.claim(16) // the crowd is being served
	}
	for _, owner := range []string{"ann", "ben", "eve"} {
		b.insert(draft(owner))
	}
	w := b.plan("claim.sql", "d", "b", 16, `{}`, `[]`, nil, `secret`)
	if !slices.Contains(w.indexes, "job_claim") || slices.Contains(w.scanned, "job") {
		t.Errorf("the claim walks %v and reads %v", w.indexes, w.scanned)
	}
	got := owners(b.claim(4))
	for _, owner := range []string{"ann", "ben", "eve"} {
		if !strings.Contains(got, owner) {
			t.Errorf("of the next four jobs, owned by %s, none is of %s", got, owner)
		}
	}
	// Each is claimed once, however many there are.
	seen := map[string]bool{}
	for range 20 {
		for _, c := range b.claim(50) {
			if seen[c.ID] {
				t.Fatalf("job %s was claimed twice", c.ID)
			}
			seen[c.ID] = true
		}
	}
	if len(seen) != 1000 {
		t.Errorf("20 claims of 50 gave %d jobs", len(seen))
	}
}
