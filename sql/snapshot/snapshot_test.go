package snapshot_test

import (
	"crypto/rand"
	"os"
	"testing"

	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/job"
	"convertd/sql/snapshot"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func insert(t *testing.T, d *db.DB, id string) {
	t.Helper()
	_, err := job.NewStore(d).Insert(t.Context(), job.Draft{
		Identity: job.Identity{ID: id, Owner: "ann"}, Request: job.Request{Recipe: "copy", RecipeVersion: "1", Queue: "default"},
		Inputs: []job.Input{{Number: 1, File: "1.txt", Name: "a.txt", Size: 3, SHA256: "abc", MediaType: "text/plain"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestASnapshotShowsOneMomentAndHoldsRemovalsBack(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	before, after := rand.Text(), rand.Text()
	insert(t, d, before)
	s, err := snapshot.Take(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	insert(t, d, after)
	files, err := s.Files(t.Context())
	if err != nil || len(files) != 1 || files[0].Job != before || files[0].Path != "in/1.txt" || files[0].Size != 3 || files[0].SHA256 != "abc" {
		t.Errorf("files %+v, %v", files, err)
	}
	attempts, err := s.Attempts(t.Context())
	if err != nil || len(attempts) != 1 || attempts[0] != (snapshot.Attempt{Job: before}) {
		t.Errorf("attempts %+v, %v", attempts, err)
	}
	if end, err := snapshot.Removing(t.Context(), d); err != nil || end != nil {
		t.Errorf("files may be removed during a snapshot (%v)", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := snapshot.Removing(t.Context(), d)
	if err != nil || first == nil {
		t.Fatalf("files may not be removed after it (%v)", err)
	}
	defer first()
	second, err := snapshot.Removing(t.Context(), d)
	if err != nil || second == nil {
		t.Fatalf("two may not remove at a time (%v)", err)
	}
	second()
}
