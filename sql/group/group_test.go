package group_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/sql/dbtest"
	"convertd/sql/group"
	"convertd/sql/job"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestGroup(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	database := dbtest.Open(t)
	jobs := job.NewStore(database)
	s := group.NewStore(database, jobs)
	id, err := s.Create(ctx, "ann", []byte{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := s.Find(ctx, id)
	if err != nil || empty.Owner != "ann" || empty.Percent() != nil || empty.Jobs != 0 {
		t.Errorf("empty group = %+v, %v", empty, err)
	}
	add := func(to string) (string, error) {
		made, err := jobs.Insert(ctx, job.Draft{
			Identity: job.Identity{ID: rand.Text(), Owner: "ann", Group: to}, Request: job.Request{Recipe: "r", Queue: "q"},
		})
		return made.ID, err
	}
	for range 4 {
		if _, err := add(id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := add("AAAAAAAAAAAAAAAAAAAAAAAAAA"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a job in no group: %v", err)
	}
	alone, err := add("")
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := jobs.Claim(ctx, job.Claimer{}, 2, nil)
	if err != nil || len(claimed) != 2 {
		t.Fatal(claimed, err)
	}
	done := job.End{ID: claimed[0].ID, Attempt: 1, Token: claimed[0].Token, Next: job.Succeeded, Result: &job.Result{Class: fault.Succeeded}}
	if _, err := jobs.Finish(ctx, []job.End{done}); err != nil {
		t.Fatal(err)
	}
	found, err := s.Find(ctx, id)
	want := map[job.State]int{job.Succeeded: 1, job.Running: 1, job.Queued: 2}
	if diff := cmp.Diff(want, found.Counts); diff != "" || err != nil || *found.Percent() != 25 || found.Done != 1 {
		t.Errorf("group = %+v, %v\n%s", found, err, diff)
	}
	page, err := s.Jobs(ctx, id, "", 3)
	if err != nil || len(page.Jobs) != 3 || page.Next == "" {
		t.Errorf("jobs = %d, %q, %v", len(page.Jobs), page.Next, err)
	}
	if n, err := s.Cancel(ctx, id); n != 3 || err != nil {
		t.Errorf("cancelled %d, %v", n, err)
	}
	found, err = s.Find(ctx, id)
	want = map[job.State]int{job.Succeeded: 1, job.Running: 1, job.Cancelled: 2}
	if diff := cmp.Diff(want, found.Counts); diff != "" || err != nil {
		t.Errorf("group after cancel: %v\n%s", err, diff)
	}
	if other, err := jobs.Find(ctx, alone); err != nil || other.State != job.Queued {
		t.Errorf("a job outside = %s, %v", other.State, err)
	}
	_, err = s.Find(ctx, "nobody")
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown group: %v", err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	database := dbtest.Open(t)
	s := group.NewStore(database, job.NewStore(database))
	var ids [2]string
	for i := range ids {
		id, err := s.Create(ctx, "ann", nil)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id
	}
	if _, err := database.Exec(`update job_group set created_at = now() - interval '8 days' where id = $1`, ids[0]); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Prune(ctx, 10); n != 1 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
	if _, err := s.Find(ctx, ids[1]); err != nil {
		t.Errorf("the young one: %v", err)
	}
}
