package db_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"convertd/runner/fault"
	schema "convertd/sql"
	"convertd/sql/db"
	"convertd/sql/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestOpenExplains(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	rows := []struct {
		name, url string
		code      fault.Code
		says      string
	}{
		{"no server at the socket", "postgres:///x?host=" + filepath.Join(t.TempDir(), "none") + "&user=x&sslmode=disable", fault.Unavailable, "does not answer"},
		{"nobody listens at the port", "postgres://x@127.0.0.1:1/x?sslmode=disable", fault.Unavailable, "does not answer"},
		{"no such database", strings.Replace(url, "/test_", "/none_", 1), fault.Unavailable, "does not exist"},
		{"not let in", strings.Replace(url, "user=convertd", "user=stranger", 1), fault.Unavailable, "does not let this program in"},
		{"not an address", "postgres://%zz", fault.Invalid, "cannot be read"},
	}
	for _, row := range rows {
		opened, err := db.Open(context.Background(), row.url)
		if opened != nil || !fault.Is(err, row.code) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// A statement that is cut off by its context says so in the terms of the context.
func TestExplainDeadline(t *testing.T) {
	t.Parallel()
	opened := dbtest.Open(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := opened.ExecContext(ctx, `select pg_sleep(20)`)
	if err := db.Explain(ctx, fmt.Errorf("wait: %w", err)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
}

func TestExplainMissingSchema(t *testing.T) {
	t.Parallel()
	opened := dbtest.Open(t)
	_, err := opened.Exec(`select * from nothing_here`)
	if err := db.Explain(context.Background(), err); !fault.Is(err, fault.Unavailable) {
		t.Errorf("err = %v", err)
	}
}

func TestInTx(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	opened := dbtest.Open(t)
	undo := errors.New("undo")
	for _, want := range []error{undo, nil} {
		err := opened.InTx(ctx, func(tx *sqlx.Tx) error {
			_, err := tx.Exec(`insert into queue_turn (queue, turn) values ($1, 1)`, fmt.Sprint(want))
			return errors.Join(err, want)
		})
		if !errors.Is(err, want) {
			t.Errorf("err = %v, want %v", err, want)
		}
	}
	var queues []string
	if err := opened.Select(&queues, `select queue from queue_turn`); err != nil || len(queues) != 1 || queues[0] != "<nil>" {
		t.Errorf("rows = %v, %v", queues, err)
	}
}

// Several processes may migrate at once; one of them does it.
func TestMigrate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := dbtest.URL(t)
	opened := open(t, url)
	if _, err := opened.Exec(`drop schema public cascade; create schema public`); err != nil {
		t.Fatal(err)
	}
	if err := opened.CheckSchema(ctx); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "version 0") {
		t.Errorf("an empty database: %v", err)
	}
	var work sync.WaitGroup
	for range 3 {
		another := open(t, url)
		work.Go(func() {
			if err := another.Migrate(ctx); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
	}
	work.Wait()
	if err := opened.CheckSchema(ctx); err != nil {
		t.Errorf("after migrating: %v", err)
	}
	if _, err := opened.Exec(`insert into goose_db_version (version_id, is_applied) values (9999, true)`); err != nil {
		t.Fatal(err)
	}
	if err := opened.CheckSchema(ctx); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "version 9999") {
		t.Errorf("a database of a newer program: %v", err)
	}
}

// runningAtTen are a job's rows in version 10 of the schema: one attempt is over and
// another is alive.
const runningAtTen = `
insert into job (id, owner, recipe, recipe_version, queue, priority, turn, params, tags, email, lang, trace_context, state,
    max_attempts, attempt, started_at, token)
values ('AAAAAAAAAAAAAAAAAAAAAAAAAA', 'ann', 'tracks', 'v', 'default', 0, 1, '{}', '{}', '', '', '{}', 'running', 3, 2, now(), 'token');
insert into attempt (job, number, recipe_version, dispatcher, boot_id, ended_at, class)
values ('AAAAAAAAAAAAAAAAAAAAAAAAAA', 1, 'v', 'd', 'b', now(), 'lost');
insert into attempt (job, number, recipe_version, dispatcher, boot_id, pid, cgroup, machine, started_at)
values ('AAAAAAAAAAAAAAAAAAAAAAAAAA', 2, 'w', 'd', 'b', 7, '/jobs/a', '{}', '2026-01-02T03:04:05Z')`

// migrateTo makes the schema anew, of an old version.
func migrateTo(t *testing.T, opened *db.DB, version int64) {
	t.Helper()
	if _, err := opened.Exec(`drop schema public cascade; create schema public`); err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(schema.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, opened.DB.DB, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

// Attempts that are alive while the schema gets its slim rows for them stay so.
func TestMigrateLiveAttempts(t *testing.T) {
	t.Parallel()
	opened := open(t, dbtest.URL(t))
	migrateTo(t, opened, 10)
	if _, err := opened.Exec(runningAtTen); err != nil {
		t.Fatal(err)
	}
	if err := opened.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		`select string_agg(number || class, ' ') from attempt`: "1lost",
		`select string_agg(concat_ws(' ', job, number, recipe_version, dispatcher, boot_id, pid, cgroup, machine, started_at), ',')
			from live_attempt`: "AAAAAAAAAAAAAAAAAAAAAAAAAA 2 w d b 7 /jobs/a {} 2026-01-02 03:04:05+00",
	} {
		var got string
		if err := opened.Get(&got, query); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", query, got, err, want)
		}
	}
}

func open(t *testing.T, url string) *db.DB {
	t.Helper()
	opened, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

func listen(t *testing.T, url string, channels ...string) *db.Listener {
	t.Helper()
	listener, err := db.Listen(context.Background(), url, slog.New(slog.DiscardHandler), channels...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	})
	return listener
}

// hear waits for a channel's name.
func hear(t *testing.T, listener *db.Listener, want string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case got := <-listener.C:
			if got == want {
				return
			}
		case <-deadline:
			t.Fatalf("%q was not heard", want)
		}
	}
}

// waitListening waits until the server has the listener's sessions.
func waitListening(t *testing.T, opened *db.DB) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		var n int
		if err := opened.Get(&n, `select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen %'`); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
	}
	t.Fatal("nobody listens")
}

func TestListen(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	opened := open(t, url)
	listener := listen(t, url, "jobs", "control")
	hear(t, listener, "")
	waitListening(t, opened)
	opened.Notifier.Ring("control")
	hear(t, listener, "control")
	opened.Notifier.Ring("jobs")
	hear(t, listener, "jobs")

	if _, err := opened.Exec(`select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and query ilike 'listen %'`); err != nil {
		t.Fatal(err)
	}
	hear(t, listener, "")
	waitListening(t, opened)
	opened.Notifier.Ring("jobs")
	hear(t, listener, "jobs")
}

// Rings that come close together are joined, and the last one is never lost.
func TestNotifierJoinsRings(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	opened := open(t, url)
	listener := listen(t, url, "jobs")
	hear(t, listener, "")
	waitListening(t, opened)
	const rings = 5000
	started := time.Now()
	for range rings {
		opened.Notifier.Ring("jobs")
	}
	most := int(time.Since(started)/db.Window) + 2
	heard := 0
	quiet := time.NewTimer(2 * time.Second)
	for waiting := true; waiting; {
		select {
		case <-listener.C:
			heard++
			quiet.Reset(time.Second)
		case <-quiet.C:
			waiting = false
		}
	}
	if heard < 1 || heard > most {
		t.Errorf("%d rings were heard as %d, want 1 to %d", rings, heard, most)
	}
}

// What was rung before Close is sent, what comes after it is not.
func TestNotifierClose(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	watcher := open(t, url)
	listener := listen(t, url, "jobs")
	hear(t, listener, "")
	waitListening(t, watcher)
	opened, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	opened.Notifier.Ring("jobs")
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	opened.Notifier.Ring("jobs")
	hear(t, listener, "jobs")
}

func TestListenerClose(t *testing.T) {
	t.Parallel()
	away := "postgres:///x?host=" + filepath.Join(t.TempDir(), "none") + "&user=x&sslmode=disable"
	for _, url := range []string{dbtest.URL(t), away} {
		listener, err := db.Listen(context.Background(), url, slog.New(slog.DiscardHandler), "jobs")
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		for range listener.C {
			continue
		}
	}
}
