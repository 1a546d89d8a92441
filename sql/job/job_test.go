package job_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/job"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// bench is one database with a store, and what most tests do with it.
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

func (b bundle) claim(most int) []job.Claimed {
	b.t.Helper()
	claimed, err := b.Claim(context.Background(), job.Claimer{Dispatcher: "d1", BootID: "boot"}, most, nil)
	if err != nil {
		b.t.Fatalf("claim: %v", err)
	}
	return claimed
}

func (b bundle) finish(ends ...job.End) []bool {
	b.t.Helper()
	applied, err := b.Finish(context.Background(), ends)
	if err != nil {
		b.t.Fatalf("finish: %v", err)
	}
	return applied
}
