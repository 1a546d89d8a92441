package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"convertd/runner/spool"
	"convertd/sql/job"
	"convertd/sql/snapshot"
)

func TestRetentionAndDeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	w.opts.Keep = Keep{Results: time.Hour, Failed: time.Hour, Rows: time.Hour}
	kept, short, deleted := w.submit("copy", "x"), w.submit("copy", "x"), w.submit("copy", "x")
	orphan := w.spool.Job("ORPHANORPHANORPHANORPHANOR")
	if err := os.MkdirAll(orphan.In(), 0o755); err != nil {
		t.Fatal(err)
	}
	w.opts.Times.Orphan = 50 * time.Millisecond
	w.serve(w.opts)
	for _, id := range []string{kept, short, deleted} {
		w.await(id, job.Succeeded)
	}
	if _, err := w.jobs.KeepUntil(context.Background(), short, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := w.jobs.Delete(context.Background(), deleted); err != nil {
		t.Fatal(err)
	}
	absent := func(dir spool.Job) func() bool {
		return func() bool { _, err := os.Stat(dir.Dir); return errors.Is(err, os.ErrNotExist) }
	}
	until(t, "files kept long enough are removed", absent(w.spool.Job(short)))
	until(t, "files of a deleted job are removed", absent(w.spool.Job(deleted)))
	until(t, "a folder without a job is removed", absent(orphan))
	until(t, "the row says so", func() bool {
		j, err := w.jobs.Find(context.Background(), short)
		return err == nil && j.FilesGoneAt != nil
	})
	if _, err := os.Stat(w.spool.Job(kept).Out(1)); err != nil {
		t.Errorf("files that are kept: %v", err)
	}
}

func TestDeletingARunningJobEndsItAndLeavesNothing(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("stubborn", fmt.Sprintf(stubborn, th.dir), th.open))
	id := w.submit("stubborn", "x")
	w.serve(w.opts)
	pid := pidOf(t, id, th.path("pid"))
	if err := w.jobs.Delete(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
	until(t, "its folder is removed", func() bool {
		_, err := os.Stat(w.spool.Job(id).Dir)
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestNothingIsRemovedWhileABackupIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	id := w.submit("copy", "x")
	w.serve(w.opts)
	w.await(id, job.Succeeded)
	s, err := snapshot.Take(t.Context(), w.db)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := w.jobs.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	// A job that is submitted later ends: the sweep had its turn, many times over.
	w.await(w.submit("copy", "y"), job.Succeeded)
	if _, err := os.Stat(w.spool.Job(id).Out(1)); err != nil {
		t.Errorf("a file that the backup may have to read: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the files go after it", func() bool {
		_, err := os.Stat(w.spool.Job(id).Dir)
		return errors.Is(err, os.ErrNotExist)
	})
}
