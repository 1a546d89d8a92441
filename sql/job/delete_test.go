package job_test

import (
	"context"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	t.Run("a waiting job is cancelled and gone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		made := b.insert(draft("ann"))
		wantCode(t, b.Delete(ctx, made.ID), "")
		_, err := b.Find(ctx, made.ID)
		wantCode(t, err, fault.NotFound)
		wantCode(t, b.Delete(ctx, made.ID), fault.NotFound)
		if page, err := b.List(ctx, job.Filter{}); err != nil || len(page.Jobs) != 0 {
			t.Errorf("listed %d, %v", len(page.Jobs), err)
		}
		deleted, err := b.Deleted(ctx, 10)
		if err != nil || len(deleted) != 1 || deleted[0].State != job.Cancelled {
			t.Errorf("deleted = %+v, %v", deleted, err)
		}
	})
	t.Run("a running job must be dead first", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		running := b.run(draft("ann"))
		wantCode(t, b.Delete(ctx, running.ID), "")
		if ids, err := b.CancelRequested(ctx); err != nil || len(ids) != 1 {
			t.Errorf("to be ended = %v, %v", ids, err)
		}
		if alive, err := b.Running(ctx); err != nil || len(alive) != 1 {
			t.Errorf("running = %v, %v", alive, err)
		}
		if deleted, err := b.Deleted(ctx, 10); err != nil || len(deleted) != 0 {
			t.Errorf("deleted while it runs = %v, %v", deleted, err)
		}
		b.finish(end(running, job.Cancelled))
		if deleted, err := b.Deleted(ctx, 10); err != nil || len(deleted) != 1 {
			t.Errorf("deleted = %v, %v", deleted, err)
		}
	})
	t.Run("mails go without the files", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		running := b.run(draft("ann"))
		failed := end(running, job.Failed)
		failed.Mails = []outbox.Draft{{Kind: "failure", To: "admin@studio.example", Attach: true}}
		b.finish(failed)
		wantCode(t, b.Delete(ctx, running.ID), "")
		mails, err := outbox.NewStore(b.db).Due(ctx, 10)
		if err != nil || len(mails) != 1 || mails[0].Attach {
			t.Errorf("mails = %+v, %v", mails, err)
		}
	})
}

func TestForget(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	kept, gone := b.run(draft("kept-secret")), b.run(draft("gone-secret"))
	for _, running := range []job.Claimed{kept, gone} {
		failed := end(running, job.Failed)
		failed.Result.Detail = running.Owner + " says why"
		failed.Ran = []byte(`[{"argv":["` + running.Owner + `"]}]`)
		failed.Outputs = []job.Output{{File: "1", Name: running.Owner + ".txt"}}
		b.finish(failed)
	}
	wantCode(t, b.Delete(ctx, gone.ID), "")
	wantCode(t, b.Forget(ctx, gone.ID), "")
	wantCode(t, b.Forget(ctx, kept.ID), "")
	if deleted, err := b.Deleted(ctx, 10); err != nil || len(deleted) != 0 {
		t.Errorf("deleted after forgetting = %v, %v", deleted, err)
	}
	var dump string
	if err := b.db.Get(&dump, `select string_agg(line, ' ') from (
		select job::text as line from job union all select input::text from input
		union all select output::text from output union all select attempt::text from attempt union all select live_attempt::text from live_attempt
		union all select result::text from result) as all_rows`); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(dump, "gone-secret") {
		t.Errorf("personal data of the deleted job is still there: %s", dump)
	}
	if found := b.find(kept.ID); found.Owner != "kept-secret" || found.Result.Detail != "kept-secret says why" || len(found.Outputs) != 1 {
		t.Errorf("another job was changed: %+v", found)
	}
	var size int64
	if err := b.db.Get(&size, `select r.input_bytes from result r where job = $1 and class = 'lost'`, gone.ID); err != nil || size != 42 {
		t.Errorf("statistics: size %d, %v", size, err)
	}
}
