package job_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"convertd/sql/job"
)

func TestClaimOrder(t *testing.T) {
	t.Parallel()
	// Each letter is a job of that owner, in the order of arrival; a digit before it is the
	// priority. A dot claims one job.
	rows := []struct{ name, arrive, want string }{
		{"one owner, first come first served", "aaa", "aaa"},
		{"owners take turns", "aaaabbcc", "abcabcaa"},
		{"one file does not wait for a thousand", "aaaaaaaaaab", "abaaaaaaaaa"},
		{"higher priority first", "aa9b", "baa"},
		{"a newcomer starts behind the last turn, not before all others", "aaaabbbb....c", "abab" + "abcab"},
		{"who was served long ago has no credit", "a......bbbb", "abbbb"},
		{"turns within a priority", "9aa9a9b", "abaa"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var got []job.Claimed
			priority := 0
			for _, c := range row.arrive {
				switch {
				case c == '.':
					got = append(got, b.claim(1)...)
				case c >= '0' && c <= '9':
					priority = int(c - '0')
				default:
					d := draft(string(c))
					d.Priority, priority = priority, 0
					b.insert(d)
				}
			}
			got = append(got, b.claim(100)...)
			if owners(got) != row.want {
				t.Errorf("claimed %s, want %s", owners(got), row.want)
			}
		})
	}
}

func TestClaimQueues(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		most int
		free map[string]int
		want string
	}{
		{"no limit of their own", 10, nil, "iiivvv"},
		{"a full queue is passed over", 10, map[string]int{"video": 0}, "iii"},
		{"a limited queue gives as many as it has places", 10, map[string]int{"video": 1}, "iiiv"},
		{"most is for all together", 2, map[string]int{"video": 1, "images": 1}, "iv"},
		{"a queue below its limit is no better than full", 10, map[string]int{"video": -3}, "iii"},
		{"nothing asked for", 0, nil, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for i := range 6 {
				d := draft("i")
				d.Queue = "images"
				if i >= 3 {
					d.Owner, d.Queue, d.Priority = "v", "video", -1
				}
				b.insert(d)
			}
			claimed, err := b.Claim(context.Background(), job.Claimer{Dispatcher: "d", BootID: "b"}, row.most, row.free)
			if got := owners(b.confirm(claimed)); err != nil || got != row.want {
				t.Errorf("claimed %q, %v, want %q", got, err, row.want)
			}
		})
	}
}

// A fast queue's many turns must not push newcomers behind everybody in a slow one.
func TestClaimTurnsPerQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	add := func(owner, queue string, n int) {
		for range n {
			d := draft(owner)
			d.Queue = queue
			b.insert(d)
		}
	}
	add("x", "fast", 20)
	if n := len(b.claim(20)); n != 20 {
		t.Fatalf("claimed %d", n)
	}
	add("a", "slow", 5)
	add("b", "slow", 1)
	if got := owners(b.claim(10)); got != "abaaaa" {
		t.Errorf("claimed %s", got)
	}
}

func TestClaimPassesOverTheExpired(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := draft("ann")
	soon := time.Now().Add(time.Hour)
	d.WaitUntil = &soon
	running := b.run(d)
	b.finish(end(running, job.Queued))
	b.exec(`update job set wait_until = now() - interval '1 second'`)
	if again := b.claim(1); len(again) != 1 || again[0].Attempt != 2 {
		t.Errorf("a job that was started once must go on: %+v", again)
	}
	late := draft("bob")
	late.WaitUntil = &soon
	b.insert(late)
	b.exec(`update job set wait_until = now() - interval '1 second'`)
	if claimed := b.claim(1); len(claimed) != 0 {
		t.Errorf("claimed an expired job: %+v", claimed)
	}
}

// Several claimers at once, with ends and new jobs in between: every job runs exactly as
// often as it was put back, and no token is given twice.
func TestNoDoubleClaim(t *testing.T) {
	t.Parallel()
	const jobs, claimers = 300, 3
	b := setup(t)
	var mu sync.Mutex
	seen := map[string]int{}
	var work sync.WaitGroup
	for i := range claimers {
		work.Go(func() {
			for range jobs / claimers {
				b.insert(draft(fmt.Sprint("owner", i)))
			}
		})
		work.Go(func() {
			deadline := time.Now().Add(30 * time.Second)
			for count := func() int { mu.Lock(); defer mu.Unlock(); return len(seen) }; count() < jobs; {
				if time.Now().After(deadline) {
					t.Errorf("claimed %d of %d", count(), jobs)
					return
				}
				claimed := b.claim(7)
				ends := make([]job.End, len(claimed))
				mu.Lock()
				for k, c := range claimed {
					seen[c.ID]++
					ends[k] = end(c, job.Succeeded)
				}
				mu.Unlock()
				for k, applied := range b.finish(ends...) {
					if !applied {
						t.Errorf("end of %s was not applied", ends[k].ID)
					}
				}
			}
		})
	}
	work.Wait()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("job %s was claimed %d times", id, n)
		}
	}
	counts, err := b.Counts(context.Background())
	if err != nil || counts[job.Succeeded] != jobs || len(seen) != jobs {
		t.Errorf("counts = %v, %v; claimed %d", counts, err, len(seen))
	}
}

// A second claimer does not wait for the first one's transaction.
func TestClaimSkipsLocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(draft("a"))
	b.insert(draft("b"))
	err := b.db.InTx(context.Background(), func(tx *sqlx.Tx) error {
		var id string
		if err := tx.Get(&id, `select id from job where claimable order by turn, seq limit 1 for no key update`); err != nil {
			return err
		}
		if got := owners(b.claim(10)); got != "b" {
			t.Errorf("claimed %q beside a lock on a's", got)
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	if got := owners(b.claim(10)); got != "a" {
		t.Errorf("claimed %q after the lock", got)
	}
}

var errUndo = errors.New("undo")

// A claimer whose connection is cut in the middle of its transaction leaves nothing
// claimed.
func TestClaimCutOff(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	made := b.insert(draft("ann"))
	tx, err := b.db.BeginTxx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := tx.Get(&pid, `select pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	statement, err := os.ReadFile("claim.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(string(statement), "d", "b", 5, "{}", "[]", nil, "secret"); err != nil {
		t.Fatal(err)
	}
	b.exec(`select pg_terminate_backend($1)`, pid)
	if err := tx.Commit(); err == nil {
		t.Fatal("commit over a cut connection")
	}
	found := b.find(made.ID)
	if found.State != job.Queued || found.Attempt != 0 {
		t.Errorf("found = %+v", found.Life)
	}
	if attempts, err := b.Attempts(ctx, made.ID); err != nil || len(attempts) != 0 {
		t.Errorf("attempts = %v, %v", attempts, err)
	}
	if claimed := b.claim(5); len(claimed) != 1 || claimed[0].Attempt != 1 {
		t.Errorf("claimed = %+v", claimed)
	}
}
