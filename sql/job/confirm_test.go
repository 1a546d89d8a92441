package job_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/sql/dbtest"
	"convertd/sql/job"
)

// A claim and its confirmation tell together what a dispatcher reads that takes over.
func TestConfirmTellsTheRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := draft("ann")
	d.MaxAttempts = 3
	d.Inputs = append(d.Inputs, job.Input{Number: 2, Param: "lut", File: "2.cube", Name: "look.cube", Size: 7, SHA256: "cd", MediaType: "text/plain"})
	b.insert(d)
	b.insert(draft("bob"))
	confirmed := b.confirm(b.take(10))
	running, err := b.Running(context.Background())
	if err != nil || len(running) != 2 {
		t.Fatalf("%d running, %v", len(running), err)
	}
	if diff := cmp.Diff(running, confirmed); diff != "" {
		t.Errorf("a claim tells something else than the rows (-rows +claim):\n%s", diff)
	}
	if got := confirmed[0].Files; len(got) != 1 || got[0].Param != "lut" {
		t.Errorf("files of parameters: %+v", got)
	}
}

func TestConfirmLeavesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ended, strange, there := b.run(draft("ann")), b.run(draft("bob")), b.run(draft("cleo"))
	b.finish(end(ended, job.Succeeded))
	strange.Token = "another"
	confirmed := b.confirm([]job.Claimed{ended, strange, there})
	if len(confirmed) != 1 || confirmed[0].ID != there.ID {
		t.Errorf("confirmed %+v", confirmed)
	}
	if none := b.confirm(nil); len(none) != 0 {
		t.Errorf("confirmed %+v of nothing", none)
	}
}

// fragile is a store on a server that can crash.
func fragile(t *testing.T) (bundle, *dbtest.Fragile) {
	t.Helper()
	server := dbtest.OpenFragile(t)
	return bundle{Store: job.NewStore(server.DB), db: server.DB, t: t}, server
}

// What was confirmed is there after a crash.
func TestConfirmedClaimOutlivesACrash(t *testing.T) {
	t.Parallel()
	b, server := fragile(t)
	made := b.insert(draft("ann"))
	claimed := b.take(1)
	if got := b.confirm(claimed); len(got) != 1 {
		t.Fatalf("confirmed %+v", got)
	}
	server.Crash()
	if found := b.find(made.ID); found.State != job.Running || found.Attempt != 1 {
		t.Errorf("after the crash %+v", found.Life)
	}
}

// A claim that a crash undid is not confirmed, and the job is claimed again at once, as
// the same attempt under another token.
func TestClaimUndoneByACrash(t *testing.T) {
	t.Parallel()
	b, server := fragile(t)
	made := b.insert(draft("ann"))
	claimed := b.take(1)
	if len(claimed) != 1 {
		t.Fatalf("claimed %+v", claimed)
	}
	server.Crash()
	if found := b.find(made.ID); found.State != job.Queued || found.Attempt != 0 {
		t.Fatalf("after the crash %+v", found.Life)
	}
	if got := b.confirm(claimed); len(got) != 0 {
		t.Errorf("confirmed %+v", got)
	}
	again := b.claim(1)
	if len(again) != 1 || again[0].Attempt != 1 || again[0].Token == claimed[0].Token {
		t.Errorf("claimed again %+v, before %+v", again, claimed)
	}
}
