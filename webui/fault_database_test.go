package webui_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/group"
	"convertd/sql/job"
	"convertd/webui"
)

func openDatabase(t *testing.T, url string) *db.DB {
	t.Helper()
	database, err := db.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	return database
}

// faultDatabaseIll asks for what a database that is ill can still give, and for what it
// cannot.
func faultDatabaseIll(t *testing.T) {
	t.Parallel()
	raise := func(code string) string {
		return fmt.Sprintf(`create function ill() returns trigger language plpgsql as $$ begin raise exception 'ill' using errcode = '%s'; end $$;
			create trigger ill before insert on job for each row execute function ill()`, code)
	}
	const well = `drop trigger ill on job`
	alter := func(what string) string {
		return fmt.Sprintf(`do $$ begin execute 'alter database ' || current_database() || ' %s'; end $$`, what)
	}
	for _, tt := range []struct {
		name, hurt, heal string
		status           int
	}{
		{"down", "", "", 503},
		{"does_not_answer_for_a_while", "hold", "", 202},
		{"max_connections", alter("connection limit 1"), alter("connection limit -1"), 503},
		{"read_only", alter("set default_transaction_read_only = on"), alter("reset default_transaction_read_only"), 503},
		{"disk_full", raise("53100"), well, 507},
		{"out_of_memory", raise("53200"), well, 503},
		{"serialization_failure", raise("40001"), well, 503},
		{"deadlock", raise("40P01"), well, 503},
		{"statement_timeout", raise("57014"), well, 503},
	} {
		t.Run(tt.name, func(t *testing.T) { t.Parallel(); databaseIll(t, tt.hurt, tt.heal, tt.status) })
	}
}

func databaseIll(t *testing.T, hurt, heal string, want int) {
	var proxy *dbtest.Proxy
	var admin *db.DB
	b := setup(t, func(o *webui.Options) {
		url := dbtest.URL(t)
		admin = openDatabase(t, url)
		proxy = dbtest.NewProxy(t, url)
		o.Jobs = job.NewStore(openDatabase(t, proxy.URL))
		o.Groups = group.NewStore(openDatabase(t, proxy.URL), o.Jobs)
	})
	b.jobs = job.NewStore(admin)
	runs := b.made()
	c := b.claim()
	b.status.put(running(c, 41.5))
	conn, err := admin.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	execute := func(statement string) {
		if _, err := conn.ExecContext(context.Background(), `set default_transaction_read_only = off; `+statement); err != nil {
			t.Fatal(err)
		}
	}
	answers := make(chan int, 1)
	switch hurt {
	case "":
		proxy.Shut()
	case "hold":
		proxy.Hold()
		go func() { status, _ := b.tried("hello"); answers <- status }()
	default:
		execute(hurt)
		proxy.CutAll()
	}
	if s := b.statusDocument(runs.ID); s.State != "running" || s.Percent == nil || *s.Percent != 41.5 {
		t.Errorf("meanwhile the status is %+v", s)
	}
	if hurt == "hold" {
		proxy.Release()
		if status := <-answers; status != want {
			t.Errorf("answered %d", status)
		}
		return
	}
	a := b.submit([]string{"recipe=copy"}, upload{"a.txt", "hello"})
	if a.StatusCode != want || want == 503 && a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	a.problem(t)
	if hurt == "" {
		proxy.Open()
	} else {
		execute(heal)
	}
	proxy.CutAll()
	b.eventually("uploads are taken again", func() bool { status, _ := b.tried("hello"); return status == http.StatusAccepted })
	if jobs := b.list(); len(jobs) != 2 {
		t.Errorf("%d jobs, want 2", len(jobs))
	}
}

// faultKeysOfOthers has keys of memcached hold what others wrote: no state of a job may
// come from there.
func faultKeysOfOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mine, other := b.made(), b.made()
	foreign := running(b.claim(), 99)
	for name, document := range map[string]string{
		"of another job":     fmt.Sprintf(`{"id":%q,"state":"succeeded","done":true,"percent":100,"attempt":1,"updated_at":%q}`, other.ID, foreign.UpdatedAt.Format("2006-01-02T15:04:05Z07:00")),
		"of another program": `{"id":"session","state":"running","user":"root"}`,
		"a number":           `42`, "empty": ``, "binary": "\x00\xff\x80", "half": fmt.Sprintf(`{"id":%q,"state":"run`, mine.ID),
		"a list": `[]`, "too long ago": fmt.Sprintf(`{"id":%q,"state":"running","percent":50,"attempt":1,"updated_at":"2020-01-01T00:00:00Z"}`, other.ID),
	} {
		b.status.mu.Lock()
		b.status.docs[other.ID] = []byte(document)
		if name == "of another job" {
			b.status.docs[other.ID] = []byte(strings.Replace(document, other.ID, mine.ID, 1))
		}
		b.status.mu.Unlock()
		b.eventually(name, func() bool {
			s := b.statusDocument(other.ID)
			return s.ID == other.ID && s.State == "queued" && !s.Done
		})
		if d := b.get("/api/v1/jobs/"+other.ID).job(t, 200); d.State != "queued" || d.Percent != nil {
			t.Errorf("%s: the document is %+v", name, d)
		}
	}
}
