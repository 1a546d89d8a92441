package idempotency_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/idempotency"
	"convertd/sql/job"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

type bundle struct {
	*idempotency.Store
	t    *testing.T
	db   *db.DB
	jobs *job.Store
	// here is a process that lives until the end of the test.
	here *idempotency.Presence
}

func setup(t *testing.T) bundle {
	t.Helper()
	database := dbtest.Open(t)
	b := bundle{Store: idempotency.NewStore(database), t: t, db: database, jobs: job.NewStore(database)}
	b.here = b.attend()
	t.Cleanup(b.here.Close)
	return b
}

func (b bundle) attend() *idempotency.Presence {
	b.t.Helper()
	presence, err := idempotency.Attend(context.Background(), b.db, slog.New(slog.DiscardHandler))
	if err != nil {
		b.t.Fatal(err)
	}
	return presence
}

// begin asks for the one key of these tests.
func (b bundle) begin(by *idempotency.Presence) (*idempotency.Claim, *idempotency.Record, error) {
	return b.Begin(context.Background(), "ann", "key", by.Number())
}

// claim is begin where it must give a claim.
func (b bundle) claim(by *idempotency.Presence) *idempotency.Claim {
	b.t.Helper()
	claim, record, err := b.begin(by)
	if err != nil || claim == nil || record != nil {
		b.t.Fatalf("begin = %v, %v, %v, want a claim", claim, record, err)
	}
	return claim
}

// submit makes the job of a claim.
func (b bundle) submit(claim *idempotency.Claim) (string, error) {
	claim.Fingerprint = []byte("print")
	made, err := b.jobs.Insert(context.Background(), job.Draft{
		Identity: job.Identity{ID: rand.Text(), Owner: "ann"}, Request: job.Request{Recipe: "r", Queue: "q"},
		IdempotencyKey: claim,
	})
	return made.ID, err
}

func TestOneKeyOneJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, err := b.submit(b.claim(b.here))
	if err != nil {
		t.Fatal(err)
	}
	claim, record, err := b.begin(b.here)
	if err != nil || claim != nil || record == nil || record.Job != id || !bytes.Equal(record.Fingerprint, []byte("print")) {
		t.Errorf("again = %v, %+v, %v", claim, record, err)
	}
	if claim, _, err := b.Begin(context.Background(), "bob", "key", b.here.Number()); claim == nil || err != nil {
		t.Errorf("another owner's same key = %v, %v", claim, err)
	}
}

func TestInProgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.claim(b.here)
	other := b.attend()
	defer other.Close()
	for _, by := range []*idempotency.Presence{b.here, other} {
		if _, _, err := b.begin(by); !fault.Is(err, fault.Conflict) {
			t.Errorf("begin while it is in progress: %v", err)
		}
	}
}

// A process that is gone loses its keys, and what it still tries to write fails.
func TestLapse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone := b.attend()
	lost := b.claim(gone)
	gone.Close()
	taken := b.claim(b.here)
	if _, err := b.submit(lost); !fault.Is(err, fault.Conflict) {
		t.Errorf("submit with a lapsed claim: %v", err)
	}
	if counts, err := b.jobs.Counts(context.Background()); err != nil || counts[job.Queued] != 0 {
		t.Errorf("the lapsed claim made a job: %v, %v", counts, err)
	}
	id, err := b.submit(taken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.submit(lost); !fault.Is(err, fault.Conflict) {
		t.Errorf("submit with a lapsed claim after the job was made: %v", err)
	}
	if _, record, err := b.begin(b.here); err != nil || record.Job != id {
		t.Errorf("record = %+v, %v", record, err)
	}
}

func TestAbandon(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	refused := b.claim(b.here)
	if err := b.Abandon(ctx, *refused); err != nil {
		t.Fatal(err)
	}
	next := b.claim(b.here)
	if err := b.Abandon(ctx, *refused); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.begin(b.here); !fault.Is(err, fault.Conflict) {
		t.Errorf("abandoning twice gave back somebody else's claim: %v", err)
	}
	if _, err := b.submit(next); err != nil {
		t.Fatal(err)
	}
	if err := b.Abandon(ctx, *next); err != nil {
		t.Fatal(err)
	}
	if _, record, err := b.begin(b.here); err != nil || record == nil {
		t.Errorf("abandoning took back a job that was made: %v, %v", record, err)
	}
}

func TestKeptForADay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	first, err := b.submit(b.claim(b.here))
	if err != nil {
		t.Fatal(err)
	}
	b.age(idempotency.Kept - time.Minute)
	if n, err := b.Prune(ctx, 10); n != 0 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	if _, record, err := b.begin(b.here); err != nil || record == nil || record.Job != first {
		t.Errorf("before a day: %+v, %v", record, err)
	}
	b.age(2 * time.Minute)
	second, err := b.submit(b.claim(b.here))
	if err != nil || second == first {
		t.Errorf("after a day: %s, %v", second, err)
	}
	b.age(idempotency.Kept + time.Minute)
	if n, err := b.Prune(ctx, 10); n != 1 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
}

// age makes all keys older.
func (b bundle) age(by time.Duration) {
	b.t.Helper()
	if _, err := b.db.Exec(`update idempotency set created_at = created_at - make_interval(secs => $1)`, by.Seconds()); err != nil {
		b.t.Fatal(err)
	}
}

// Of many that ask at once exactly one gets the claim.
func TestBeginAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	claims, conflicts := 0, 0
	var work sync.WaitGroup
	for range 12 {
		work.Go(func() {
			claim, _, err := b.begin(b.here)
			mu.Lock()
			defer mu.Unlock()
			if claim != nil {
				claims++
			}
			if fault.Is(err, fault.Conflict) {
				conflicts++
			}
		})
	}
	work.Wait()
	if claims != 1 || conflicts != 11 {
		t.Errorf("%d claims, %d conflicts", claims, conflicts)
	}
}

// When the session that shows the presence is cut it is opened again.
func TestPresenceComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	held := `select count(*) from pg_locks where locktype = 'advisory' and granted
		and (classid::bigint << 32) | objid::bigint = $1 and database = (select oid from pg_database where datname = current_database())`
	if _, err := b.db.Exec(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'
		and database = (select oid from pg_database where datname = current_database())`); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(20 * time.Second)
	for {
		var n int
		if err := b.db.Get(&n, held, b.here.Number()); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			return
		}
		select {
		case <-deadline:
			t.Fatal("the lock was not taken again")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A claim that could not be given back must not keep its key for as long as the process
// lives.
func TestAbandonWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	refused := b.claim(b.here)
	away, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Abandon(away, *refused); err == nil {
		t.Fatal("the claim was given back without a database")
	}
	if _, _, err := b.Begin(away, "ann", "key", b.here.Number()); err == nil {
		t.Fatal("a key was begun without a database")
	}
	b.claim(b.here)
}
