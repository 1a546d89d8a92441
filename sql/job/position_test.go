package job_test

import (
	"context"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/sql/job"
)

// The place in the queue is the order in which a claim takes the jobs.
func TestPosition(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	for i, owner := range []string{"a", "a", "a", "b", "c", "b"} {
		d := draft(owner)
		d.Priority = i / 5
		b.insert(d)
	}
	other := draft("z")
	other.Queue = "other"
	b.insert(other)
	page, err := b.List(ctx, job.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]int{}
	for _, j := range page.Jobs {
		n, known, err := b.Position(ctx, j.ID)
		if err != nil || !known {
			t.Fatalf("position = %v, %v", known, err)
		}
		places[j.ID] = n
	}
	claimed, err := b.Claim(ctx, job.Claimer{}, 10, map[string]int{"other": 0})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range claimed {
		if places[c.ID] != i+1 {
			t.Errorf("the claim's number %d stood on place %d", i+1, places[c.ID])
		}
	}
	if places[other.ID] != 1 {
		t.Errorf("alone in its queue on place %d", places[other.ID])
	}
	if _, known, err := b.Position(ctx, claimed[0].ID); known || err != nil {
		t.Errorf("a running job has a place: %v, %v", known, err)
	}
}

func TestUsual(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		history string // input_bytes, wall_seconds
		bytes   int64
		seconds float64
		known   bool
	}{
		{"no history", ``, 1000, 0, false},
		{"two are too few", `(1000, 1), (1000, 2)`, 1000, 0, false},
		{"the median of three", `(1000, 1), (1000, 9), (1000, 2)`, 1000, 2, true},
		{"none of that size", `(10, 1), (20, 1), (30, 1)`, 1 << 30, 0, false},
		{"those of that size", `(10, 1), (20, 1), (30, 1), (1000000, 60), (2000000, 120), (1100000, 66)`, 1000000, 60, true},
		{"between those that are there", `(1000000, 10), (1000000, 11), (4000000, 40), (4000000, 44)`, 2000000, 21, true},
		{"one odd one", `(1000, 5), (1000, 5), (1000, 500), (1000, 5)`, 1000, 5, true},
		{"larger files that took no longer", `(1000, 4), (2000, 2), (3000, 1)`, 2000, 2, true},
		{"empty inputs", `(0, 3), (0, 3), (0, 3)`, 0, 3, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if row.history != "" {
				b.exec(`with h (bytes, seconds, n) as (select *, row_number() over () from (values ` + row.history + `) as v),
					made as (insert into job (id, owner, recipe, recipe_version, queue, priority, turn, params, tags, email, lang,
						trace_context, state, class, attempt, started_at, ended_at, max_attempts)
						select upper(translate(lpad(n::text, 26, 'A'), '0189', 'BCDE')), '', 'tracks', '', 'q', 0, 1, '{}', '{}', '', '', '{}',
							'succeeded', 'succeeded', 1, now(), now(), 1 from h returning id)
					insert into result (job, seq, recipe, state, class, input_bytes, wall_seconds, keep_until)
						select upper(translate(lpad(n::text, 26, 'A'), '0189', 'BCDE')), n, 'tracks', 'succeeded', 'succeeded', bytes, seconds, now() from h`)
			}
			seconds, known, err := b.Usual(context.Background(), "tracks", row.bytes)
			if err != nil || known != row.known || math.Abs(seconds-row.seconds) > row.seconds/50 {
				t.Errorf("usual = %v, %v, %v", seconds, known, err)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.finish(end(b.run(draft("a")), job.Succeeded), end(b.run(draft("a")), job.Failed))
	b.run(draft("a"))
	b.insert(draft("a"))
	b.insert(draft("a"))
	counts, err := b.Counts(ctx)
	want := map[job.State]int{job.Scheduled: 0, job.Blocked: 0, job.Queued: 2, job.Running: 1, job.Succeeded: 1, job.Failed: 1, job.Cancelled: 0, job.Expired: 0}
	if diff := cmp.Diff(want, counts); diff != "" || err != nil {
		t.Errorf("counts: %v\n%s", err, diff)
	}
	waiting, err := b.Waiting(ctx)
	if diff := cmp.Diff(map[string]int{"default": 2}, waiting); diff != "" || err != nil {
		t.Errorf("waiting: %v\n%s", err, diff)
	}
}
