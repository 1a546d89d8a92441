package job_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"convertd/runner/fault"
	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/job"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// bundle is one database with a store, and what most tests do with it.
type bundle struct {
	*job.Store
	db *db.DB
	t  testing.TB
}

func setup(t testing.TB) bundle {
	t.Helper()
	database := dbtest.Open(t)
	return bundle{Store: job.NewStore(database), db: database, t: t}
}

// draft is a job that may be inserted; change what the test is about.
func draft(owner string) job.Draft {
	return job.Draft{
		Identity: job.Identity{ID: rand.Text(), Owner: owner, ManageHash: []byte{0, 1, 0xff}},
		Request: job.Request{
			Recipe: "tracks", RecipeVersion: "0123456789ab", Queue: "default",
			Params: map[string][]string{"to": {"nuke", "shake"}}, Tags: map[string]string{"shot": "sh010"},
			Email: "ann@studio.example", Lang: "en", TraceContext: map[string]string{"traceparent": "00-1"},
		},
		Inputs: []job.Input{{Number: 1, File: "1.txt", Name: "päth.txt", Size: 42, SHA256: "ab", MediaType: "text/plain"}},
	}
}

func (b bundle) insert(d job.Draft) job.Job {
	b.t.Helper()
	made, err := b.Insert(context.Background(), d)
	if err != nil {
		b.t.Fatalf("insert: %v", err)
	}
	return made
}

func (b bundle) find(id string) job.Job {
	b.t.Helper()
	found, err := b.Find(context.Background(), id)
	if err != nil {
		b.t.Fatalf("find: %v", err)
	}
	return found
}

// claim claims and confirms.
func (b bundle) claim(most int) []job.Claimed {
	b.t.Helper()
	return b.confirm(b.take(most))
}

func (b bundle) take(most int) []job.Claimed {
	b.t.Helper()
	claimed, err := b.Claim(context.Background(), job.Claimer{Dispatcher: "d1", BootID: "boot"}, most, nil)
	if err != nil {
		b.t.Fatalf("claim: %v", err)
	}
	return claimed
}

func (b bundle) confirm(claimed []job.Claimed) []job.Claimed {
	b.t.Helper()
	confirmed, err := b.Confirm(context.Background(), claimed)
	if err != nil {
		b.t.Fatalf("confirm: %v", err)
	}
	return confirmed
}

func (b bundle) finish(ends ...job.End) []bool {
	b.t.Helper()
	applied, err := b.Finish(context.Background(), ends)
	if err != nil {
		b.t.Fatalf("finish: %v", err)
	}
	return applied
}

// run inserts a job and claims it.
func (b bundle) run(d job.Draft) job.Claimed {
	b.t.Helper()
	b.insert(d)
	claimed := b.claim(1)
	if len(claimed) != 1 || claimed[0].ID != d.ID {
		b.t.Fatalf("claimed = %+v, want job %s", claimed, d.ID)
	}
	return claimed[0]
}

// exec runs a statement that must change something.
func (b bundle) exec(statement string, values ...any) {
	b.t.Helper()
	done, err := b.db.Exec(statement, values...)
	if err != nil {
		b.t.Fatalf("%s: %v", statement, err)
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil {
		b.t.Fatalf("%s: changed nothing (%v)", statement, err)
	}
}

// end is an end of the attempt; a failed one of the class lost.
func end(c job.Claimed, next job.State) job.End {
	class := fault.Lost
	switch next {
	case job.Succeeded:
		class = fault.Succeeded
	case job.Cancelled:
		class = fault.Cancelled
	case job.Expired:
		return job.End{ID: c.ID, Attempt: c.Attempt, Token: c.Token, Next: next}
	}
	return job.End{ID: c.ID, Attempt: c.Attempt, Token: c.Token, Next: next, Result: &job.Result{Class: class, Detail: "because"}}
}

// owners names the owners of jobs in their order.
func owners(claimed []job.Claimed) string {
	names := ""
	for _, c := range claimed {
		names += c.Owner
	}
	return names
}

// wantCode fails the test unless the error carries the code; "" means no error.
func wantCode(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("error = %v, want code %q", err, code)
	}
}
