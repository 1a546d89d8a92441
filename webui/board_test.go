package webui_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/webui/client"
)

// What memcached still holds of a job must not take back what the row said. A dispatcher may
// die before it can write the last document, and memcached may not hear it.
func TestStatus_never_goes_back(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	c := b.claim()
	last := running(c, 50)
	b.status.put(last)
	if s := b.statusDocument(j.ID); s.State != "running" || s.Percent == nil {
		t.Fatalf("running: %+v", s)
	}
	b.silence(true)
	b.finish(c, fault.Succeeded, upload{"out.txt", "x"})
	b.eventually("the row tells the end", func() bool { return b.statusDocument(j.ID).Done })
	b.silence(false)
	b.keeps(j.ID, "it ended", func(s client.Status) bool { return s.Done })
}

// keeps looks for longer than a look-up is used again whether a status stays as it is.
func (b *bench) keeps(id, before string, is func(client.Status) bool) {
	b.t.Helper()
	for deadline := time.After(300 * time.Millisecond); ; {
		if s := b.statusDocument(id); !is(s) {
			b.t.Fatalf("%s, and then: %+v", before, s)
		}
		select {
		case <-deadline:
			return
		default:
		}
	}
}

// A process that has just been started cannot know what the one before it told.
func TestStatus_of_a_job_from_before_the_start_is_held_against_its_row(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.insertedElsewhere()
	c := b.claim()
	b.finish(c, fault.Succeeded, upload{"out.txt", "x"})
	b.status.put(running(c, 50))
	if s := b.statusDocument(j); !s.Done {
		t.Errorf("of a job that has ended: %+v", s)
	}
}

// A row that was looked at a moment ago is older than a document heard since.
func TestStatus_of_an_attempt_is_not_followed_by_the_row_from_before_it(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.made()
	if s := b.statusDocument(j.ID); s.State != "queued" {
		t.Fatalf("waiting: %+v", s)
	}
	b.status.put(running(b.claim(), 50))
	if s := b.statusDocument(j.ID); s.State != "running" {
		t.Fatalf("running: %+v", s)
	}
	b.status.mu.Lock()
	delete(b.status.docs, j.ID)
	b.status.mu.Unlock()
	b.keeps(j.ID, "memcached was flushed", func(s client.Status) bool { return s.State == "running" && s.Attempt == 1 })
}

// silence lets memcached answer nothing, or what it holds.
func (b *bench) silence(on bool) {
	b.status.mu.Lock()
	defer b.status.mu.Unlock()
	b.status.away = on
}

// insertedElsewhere makes a job of which this web process has not heard.
func (b *bench) insertedElsewhere() string {
	b.t.Helper()
	j, err := b.jobs.Insert(context.Background(), job.Draft{Identity: job.Identity{ID: rand.Text(), Owner: "ann"},
		Request: job.Request{Recipe: "copy", RecipeVersion: "0123456789ab", Queue: "default"}, MaxAttempts: 3})
	if err != nil {
		b.t.Fatal(err)
	}
	return j.ID
}
