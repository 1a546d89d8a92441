package job_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"convertd/sql/job"
)

// pin holds a transaction open that can still see everything there is now.
func (b bundle) pin() {
	b.t.Helper()
	tx, err := b.db.BeginTxx(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = tx.Rollback() })
	if _, err := tx.Exec(`set local idle_in_transaction_session_timeout = 0`); err != nil {
		b.t.Fatal(err)
	}
	if _, err := tx.Exec(`declare c cursor for select * from job`); err != nil {
		b.t.Fatal(err)
	}
}

// retire ends everything that waits as if it had been claimed long ago.
func (b bundle) retire() {
	b.t.Helper()
	b.execute(`insert into queue_turn select queue, max(turn) from job group by queue on conflict do nothing`)
	for n := 1; n > 0; {
		done, err := b.db.Exec(`update job set state = 'succeeded', class = 'succeeded', attempt = 1, started_at = now(),
			ended_at = now() where id = any(array(select id from job where state = 'queued' limit 100000))`)
		if err != nil {
			b.t.Fatal(err)
		}
		changed, err := done.RowsAffected()
		if n = int(changed); err != nil {
			b.t.Fatal(err)
		}
	}
}

// clock is a store's time that moves when the test says so.
func (b bundle) clock() (move func(time.Duration)) {
	now := time.Now()
	b.SetClock(func() time.Time { return now })
	return func(d time.Duration) { now = now.Add(d) }
}

// A job that is committed below the floor, because its insert took long, is claimed by
// the next claim that looks at everything, and not before.
func TestClaimFindsWhatComesBelowTheFloor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	move := b.clock()
	for range 4 {
		b.insert(draft("ann"))
		b.claim(1)
		move(job.FloorAge)
	}
	late := b.insert(draft("late"))
	b.exec(`update job set turn = 1 where id = $1`, late.ID)
	if got := owners(b.claim(1)); got != "" {
		t.Fatalf("claimed %q below the floor", got)
	}
	move(job.FloorsEvery)
	if got := owners(b.claim(1)); got != "late" {
		t.Errorf("a claim that looks at everything took %q", got)
	}
}

// A job whose time has come, or that goes back, does not lie below the floor.
func TestWhatGoesBackIsClaimedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	move := b.clock()
	soon := time.Now().Add(time.Hour)
	d := draft("later")
	d.RunAt = &soon
	later := b.insert(d)
	back := b.run(draft("back"))
	for range 4 {
		b.insert(draft("ann"))
		b.claim(1)
		move(job.FloorAge)
	}
	again := end(back, job.Queued)
	again.Result = nil
	b.finish(again)
	b.exec(`update job set run_at = now() - interval '1 second' where id = $1`, later.ID)
	if n, err := b.Due(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	got := []string{owners(b.claim(1)), owners(b.claim(1))}
	slices.Sort(got)
	if !slices.Equal(got, []string{"back", "later"}) {
		t.Errorf("claimed %v", got)
	}
}

// blocks is how many pages a claim reads.
func (b bundle) blocks(floors string) float64 {
	b.t.Helper()
	statement, err := os.ReadFile("claim.sql")
	if err != nil {
		b.t.Fatal(err)
	}
	var read float64
	err = b.db.InTx(context.Background(), func(tx *sqlx.Tx) error {
		var text []byte
		if err := tx.Get(&text, "explain (analyze, buffers, format json) "+string(statement), "d", "b", 16, "{}", floors, nil, "secret"); err != nil {
			return err
		}
		var plans []struct{ Plan map[string]any }
		if err := json.Unmarshal(text, &plans); err != nil {
			return err
		}
		for _, count := range []string{"Shared Hit Blocks", "Shared Read Blocks"} {
			n, _ := plans[0].Plan[count].(float64)
			read += n
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		b.t.Fatal(err)
	}
	return read
}

// While somebody's transaction keeps the dead versions of claimed jobs, a claim does not
// walk them again and again: not in lanes in which nothing waits any more, and not in a
// program that has just begun.
func TestClaimDoesNotWalkTheDead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	move := b.clock()
	b.fill(50000, true)
	b.pin()
	b.retire()
	insert := func() {
		d := draft("ann")
		d.Queue, d.Priority = "queue1", 1
		b.insert(d)
	}
	insert()
	all := b.blocks(`[]`)
	if got := len(b.claim(1)); got != 1 {
		t.Fatalf("claimed %d", got)
	}
	for range 5 {
		if some := b.blocks(b.Told()); all < 1000 || some > all/10 {
			t.Errorf("pages read with floors %v, without %v: %s", some, all, b.Told())
		}
		move(job.FloorAge)
		insert()
		b.claim(1)
	}
}

// fillSome adds jobs that wait, with turns after those that are there.
func (b bundle) fillSome(n int) {
	b.t.Helper()
	b.execute(`insert into job (id, owner, recipe, recipe_version, queue, priority, turn, params, tags, email, lang,
			trace_context, state, max_attempts)
		select translate(upper(substr(md5(n::text || clock_timestamp()), 1, 26)), '0189', 'GHIJ'), 'owner' || n % 50, 'tracks', '', 'default',
			0, (select coalesce(max(seq), 0) from job) + 1 + n / 50, '{}', '{}', '', '', '{}', 'queued', 1
		from generate_series(1, $1::integer) as n`, n)
	b.execute(`insert into lane select distinct queue, priority from job on conflict do nothing`)
}
