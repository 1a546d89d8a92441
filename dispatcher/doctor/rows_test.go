package doctor

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/spool"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/job"
)

func execute(t *testing.T, d *db.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := d.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// wants fails unless the first finding is of that level and about that word.
func wants(t *testing.T, found []Finding, level Level, word string) {
	t.Helper()
	if len(found) == 0 || found[0].Level != level || !strings.Contains(found[0].Text, word) || (level != OK) != (found[0].Remedy != "") {
		t.Errorf("%+v, want %s about %q", found, level, word)
	}
}

func TestBloatIsFound(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	wants(t, bloat(t.Context(), d, 500), OK, "keeps up")
	execute(t, d, `create table heap (n integer) with (autovacuum_enabled = off)`,
		`insert into heap select generate_series(1, 1000)`, `delete from heap`)
	deadline := time.Now().Add(30 * time.Second)
	for found := []Finding(nil); len(found) == 0 || found[0].Level == OK; {
		if time.Now().After(deadline) {
			t.Fatalf("not found: %+v", found)
		}
		execute(t, d, `select pg_stat_force_next_flush()`)
		found = bloat(t.Context(), d, 500)
	}
	wants(t, bloat(t.Context(), d, 500), Warn, "heap has 1000 dead rows")
	execute(t, d, `vacuum heap`, `select pg_stat_force_next_flush()`)
	wants(t, bloat(t.Context(), d, 500), OK, "keeps up")
}

func TestOpenTransactionsAreFound(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	tx, err := d.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), `select 1`); err != nil {
		t.Fatal(err)
	}
	wants(t, longTransactions(t.Context(), d, time.Hour), OK, "No transaction")
	wants(t, longTransactions(t.Context(), d, 0), Warn, "has a transaction open")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	wants(t, longTransactions(t.Context(), d, 0), OK, "No transaction")

	execute(t, d, `begin; create table half (n integer); prepare transaction 'forgotten'`)
	found := longTransactions(t.Context(), d, 0)
	wants(t, found, Warn, "A prepared transaction of convertd")
	execute(t, d, strings.TrimSuffix(strings.TrimPrefix(found[0].Remedy, "Run "), ".")) // as the remedy says
	wants(t, longTransactions(t.Context(), d, 0), OK, "No transaction is open for longer than")
}

// A role that PostgreSQL keeps in the dark about others' transactions says so.
func TestHiddenTransactionsAreTold(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t)
	others, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer others.Close()
	d, err := db.Open(t.Context(), dbtest.As(dbtest.Dispatcher, address))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tx, err := others.BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	wants(t, longTransactions(t.Context(), d, time.Hour), Warn, "cannot be seen")
	wants(t, longTransactions(t.Context(), others, time.Hour), OK, "No transaction")
}

func TestOrphansAreFound(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	s := spool.New(openSpool(t))
	o := Options{Spool: s.Root()}
	kept := job.Draft{Identity: job.Identity{ID: rand.Text(), Owner: "a"}, Request: job.Request{Recipe: "copy", RecipeVersion: "1", Queue: "default"}}
	if _, err := job.NewStore(d).Insert(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.Job(kept.ID).Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	wants(t, orphans(t.Context(), o, d), OK, "the same jobs")

	lost := s.Job(rand.Text())
	if err := os.MkdirAll(filepath.Join(lost.Dir, "out.1"), 0o755); err != nil {
		t.Fatal(err)
	}
	wants(t, orphans(t.Context(), o, d), OK, "the same jobs") // it may just be on its way
	old := time.Now().Add(-2 * orphanAge)
	if err := os.Chtimes(lost.Dir, old, old); err != nil {
		t.Fatal(err)
	}
	wants(t, orphans(t.Context(), o, d), Warn, "files of 1 accepted jobs")
	if err := os.RemoveAll(lost.Dir); err != nil {
		t.Fatal(err)
	}

	if err := os.RemoveAll(s.Job(kept.ID).Dir); err != nil {
		t.Fatal(err)
	}
	wants(t, orphans(t.Context(), o, d), Fail, "not in the spool, the first being "+kept.ID)
	if err := os.MkdirAll(s.Job(kept.ID).Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	wants(t, orphans(t.Context(), o, d), OK, "the same jobs")
}

func TestRoomAndClocksAreJudged(t *testing.T) {
	t.Parallel()
	roomy := unix.Statfs_t{Bsize: 4096, Bavail: 1 << 30, Files: 1 << 30, Ffree: 1 << 20}
	full, inodes, network, memory := roomy, roomy, roomy, roomy
	full.Bavail, inodes.Ffree, network.Type, memory.Type = 100, 9, unix.NFS_SUPER_MAGIC, unix.TMPFS_MAGIC
	wants(t, judgeRoom("/s", roomy), OK, "can be written")
	wants(t, judgeRoom("/s", full), Fail, "MiB free")
	wants(t, judgeRoom("/s", inodes), Fail, "9 free inodes")
	wants(t, judgeRoom("/s", network), Warn, "network file system")
	wants(t, judgeRoom("/s", memory), Warn, "lies in memory")
	wants(t, judgeClock(time.Now(), unix.Timex{}), OK, "kept right")
	wants(t, judgeClock(time.Now(), unix.Timex{Status: 0x40}), Warn, "Nothing keeps the clock")
	wants(t, judgeClock(time.Unix(0, 0), unix.Timex{}), Fail, "1970")
	d := dbtest.Open(t)
	if found := clockOf(t.Context(), d, time.Now); len(found) != 0 {
		t.Errorf("the same clock: %+v", found)
	}
	wants(t, clockOf(t.Context(), d, func() time.Time { return time.Now().Add(time.Hour) }), Warn, "apart")
	wants(t, spoolFolder(t.Context(), Options{Spool: "/dev/shm"}), Fail, "lies in /dev")
}

func TestASchemaOfAnotherVersionIsFound(t *testing.T) {
	t.Parallel()
	address := dbtest.URL(t)
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	execute(t, d, `insert into goose_db_version (version_id, is_applied) values (9999, true)`)
	wants(t, database(t.Context(), Options{DatabaseURL: address}), Fail, "knows only up to")
	execute(t, d, `delete from goose_db_version where version_id >= 9`)
	wants(t, database(t.Context(), Options{DatabaseURL: address}), Fail, "this program needs")
}

func TestCommitsThatDoNotWaitAndOpenMemcachedAreFound(t *testing.T) {
	t.Parallel()
	found := database(t.Context(), Options{DatabaseURL: dbtest.URL(t) + "&synchronous_commit=off"})
	if len(found) < 2 || found[1].Level != Warn || !strings.Contains(found[1].Text, "synchronous_commit is off") {
		t.Errorf("%+v", found)
	}
	open := filepath.Join(t.TempDir(), "m.sock")
	if err := os.WriteFile(open, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, socketOf(open), OK, "answers")
	if err := os.Chmod(open, 0o666); err != nil {
		t.Fatal(err)
	}
	wants(t, socketOf(open), Warn, "every user")
}
