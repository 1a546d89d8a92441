package job_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

func TestDue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	d := draft("ann")
	later := time.Now().Add(time.Hour)
	d.RunAt = &later
	if made := b.insert(d); made.State != job.Scheduled {
		t.Fatalf("state = %s", made.State)
	}
	if n, err := b.Due(ctx); n != 0 || err != nil {
		t.Errorf("due = %d, %v", n, err)
	}
	if claimed := b.claim(1); len(claimed) != 0 {
		t.Errorf("claimed before its time: %+v", claimed)
	}
	b.exec(`update job set run_at = now() - interval '1 second'`)
	if n, err := b.Due(ctx); n != 1 || err != nil {
		t.Errorf("due = %d, %v", n, err)
	}
	if claimed := b.claim(1); len(claimed) != 1 {
		t.Errorf("claimed = %+v", claimed)
	}
}

func TestExpire(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	later := time.Now().Add(time.Hour)
	late, claimed, tried, failed, patient := draft("ann"), draft("ann"), draft("ann"), draft("ann"), draft("ann")
	for _, d := range []*job.Draft{&late, &claimed, &tried, &failed} {
		d.WaitUntil, d.MaxAttempts = &later, 2
	}
	begun, again := b.run(tried), end(b.run(failed), job.Queued)
	again.CountFailure = true
	if err := b.NoteBegun(ctx, []job.Began{{Job: begun.ID, Attempt: begun.Attempt, Token: begun.Token, PID: 1}}); err != nil {
		t.Fatal(err)
	}
	b.finish(end(begun, job.Queued), again, end(b.run(claimed), job.Queued))
	b.insert(late)
	b.insert(patient)
	b.exec(`update job set wait_until = now() - interval '1 second' where wait_until is not null`)
	ids, err := b.Expire(ctx)
	slices.Sort(ids)
	if diff := cmp.Diff(slices.Sorted(slices.Values([]string{late.ID, claimed.ID})), ids); diff != "" || err != nil {
		t.Errorf("expired %v, %v", ids, err)
	}
	found := b.find(late.ID)
	if found.State != job.Expired || found.Result != nil || found.KeepUntil == nil || found.EndedAt == nil {
		t.Errorf("found = %+v", found)
	}
}

func TestFilesAndRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	old, fresh := b.run(draft("ann")), b.run(draft("ann"))
	past, later := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	endOld, endFresh := end(old, job.Failed), end(fresh, job.Succeeded)
	endOld.KeepUntil, endFresh.KeepUntil = &past, &later
	endOld.Mails = []outbox.Draft{{Kind: "failure", To: "a@b.example"}}
	b.finish(endOld, endFresh)

	ids, err := b.FilesDue(ctx, 10)
	if diff := cmp.Diff([]string{old.ID}, ids); diff != "" || err != nil {
		t.Fatalf("files due %v, %v", ids, err)
	}
	exist, err := b.Exists(ctx, []string{old.ID, fresh.ID, "stranger"})
	if diff := cmp.Diff(map[string]bool{old.ID: true, fresh.ID: true}, exist); diff != "" || err != nil {
		t.Errorf("exist %v, %v", exist, err)
	}
	wantCode(t, b.FilesGone(ctx, ids), "")
	if again, err := b.FilesDue(ctx, 10); err != nil || len(again) != 0 {
		t.Errorf("files due again %v, %v", again, err)
	}
	if exist, err = b.Exists(ctx, []string{old.ID}); err != nil || len(exist) != 0 {
		t.Errorf("a folder after its removal is an orphan: %v, %v", exist, err)
	}
	if found := b.find(old.ID); found.FilesGoneAt == nil || found.State != job.Failed {
		t.Errorf("found = %+v", found)
	}
	_, err = b.KeepUntil(ctx, old.ID, later)
	wantCode(t, err, fault.Gone)
	kept, err := b.KeepUntil(ctx, fresh.ID, later.Add(time.Hour))
	if err != nil || !kept.KeepUntil.Equal(later.Add(time.Hour).Round(time.Microsecond)) {
		t.Errorf("kept until %v, %v", kept.KeepUntil, err)
	}
	waiting := b.insert(draft("ann"))
	_, err = b.KeepUntil(ctx, waiting.ID, later)
	wantCode(t, err, fault.Conflict)

	b.exec(`update result set ended_at = now() - interval '3 hours'`)
	b.wantRowsDue(job.RowsKept{Default: time.Hour})
	mails, err := outbox.NewStore(b.db).Due(ctx, 1)
	if err != nil || len(mails) != 1 {
		t.Fatalf("mails %v, %v", mails, err)
	}
	wantCode(t, outbox.NewStore(b.db).Sent(ctx, mails[0].ID), "")
	b.wantRowsDue(job.RowsKept{Default: 4 * time.Hour})
	b.wantRowsDue(job.RowsKept{Default: time.Hour, Recipes: map[string]time.Duration{"tracks": 4 * time.Hour}})
	b.wantRowsDue(job.RowsKept{Default: time.Hour}, old.ID)
	b.wantRowsDue(job.RowsKept{Default: 4 * time.Hour, Recipes: map[string]time.Duration{"tracks": time.Hour}}, old.ID)

	if n, err := b.RemoveRows(ctx, []string{old.ID, fresh.ID, waiting.ID}); n != 1 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	_, err = b.Find(ctx, old.ID)
	wantCode(t, err, fault.NotFound)
}

func (b bundle) wantRowsDue(kept job.RowsKept, want ...string) {
	b.t.Helper()
	ids, err := b.RowsDue(context.Background(), kept, 10)
	if err != nil || !cmp.Equal(append([]string{}, want...), ids) {
		b.t.Errorf("rows due with %+v = %v, %v, want %v", kept, ids, err, want)
	}
}

// The files that go before their time are those of the oldest ends; kept ones go last, and
// what runs, is fresh, is owed as a mail or awaited by another job is not among them.
func TestOldest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	names := map[string]string{}
	ended := func(name, age string) string {
		t.Helper()
		c := b.run(draft(name))
		b.finish(end(c, job.Succeeded))
		b.exec(`update result set ended_at = now() - $2::interval where job = $1`, c.ID, age)
		names[c.ID] = name
		return c.ID
	}
	older, kept := ended("older", "3 hours"), ended("kept", "9 hours")
	ended("oldest", "4 hours")
	ended("fresh", "1 minute")
	mailed, awaited, gone := ended("mailed", "9 hours"), ended("awaited", "9 hours"), ended("gone", "9 hours")
	b.run(draft("running"))
	if _, err := b.KeepUntil(ctx, kept, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.exec(`insert into outbox (job, key, kind, recipient, attach, payload) values ($1, 'k', 'failure', 'a', true, '{}')`, mailed)
	after := draft("after")
	after.Needs = []job.Need{{Job: awaited, Output: "a.csv", Input: 2}}
	b.insert(after)
	wantCode(t, b.FilesGone(ctx, []string{gone}), "")
	list := func(limit int) string {
		t.Helper()
		ids, err := b.Oldest(ctx, 10*time.Minute, limit)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, id := range ids {
			found = append(found, names[id])
		}
		return strings.Join(found, " ")
	}
	if got := list(10); got != "oldest older kept" {
		t.Errorf("in this order: %q", got)
	}
	if got := list(1); got != "oldest" {
		t.Errorf("the first: %q", got)
	}
	wantCode(t, b.GoneEarly(ctx, []string{older}, job.Disk), "")
	if got := list(10); got != "oldest kept" {
		t.Errorf("afterwards: %q", got)
	}
	if j := b.find(older); j.FilesGoneAt == nil || j.GoneFor != job.Disk || j.KeepUntil.After(time.Now().Add(time.Minute)) || j.State != job.Succeeded {
		t.Errorf("one that went early: %+v", j.Times)
	}
}
