package declaration_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/sql/db"
	"convertd/sql/dbtest"
	"convertd/sql/declaration"
	"convertd/sql/job"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// ran inserts a job of that version of the recipe and has its first attempt begin.
func ran(t *testing.T, database *db.DB, recipe, version string) (id string) {
	t.Helper()
	jobs := job.NewStore(database)
	made, err := jobs.Insert(t.Context(), job.Draft{
		Identity: job.Identity{ID: rand.Text(), Owner: "ann"}, Request: job.Request{Recipe: recipe, RecipeVersion: version, Queue: "q"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if claimed, err := jobs.Claim(t.Context(), job.Claimer{Dispatcher: "d", BootID: "b"}, 1, nil); err != nil || len(claimed) != 1 || claimed[0].ID != made.ID {
		t.Fatalf("claimed %+v, %v", claimed, err)
	}
	return made.ID
}

func keep(t *testing.T, s *declaration.Store, all ...declaration.Declaration) {
	t.Helper()
	for _, d := range all {
		if err := s.Keep(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatRanIsFoundByteByByte(t *testing.T) {
	t.Parallel()
	database := dbtest.Open(t)
	s := declaration.NewStore(database)
	first := declaration.Declaration{Recipe: "copy", Version: "1", Text: []byte("{ \"name\":\"copy\" ,\t\"say\": \"\\u00e4 ä\"}\n")}
	second := declaration.Declaration{Recipe: "copy", Version: "2", Text: []byte("{}")}
	id := ran(t, database, "copy", "1")
	if _, found, err := s.Of(t.Context(), id, 1); found || err != nil {
		t.Fatalf("before it is kept: %t, %v", found, err)
	}
	keep(t, s, first, second, declaration.Declaration{Recipe: "other", Version: "1", Text: []byte("[]")})
	got, found, err := s.Of(t.Context(), id, 1)
	if diff := cmp.Diff(first, got); diff != "" || !found || err != nil {
		t.Errorf("%t, %v: %s", found, err, diff)
	}
	if _, found, err := s.Of(t.Context(), id, 2); found || err != nil {
		t.Errorf("of an attempt that is not: %t, %v", found, err)
	}
	if _, found, err := s.Of(t.Context(), rand.Text(), 1); found || err != nil {
		t.Errorf("of a job that is not: %t, %v", found, err)
	}
}

func TestOnlyWhatNobodyNeedsIsPruned(t *testing.T) {
	t.Parallel()
	database := dbtest.Open(t)
	s := declaration.NewStore(database)
	ran(t, database, "copy", "named")
	var all []declaration.Declaration
	for _, version := range []string{"named", "old", "older", "again", "fresh"} {
		all = append(all, declaration.Declaration{Recipe: "copy", Version: version, Text: []byte("{}")})
	}
	keep(t, s, all...)
	for version, age := range map[string]string{"named": "50 days", "old": "41 days", "older": "42 days", "again": "43 days"} {
		if _, err := database.ExecContext(t.Context(), `update declaration set used_at = now() - $2::interval where version = $1`, version, age); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, s, all[3]) // it is used again
	for i, want := range []int{1, 1, 0} {
		if n, err := s.Prune(t.Context(), 40*24*time.Hour, 1); n != want || err != nil {
			t.Errorf("pruning %d removes %d, want %d: %v", i+1, n, want, err)
		}
		if i == 0 {
			var left []string
			if err := database.SelectContext(t.Context(), &left, `select version from declaration order by version`); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"again", "fresh", "named", "old"}, left); diff != "" {
				t.Errorf("the longest unused goes first: %s", diff)
			}
		}
	}
	var left []string
	if err := database.SelectContext(t.Context(), &left, `select version from declaration order by version`); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"again", "fresh", "named"}, left); diff != "" {
		t.Error(diff)
	}
}

func TestACallThatIsGivenUpIsAnError(t *testing.T) {
	t.Parallel()
	s := declaration.NewStore(dbtest.Open(t))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Keep(over, declaration.Declaration{Recipe: "a", Version: "1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("keep: %v", err)
	}
	if _, found, err := s.Of(over, "a", 1); found || !errors.Is(err, context.Canceled) {
		t.Errorf("of: %v", err)
	}
	if _, err := s.Prune(over, time.Hour, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("prune: %v", err)
	}
}
