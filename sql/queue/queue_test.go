package queue_test

import (
	"context"
	"crypto/rand"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/sql/dbtest"
	"convertd/sql/job"
	"convertd/sql/queue"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestPausedQueueStartsNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	database := dbtest.Open(t)
	jobs, queues := job.NewStore(database), queue.NewStore(database)
	for _, name := range []string{"video", "video", "images"} {
		_, err := jobs.Insert(ctx, job.Draft{Identity: job.Identity{ID: rand.Text(), Owner: "ann"},
			Request: job.Request{Recipe: "r", Queue: name}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := queues.Pause(ctx, "video"); err != nil {
			t.Fatal(err)
		}
	}
	claimed := claim(t, jobs)
	if len(claimed) != 1 || claimed[0].Queue != "images" {
		t.Errorf("claimed %+v while video is paused", claimed)
	}
	listed, err := queues.List(ctx)
	if err != nil || len(listed) != 2 || listed[1].PausedAt == nil {
		t.Fatal(listed, err)
	}
	listed[1].PausedAt = nil
	want := []queue.Queue{{Name: "images", Running: 1}, {Name: "video", Waiting: 2}}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Error(diff)
	}
	if err := queues.Resume(ctx, "video"); err != nil {
		t.Fatal(err)
	}
	if claimed := claim(t, jobs); len(claimed) != 2 {
		t.Errorf("claimed %d after the pause", len(claimed))
	}
}

func claim(t *testing.T, jobs *job.Store) []job.Claimed {
	t.Helper()
	claimed, err := jobs.Claim(context.Background(), job.Claimer{Dispatcher: "d", BootID: "b"}, 10, nil)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}
