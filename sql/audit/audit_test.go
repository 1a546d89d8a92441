package audit_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/sql/audit"
	"convertd/sql/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestActs(t *testing.T) {
	t.Parallel()
	database := dbtest.Open(t)
	s := audit.NewStore(database)
	begin := func(verb audit.Verb, target string) int64 {
		t.Helper()
		id, err := s.Begin(t.Context(), audit.Act{Who: "ann", Address: "10.0.0.1", Via: "page", Verb: verb, Target: target, Detail: strings.Repeat("ä", 1000)})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	paused, deleted, died := begin(audit.Pause, "video"), begin(audit.Delete, "JOB"), begin(audit.Drain, "")
	for id, cause := range map[int64]error{paused: nil, deleted: fault.New(fault.NotFound, "It is gone.", "Look again.")} {
		if err := s.End(t.Context(), id, cause); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.End(t.Context(), deleted, nil); err != nil {
		t.Fatal(err)
	}
	list := func(f audit.Filter) map[int64]string {
		t.Helper()
		if f.Limit == 0 {
			f.Limit = 10
		}
		found, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		outcomes := map[int64]string{}
		for _, a := range found {
			outcomes[a.ID] = a.Outcome
			if a.Who != "ann" || a.Address != "10.0.0.1" || a.Via != "page" || a.At.IsZero() || len(a.Detail) != 600 {
				t.Errorf("act %+v", a)
			}
		}
		return outcomes
	}
	for _, tt := range []struct {
		name   string
		filter audit.Filter
		want   map[int64]string
	}{
		{"all, and a first outcome stays", audit.Filter{}, map[int64]string{paused: "done", deleted: "not_found", died: ""}},
		{"a verb", audit.Filter{Verb: audit.Pause}, map[int64]string{paused: "done"}},
		{"a text", audit.Filter{Text: "job"}, map[int64]string{deleted: "not_found"}},
		{"the newest", audit.Filter{Limit: 1}, map[int64]string{died: ""}},
		{"the next page", audit.Filter{Before: deleted}, map[int64]string{paused: "done"}},
	} {
		if diff := cmp.Diff(tt.want, list(tt.filter)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if _, err := database.Exec(`update act set begun_at = now() - interval '366 days' where id <> $1`, died); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Prune(t.Context(), 10); n != 2 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
}
