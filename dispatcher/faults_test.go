package dispatcher

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"convertd/dispatcher/mail"
	"convertd/runner/progress"
	"convertd/sql/db"
	"convertd/sql/job"
)

// faultBackendsKilled terminates every connection of the dispatcher again and
// again, in mid-claim and mid-finish: an unknown commit must be found out about.
func faultBackendsKilled(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("note", fmt.Sprintf(`echo $CONVERTD_JOB >> %s/diary; cp "$1" "$2.txt"`, th.dir), th.open))
	other, err := db.Open(context.Background(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	w.opts.DB = other
	t.Cleanup(func() { other.Close() })
	// The test's own connection is one that the killer spares, being the killer's.
	w.db.SetMaxOpenConns(1)
	var ids []string
	for range 40 {
		ids = append(ids, w.submit("note", "x"))
	}
	w.serve(w.opts)
	kill := time.NewTicker(70 * time.Millisecond)
	defer kill.Stop()
	for range 15 {
		<-kill.C
		if _, err := w.db.Exec(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
			and pid <> pg_backend_pid() and backend_type = 'client backend'`); err != nil {
			t.Fatal(err)
		}
	}
	ended := map[string]job.Job{}
	for _, id := range ids {
		ended[id] = w.await(id, job.Succeeded)
	}
	diary := awaitFile(t, th.path("diary"))
	for id, j := range ended {
		if n := strings.Count(diary, id); n < 1 || n > j.Attempt {
			t.Errorf("job ran %d times in %d attempts", n, j.Attempt)
		}
		if j.Failures != 0 {
			t.Errorf("%d failures counted although only the database was ill", j.Failures)
		}
	}
}

func faultMemcachedKilled(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	script := fmt.Sprintf(`i=0; while [ ! -e %[1]s/go ]; do i=$((i+1)); echo "$((i %% 90)) step $i" >&$CONVERTD_PROGRESS_FD; echo x >> %[1]s/diary; sleep 0.05; done; cp "$1" "$2.txt"`, th.dir)
	w := newWorld(t, shell("slow", script, th.open))
	id := w.submit("slow", "x")
	w.serve(w.opts)
	status := func() (s progress.Status, ok bool) {
		docs, err := w.cache.store.Get(context.Background(), []string{id})
		return s, err == nil && json.Unmarshal(docs[id], &s) == nil
	}
	until(t, "the bar is there", func() bool { s, ok := status(); return ok && s.State == "running" && s.Percent != nil })
	w.cache.kill()
	if err := os.Remove(w.cache.socket); err != nil {
		t.Fatal(err)
	}
	w.cache.start(t)
	until(t, "the bar comes back", func() bool { s, ok := status(); return ok && s.State == "running" })
	w.cache.kill()
	th.tell("go")
	if j := w.await(id, job.Succeeded); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
}

func faultAwayAtTheEnd(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	allow := w.shutOut()
	th.tell("go")
	awaitFile(t, w.spool.Job(id).Outcome(1))
	allow()
	if j := w.await(id, job.Succeeded); j.Attempt != 1 || len(j.Outputs) != 1 {
		t.Errorf("attempt %d, outputs %+v", j.Attempt, j.Outputs)
	}
}

// mailbox is an SMTP server that keeps what it gets.
type mailbox struct {
	mu    sync.Mutex
	mails []string
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (m *mailbox) Mail(string, *smtp.MailOptions) error        { return nil }
func (m *mailbox) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (m *mailbox) Reset()                                      {}
func (m *mailbox) Logout() error                               { return nil }

func (m *mailbox) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err // the sender died in the middle: no server delivers half a mail
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, string(b))
	return nil
}

func (m *mailbox) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.mails...)
}

// listen opens the mailbox at an address and returns where.
func (m *mailbox) listen(t *testing.T, address string) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(m)
	server.Domain = "localhost"
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// freeAddress is an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// faultMailsOutlive ends a job badly and another one well while
// the mail server is down and the dispatcher is then killed.
func faultMailsOutlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("bad", `echo "no such codec" >&2; exit 3`), shell("copy", `cp "$1" "$2.txt"`))
	address := freeAddress(t)
	w.opts.Mail = mail.Config{SMTP: address, From: "convertd@studio.example", Admin: "admin@studio.example", PerHour: 20, AttachLimit: 1 << 20}
	bad := w.submit("bad", "the input")
	good := w.submit("copy", "x", func(d *job.Draft) { d.Email = "ann@studio.example" })
	first := w.spawn(StopSafely)
	w.await(bad, job.Failed)
	w.await(good, job.Succeeded)
	first.kill()
	box := &mailbox{}
	box.listen(t, address)
	// A mail whose sending was cut off is tried again after a lease; make that now.
	w.serve(w.opts)
	until(t, "both mails arrive", func() bool {
		if _, err := w.db.Exec(`update outbox set due_at = now() where sent_at is null`); err != nil {
			t.Fatal(err)
		}
		return len(box.all()) >= 2
	})
	all := strings.Join(box.all(), "\n=====\n")
	for _, want := range []string{
		"Message-ID: <" + bad + ".failure@studio.example>", "Message-ID: <" + good + ".success@studio.example>",
		"[convertd] bad failed (converter_failed)", "no such codec", `name="1.txt"`, "ann@studio.example",
	} {
		if !strings.Contains(strings.ReplaceAll(all, "Message-Id", "Message-ID"), want) {
			t.Errorf("the mails lack %q:\n%s", want, all)
		}
	}
}

func faultNoRunner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	missing := openDir(t) + "/convertd-runner"
	w.opts.Runner = missing
	id := w.submit("copy", "x")
	w.serve(w.opts)
	until(t, "an attempt could not be started", func() bool {
		j, err := w.jobs.Find(context.Background(), id)
		return err == nil && j.Attempt >= 1 && j.State != job.Running
	})
	if err := os.Symlink(runnerPath, missing); err != nil {
		t.Fatal(err)
	}
	if j := w.await(id, job.Succeeded); j.Failures != 0 {
		t.Errorf("%d failures counted for what never began", j.Failures)
	}
}

// faultStopWhileAway stops a dispatcher whose job has ended while
// the database is away; the next one records that end.
func faultStopWhileAway(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	beats := make(chan struct{}, 1)
	w.opts.Beat = func() { nudge(beats) }
	first := w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	<-beats
	allow := w.shutOut()
	th.tell("go")
	awaitFile(t, w.spool.Job(id).Outcome(1))
	first.stop()
	allow()
	second, err := db.Open(context.Background(), w.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	opts := w.opts
	opts.DB = second
	w.serve(opts)
	if j := w.await(id, job.Succeeded); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	w.checkClean(id, 1)
}

// shutOut throws everybody out of the database but one connection of this test's, and
// lets nobody in until the returned function is called.
func (w *world) shutOut() (allow func()) {
	w.t.Helper()
	ctx := context.Background()
	admin, err := w.db.Conn(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	// Only the owner of the database may do this, not the dispatcher's role.
	if _, err := admin.ExecContext(ctx, `set role none`); err != nil {
		w.t.Fatal(err)
	}
	var name string
	if err := admin.QueryRowContext(ctx, `select current_database()`).Scan(&name); err != nil {
		w.t.Fatal(err)
	}
	limit := func(connections int) {
		if _, err := admin.ExecContext(ctx, fmt.Sprintf(`alter database %s connection limit %d`, name, connections)); err != nil {
			w.t.Fatal(err)
		}
	}
	limit(1)
	if _, err := admin.ExecContext(ctx, `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`); err != nil {
		w.t.Fatal(err)
	}
	return func() { limit(-1); admin.Close() }
}
