package job_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/sql/job"
)

// listed pages through a list and returns the recipes of the jobs, newest first; the
// tests name their jobs by their recipes.
func (b bundle) listed(filter job.Filter) []string {
	b.t.Helper()
	names := []string{}
	for {
		page, err := b.List(context.Background(), filter)
		if err != nil {
			b.t.Fatalf("list: %v", err)
		}
		for _, j := range page.Jobs {
			names = append(names, j.Recipe)
		}
		if page.Next == "" {
			return names
		}
		filter.Cursor = page.Next
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	make := func(name, owner string, change func(*job.Draft)) job.Draft {
		d := draft(owner)
		d.Recipe, d.Tags = name, nil
		if change != nil {
			change(&d)
		}
		b.insert(d)
		return d
	}
	make("succeeded", "ann", nil)
	make("failed", "ann", func(d *job.Draft) { d.Tags = map[string]string{"shot": "sh010", "show": "x"} })
	make("running", "bob", nil)
	for _, running := range b.claim(3) {
		switch running.Recipe {
		case "succeeded":
			b.finish(end(running, job.Succeeded))
		case "failed":
			failed := end(running, job.Failed)
			failed.Result.Detail = "The Disk is full: 100%."
			b.finish(failed)
		}
	}
	later := time.Now().Add(time.Hour)
	make("scheduled", "ann", func(d *job.Draft) { d.RunAt = &later })
	make("queued", "bob", func(d *job.Draft) {
		d.Tags = map[string]string{"shot": "sh020"}
		d.Inputs[0].Name = "Größe_%.mov"
	})
	cancelled := make("cancelled", "ann", nil)
	b.cancel(cancelled.ID)
	deleted := make("deleted", "ann", nil)
	wantCode(t, b.Delete(context.Background(), deleted.ID), "")

	past := time.Now().Add(-time.Hour)
	rows := []struct {
		name   string
		filter job.Filter
		want   []string
	}{
		{"all", job.Filter{}, []string{"cancelled", "queued", "scheduled", "running", "failed", "succeeded"}},
		{"page by page", job.Filter{Limit: 1}, []string{"cancelled", "queued", "scheduled", "running", "failed", "succeeded"}},
		{"owner", job.Filter{Owner: "bob"}, []string{"queued", "running"}},
		{"recipe", job.Filter{Recipe: "failed"}, []string{"failed"}},
		{"one ended state", job.Filter{States: []job.State{job.Failed}, Limit: 1}, []string{"failed"}},
		{"running", job.Filter{States: []job.State{job.Running}}, []string{"running"}},
		{"waiting", job.Filter{States: []job.State{job.Queued, job.Scheduled}}, []string{"queued", "scheduled"}},
		{"waiting or running", job.Filter{States: []job.State{job.Queued, job.Running}}, []string{"queued", "running"}},
		{"several ended", job.Filter{States: []job.State{job.Failed, job.Succeeded}, Limit: 1}, []string{"failed", "succeeded"}},
		{"ended and running", job.Filter{States: []job.State{job.Failed, job.Running}}, []string{"running", "failed"}},
		{"tag", job.Filter{Tags: map[string]string{"shot": "sh010"}}, []string{"failed"}},
		{"all tags", job.Filter{Tags: map[string]string{"shot": "sh010", "show": "y"}}, []string{}},
		{"name of an input in any case", job.Filter{Text: "gRÖSSE"}, []string{}},
		{"name of an input in any case, letters", job.Filter{Text: "grÖß"}, []string{"queued"}},
		{"text of an error, % is no wildcard", job.Filter{Text: "100%"}, []string{"failed"}},
		{"text that nothing has", job.Filter{Text: "%ull_"}, []string{}},
		{"since", job.Filter{Since: &later}, []string{}},
		{"until", job.Filter{Until: &past}, []string{}},
		{"since and until", job.Filter{Since: &past, Until: &later, Recipe: "queued"}, []string{"queued"}},
		{"together", job.Filter{Owner: "ann", States: []job.State{job.Failed}, Text: "disk", Tags: map[string]string{"show": "x"}}, []string{"failed"}},
	}
	for _, row := range rows {
		if diff := cmp.Diff(row.want, b.listed(row.filter)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

// Pages go on where the one before ended, whatever was made or removed in between.
func TestListCursor(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	var ids []string
	for i := range 10 {
		d := draft("ann")
		d.Recipe = fmt.Sprint("r", i)
		ids = append(ids, b.insert(d).ID)
	}
	first, err := b.List(ctx, job.Filter{Limit: 4})
	if err != nil || len(first.Jobs) != 4 || first.Next == "" {
		t.Fatalf("first page = %d, %q, %v", len(first.Jobs), first.Next, err)
	}
	b.insert(draft("ann"))
	wantCode(t, b.Delete(ctx, ids[6]), "")
	wantCode(t, b.Delete(ctx, ids[4]), "")
	rest := b.listed(job.Filter{Limit: 4, Cursor: first.Next})
	if diff := cmp.Diff([]string{"r5", "r3", "r2", "r1", "r0"}, rest); diff != "" {
		t.Errorf("later pages (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"x", "!!", "MTox!", "MTo"} {
		_, err := b.List(ctx, job.Filter{Cursor: bad})
		wantCode(t, err, fault.Invalid)
	}
	page, err := b.List(ctx, job.Filter{Limit: 9})
	if err != nil || len(page.Jobs) != 9 || page.Next != "" {
		t.Errorf("a page that holds all has no next: %d, %q, %v", len(page.Jobs), page.Next, err)
	}
}
