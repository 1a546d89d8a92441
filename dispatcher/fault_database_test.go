package dispatcher

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"convertd/dispatcher/process"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/job"
)

// proxied has the world's dispatcher reach its database by way of a proxy.
func (w *world) proxied() *dbtest.Proxy {
	w.t.Helper()
	p := dbtest.NewProxy(w.t, w.url)
	w.reach(p.URL)
	return p
}

// reach gives the dispatcher connections of its own.
func (w *world) reach(url string) {
	w.t.Helper()
	own, err := db.Open(context.Background(), url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { own.Close() })
	w.opts.DB, w.opts.DatabaseURL = own, url
}

// counter counts lines of the log by their message.
type counter struct {
	slog.Handler
	message string
	n       *atomic.Int64
}

func (c counter) Enabled(context.Context, slog.Level) bool { return true }
func (c counter) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c counter) WithGroup(string) slog.Handler            { return c }
func (c counter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == c.message {
		c.n.Add(1)
	}
	return nil
}

// counts has the dispatcher's log counted instead of written.
func (w *world) counts(message string) *atomic.Int64 {
	c := counter{message: message, n: new(atomic.Int64)}
	w.opts.Log = slog.New(c)
	return c.n
}

// faultsOfConnections cut the connection at the statement that matters, before the server
// hears of it and behind it, when the commit is done and nobody was told.
func faultsOfConnections() []variant {
	boot, _ := process.BootID()
	claim, confirm, finish := []byte(boot), []byte("pg_logical_emit_message"), []byte(`"count_failure"`)
	var all []variant
	for _, at := range []struct {
		name string
		said []byte
		cut  dbtest.Cut
	}{
		{"claim_not_heard", claim, dbtest.Before}, {"claim_committed_and_not_told", claim, dbtest.Behind},
		{"confirmation_not_heard", confirm, dbtest.Before}, {"confirmed_and_not_told", confirm, dbtest.Behind},
		{"end_not_heard", finish, dbtest.Before}, {"end_committed_and_not_told", finish, dbtest.Behind},
	} {
		all = append(all, variant{at.name, func(t *testing.T) { t.Parallel(); cutAt(t, at.said, at.cut) }})
	}
	return append(all, variant{"backends_again_and_again", faultBackendsKilled}, variant{"claim_undone", faultClaimUndone})
}

// faultClaimUndone undoes two claims before they are confirmed, as a crash of the server
// does. Nothing of the job has begun then, and it is claimed again.
func faultClaimUndone(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("note", fmt.Sprintf(`echo $CONVERTD_ATTEMPT >> %s/diary; cp "$1" "$2.txt"`, th.dir), th.open))
	p := w.proxied()
	id := w.submit("note", "x")
	var undone atomic.Int32
	p.Watch(func(said []byte) dbtest.Cut {
		if !bytes.Contains(said, []byte(id)) || !bytes.Contains(said, w.tokenOf(id)) || undone.Load() == 2 {
			return dbtest.Never
		}
		if _, err := os.Stat(w.spool.Job(id).Lock(1)); err == nil {
			t.Error("something was begun before the claim was confirmed")
		}
		undone.Add(1)
		w.undoClaim(id)
		return dbtest.Never
	})
	w.serve(w.opts)
	j := w.await(id, job.Succeeded)
	if undone.Load() != 2 || j.Attempt != 1 || j.Failures != 0 || len(j.Outputs) != 1 {
		t.Errorf("undone %d times; attempt %d, %d failures, outputs %+v", undone.Load(), j.Attempt, j.Failures, j.Outputs)
	}
	if diary := awaitFile(t, th.path("diary")); diary != "1\n" {
		t.Errorf("the job ran as %q, want once", diary)
	}
	w.checkClean(id, j.Attempt)
}

// tokenOf is the token of the job's live attempt, words that no statement has for none.
func (w *world) tokenOf(id string) []byte {
	var token string
	if err := w.db.Get(&token, `select coalesce(token, '') from job where id = $1`, id); err != nil {
		w.t.Error(err)
	}
	if token == "" {
		return []byte("no attempt is live")
	}
	return []byte(token)
}

// undoClaim makes the rows what they were before the job was first claimed.
func (w *world) undoClaim(id string) {
	if _, err := w.db.Exec(`with gone as (delete from live_attempt where job = $1)
		update job set state = 'queued', attempt = 0, started_at = null, token = null where id = $1`, id); err != nil {
		w.t.Error(err)
	}
}

// cutAt cuts the connection three times when something is said.
func cutAt(t *testing.T, what []byte, how dbtest.Cut) {
	th := newTheatre(t)
	w := newWorld(t, shell("note", fmt.Sprintf(`echo $CONVERTD_ATTEMPT >> %s/diary; cp "$1" "$2.txt"`, th.dir), th.open))
	p := w.proxied()
	var cuts atomic.Int32
	p.Watch(func(said []byte) dbtest.Cut {
		if bytes.Contains(said, what) && cuts.Add(1) <= 3 {
			return how
		}
		return dbtest.Never
	})
	id := w.submit("note", "x")
	w.serve(w.opts)
	j := w.await(id, job.Succeeded)
	if j.Failures != 0 || len(j.Outputs) != 1 {
		t.Errorf("%d failures, outputs %+v", j.Failures, j.Outputs)
	}
	if cuts.Load() < 3 && how == dbtest.Before {
		t.Errorf("only %d cuts", cuts.Load())
	}
	if diary := awaitFile(t, th.path("diary")); bytes.Count([]byte(diary), []byte("\n")) != 1 {
		t.Errorf("the job ran as %q, want once", diary)
	}
	w.checkClean(id, j.Attempt)
}

// faultsOfDatabase make the database refuse an end for so long that it would be given up
// if the refusal were about the end.
func faultsOfDatabase() []variant {
	raise := func(code string) string {
		return fmt.Sprintf(`create function ill() returns trigger language plpgsql as $$ begin raise exception 'ill' using errcode = '%s'; end $$;
			create trigger ill before update or insert on attempt for each row execute function ill()`, code)
	}
	const healed = `drop trigger ill on attempt`
	ill := []struct{ name, hurt, heal string }{
		{"read_only", `do $$ begin execute 'alter database ' || current_database() || ' set default_transaction_read_only = on'; end $$`,
			`do $$ begin execute 'alter database ' || current_database() || ' reset default_transaction_read_only'; end $$`},
		{"disk_full", raise("53100"), healed},
		{"out_of_memory", raise("53200"), healed},
		{"serialization_failure", raise("40001"), healed},
		{"deadlock", raise("40P01"), healed},
		{"input_output_error", raise("58030"), healed},
	}
	all := []variant{{"away_at_the_end", faultAwayAtTheEnd}, {"stop_while_away", faultStopWhileAway},
		{"down_for_a_while", faultDown}, {"does_not_answer", faultSilent}, {"restarted", faultRestarted}, {"max_connections", faultNoConnections},
		{"disk_filled_by_the_job", faultDiskFilledByTheJob}}
	for _, i := range ill {
		all = append(all, variant{i.name, func(t *testing.T) { t.Parallel(); whileIll(t, i.hurt, i.heal) }})
	}
	return all
}

// refusals is more than an end that is itself refused would be tried.
const refusals = maxRefusals + 3

func whileIll(t *testing.T, hurt, heal string) {
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	admin, err := w.db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	execute := func(statement string) {
		if _, err := admin.ExecContext(context.Background(), `set role none; set default_transaction_read_only = off; `+statement); err != nil {
			t.Fatal(err)
		}
	}
	refused := w.counts("record ends of attempts")
	w.reach(w.url)
	id := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	execute(hurt)
	execute(`select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`)
	th.tell("go")
	until(t, "the end is refused many times", func() bool { return refused.Load() >= refusals })
	execute(heal)
	execute(`select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`)
	if j := w.await(id, job.Succeeded); j.Attempt != 1 || j.Failures != 0 || len(j.Outputs) != 1 {
		t.Errorf("attempt %d, failures %d, outputs %+v", j.Attempt, j.Failures, j.Outputs)
	}
	w.checkClean(id, 1)
}

// faultDiskFilledByTheJob has the database without room for an end until the files that the
// job left in its work folder are gone.
func faultDiskFilledByTheJob(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("greedy", `mkdir -p deep/er && head -c 1000000 /dev/zero > deep/er/fill; `+th.patient(), th.open))
	id := w.submit("greedy", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	admin, err := w.db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	execute := func(statement string) {
		if _, err := admin.ExecContext(context.Background(), `set role none; `+statement); err != nil {
			t.Fatal(err)
		}
	}
	execute(`create function ill() returns trigger language plpgsql as $$ begin raise exception 'ill' using errcode = '53100'; end $$;
		create trigger ill before insert on attempt for each row execute function ill()`)
	th.tell("go")
	work := w.spool.Job(id).Work(1)
	until(t, "the work folder is empty, and there", func() bool {
		entries, err := os.ReadDir(work)
		return err == nil && len(entries) == 0
	})
	if j := w.find(id); j.State != job.Running {
		t.Errorf("the job is %s though its end could not be written", j.State)
	}
	execute(`drop trigger ill on attempt`)
	if j := w.await(id, job.Succeeded); j.Attempt != 1 || len(j.Outputs) != 1 {
		t.Errorf("attempt %d, outputs %+v", j.Attempt, j.Outputs)
	}
	w.checkClean(id, 1)
}

// faultDown has the database away for many polls while a job runs and ends.
func faultDown(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	p := w.proxied()
	w.opts.Times.Sweep = time.Hour
	beats := make(chan struct{}, 1)
	w.opts.Beat = func() { nudge(beats) }
	id := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	p.Shut()
	th.tell("go")
	awaitFile(t, w.spool.Job(id).Outcome(1))
	const polls = 15
	before := p.Attempts()
	for range polls {
		<-beats
	}
	// The loop, the record of the end and the listener each ask for themselves.
	if tried := p.Attempts() - before; tried > 3*polls {
		t.Errorf("%d connections were tried in %d polls", tried, polls)
	}
	p.Open()
	if j := w.await(id, job.Succeeded); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
}

// faultSilent has a server that takes what it is told and does not answer for a while.
func faultSilent(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	p := w.proxied()
	id, next := w.submit("slow", "x"), ""
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	p.Hold()
	th.tell("go")
	awaitFile(t, w.spool.Job(id).Outcome(1))
	next = w.submit("slow", "y")
	p.Release()
	for _, id := range []string{id, next} {
		if j := w.await(id, job.Succeeded); j.Attempt != 1 {
			t.Errorf("attempt %d", j.Attempt)
		}
	}
}

// faultRestarted cuts everybody off again and again, as a restart does, while jobs come,
// run and end.
func faultRestarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	p := w.proxied()
	w.serve(w.opts)
	for range 5 {
		id := w.submit("copy", "x")
		p.Shut()
		p.Open()
		if j := w.await(id, job.Succeeded); j.Failures != 0 {
			t.Errorf("%d failures were counted", j.Failures)
		}
	}
}

// faultNoConnections starts a dispatcher and ends a job while the server takes no more
// connections.
func faultNoConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	w.reach(w.url)
	id := w.submit("copy", "x")
	ready := make(chan struct{})
	w.opts.Ready = func() { close(ready) }
	complaints := w.counts("look for the spool of the database")
	allow := w.shutOut()
	w.serve(w.opts)
	until(t, "it waits for the database", func() bool { return complaints.Load() >= 3 })
	allow()
	<-ready
	w.await(id, job.Succeeded)
}
