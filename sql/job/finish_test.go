package job_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/sql/outbox"
)

func TestFinishIsFenced(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		change func(*job.End)
	}{
		{"another token", func(e *job.End) { e.Token = "0123" }},
		{"no token", func(e *job.End) { e.Token = "" }},
		{"an earlier attempt", func(e *job.End) { e.Attempt = 1 }},
		{"a later attempt", func(e *job.End) { e.Attempt = 3 }},
		{"another job", func(e *job.End) { e.ID = "AAAAAAAAAAAAAAAAAAAAAAAAAA" }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			first := b.run(draft("ann"))
			b.finish(end(first, job.Queued))
			second := b.claim(1)[0]
			strange := end(second, job.Succeeded)
			strange.Outputs = []job.Output{{File: "1", Name: "zombie"}}
			strange.Mails = []outbox.Draft{{Kind: "success", To: "a@b.example"}}
			row.change(&strange)
			good := end(second, job.Failed)
			applied := b.finish(strange, good)
			if applied[0] || !applied[1] {
				t.Errorf("applied = %v", applied)
			}
			found := b.find(second.ID)
			if found.State != job.Failed || len(found.Outputs) != 0 {
				t.Errorf("found = %+v %v", found.Life, found.Outputs)
			}
			if mails, err := outbox.NewStore(b.db).Due(context.Background(), 10); err != nil || len(mails) != 0 {
				t.Errorf("mails = %v, %v", mails, err)
			}
		})
	}
}

func TestFinishPutsBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	d := draft("ann")
	d.MaxAttempts = 3
	running := b.run(d)
	later := time.Now().Add(time.Hour)
	back := end(running, job.Queued)
	back.RunAt, back.CountFailure = &later, true
	back.Mails = []outbox.Draft{{Kind: "failure", To: "a@b.example"}}
	b.finish(back)
	found := b.find(running.ID)
	if found.State != job.Scheduled || found.Failures != 1 || found.Attempt != 1 || found.Result != nil || found.EndedAt != nil {
		t.Errorf("with a time it is scheduled: %+v", found)
	}
	b.exec(`update job set run_at = now()`)
	if n, err := b.Due(ctx); n != 1 || err != nil {
		t.Fatalf("due = %d, %v", n, err)
	}
	second := b.claim(1)[0]
	b.finish(job.End{ID: second.ID, Attempt: 2, Token: second.Token, Next: job.Queued})
	found = b.find(running.ID)
	if found.State != job.Queued || found.Failures != 1 {
		t.Errorf("on request it is not counted: %+v", found.Life)
	}
	attempts, err := b.Attempts(ctx, running.ID)
	if err != nil || len(attempts) != 2 {
		t.Fatalf("attempts = %+v, %v", attempts, err)
	}
	if attempts[0].Class != fault.Lost || attempts[0].Detail != "because" || attempts[1].Class != "" || attempts[1].EndedAt == nil {
		t.Errorf("attempts = %+v", attempts)
	}
	if mails, err := outbox.NewStore(b.db).Due(ctx, 10); err != nil || len(mails) != 0 {
		t.Errorf("an attempt that is not the end owes no mail: %v, %v", mails, err)
	}
}

func TestFinishOwesMail(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	running := b.run(draft("ann"))
	failed := end(running, job.Failed)
	failed.Mails = []outbox.Draft{{Kind: "failure", To: "a@b.example", Attach: true, Payload: []byte(`{"tail":["x"]}`)}}
	b.finish(failed)
	mails, err := outbox.NewStore(b.db).Due(ctx, 10)
	if err != nil || len(mails) != 1 {
		t.Fatalf("mails = %+v, %v", mails, err)
	}
	m := mails[0]
	if m.Job != running.ID || m.Key != running.ID+".failure" || m.To != "a@b.example" || !m.Attach || string(m.Payload) != `{"tail":["x"]}` {
		t.Errorf("mail = %+v", m)
	}
}

// One end that PostgreSQL refuses does not hold up those beside it.
func TestFinishOneByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good, bad, better := b.run(draft("a")), b.run(draft("b")), b.run(draft("c"))
	wrong := end(bad, job.Failed)
	wrong.Result.Class = "surprising"
	applied, err := b.Finish(context.Background(), []job.End{end(good, job.Succeeded), wrong, end(better, job.Succeeded)})
	if err == nil || !applied[0] || applied[1] || !applied[2] {
		t.Errorf("applied = %v, %v", applied, err)
	}
	if found := b.find(bad.ID); found.State != job.Running {
		t.Errorf("the refused one = %+v", found.Life)
	}
}

func TestHowAnAttemptBegan(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	running, short := b.run(draft("ann")), b.run(draft("ann"))
	began := job.Began{Job: running.ID, Attempt: 1, Token: running.Token, PID: 77, Cgroup: "/convertd/x", RecipeVersion: "ran", Machine: []byte(`{"host": "h"}`)}
	strange := began
	strange.Token, strange.PID = "strange", 1
	wantCode(t, b.NoteBegun(ctx, []job.Began{strange}), "")
	wantCode(t, b.NoteBegun(ctx, []job.Began{began, strange}), "")
	alive, err := b.Running(ctx)
	if err != nil || len(alive) != 2 {
		t.Fatalf("running = %+v, %v", alive, err)
	}
	want := job.Place{Dispatcher: "d1", BootID: "boot", PID: 77, Cgroup: "/convertd/x"}
	if alive[0].Place != want || alive[0].Token != running.Token || len(alive[0].Inputs) != 1 {
		t.Errorf("running = %+v", alive[0])
	}
	// One that was over before it could be noted says the same with its end; an end that
	// does not know leaves what was noted.
	over := end(short, job.Succeeded)
	over.Began = &job.Began{PID: 78, Cgroup: "/convertd/y", RecipeVersion: "other", Machine: []byte(`{"host": "i"}`)}
	b.finish(over, end(running, job.Succeeded))
	for id, want := range map[string]string{running.ID: `77 /convertd/x ran {"host": "h"}`, short.ID: `78 /convertd/y other {"host":"i"}`} {
		a, err := b.Attempts(ctx, id)
		if err != nil || len(a) != 1 {
			t.Fatal(a, err)
		}
		if got := fmt.Sprint(a[0].PID, " ", a[0].Cgroup, " ", a[0].RecipeVersion, " ", string(a[0].Machine)); strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("attempt %s, want %s", got, want)
		}
	}
}
