package job_test

import (
	"context"
	"testing"
	"time"

	"convertd/sql/job"
)

func TestLines(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.insert(draft("a"))
	old := b.insert(draft("a"))
	later := draft("a")
	at := time.Now().Add(time.Hour)
	later.RunAt = &at
	b.insert(later)
	if _, err := b.db.ExecContext(ctx, `update job set created_at = now() - interval '1 hour' where id = $1`, old.ID); err != nil {
		t.Fatal(err)
	}
	lines, err := b.Lines(ctx)
	if err != nil || len(lines) != 2 {
		t.Fatalf("%+v, %v", lines, err)
	}
	if q := lines[0]; q.Queue != "default" || q.State != job.Queued || q.N != 2 || q.OldestSeconds < 3600 || q.OldestSeconds > 4200 {
		t.Errorf("queued: %+v", q)
	}
	if s := lines[1]; s.State != job.Scheduled || s.N != 1 || s.OldestSeconds != 0 {
		t.Errorf("scheduled: %+v", s)
	}
}
