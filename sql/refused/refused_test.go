package refused_test

import (
	"os"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/sql/dbtest"
	"convertd/sql/refused"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestRefusals(t *testing.T) {
	t.Parallel()
	database := dbtest.Open(t)
	s := refused.NewStore(database)
	for _, owner := range []string{"a", "b", "c"} {
		if err := s.Note(t.Context(), refused.Refusal{Owner: owner, Recipe: strings.Repeat("ä", 1000), Code: fault.EmptyFile, Detail: "Empty."}); err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.List(t.Context(), 0, 2)
	if err != nil || len(first) != 2 || first[0].Owner != "c" || first[0].Code != fault.EmptyFile || first[0].At.IsZero() || len(first[0].Recipe) > 600 {
		t.Fatalf("first page %+v, %v", first, err)
	}
	rest, err := s.List(t.Context(), first[1].ID, 2)
	if err != nil || len(rest) != 1 || rest[0].Owner != "a" {
		t.Errorf("second page %+v, %v", rest, err)
	}
	if _, err := database.Exec(`update refusal set refused_at = now() - interval '8 days' where owner <> 'c'`); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Prune(t.Context(), 10); n != 2 || err != nil {
		t.Errorf("pruned %d, %v", n, err)
	}
}
