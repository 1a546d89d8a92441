package check_test

import (
	"os"
	"testing"
	"time"

	"convertd/sql/check"
	"convertd/sql/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestTheLastExaminationIsKept(t *testing.T) {
	t.Parallel()
	database := dbtest.Open(t)
	s := check.NewStore(database)
	if none, err := s.List(t.Context()); err != nil || len(none) != 0 {
		t.Fatalf("before the first examination: %+v, %v", none, err)
	}
	first := []check.Finding{
		{Topic: "spool", Level: "fail", Text: "The disk is full.", Remedy: "Free space."},
		{Topic: "clock", Level: "warn", Text: "Nothing keeps it right.", Remedy: "Install chrony."},
		{Topic: "database", Level: "ok", Text: "It answers."},
	}
	if err := s.Replace(t.Context(), "one.example", first); err != nil {
		t.Fatal(err)
	}
	if _, err := database.Exec(`update finding set since = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	second := []check.Finding{{Topic: "database", Level: "ok", Text: "It still answers."}, {Topic: "spool", Level: "ok", Text: "There is room."}}
	if err := s.Replace(t.Context(), "two.example", second); err != nil {
		t.Fatal(err)
	}
	found, err := s.List(t.Context())
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for i, f := range found {
		if f.Topic != second[i].Topic || f.Text != second[i].Text || f.Host != "two.example" || f.ExaminedAt.IsZero() {
			t.Errorf("%d: %+v, want %+v", i, f, second[i])
		}
	}
	if old := time.Since(found[0].Since); old < 59*time.Minute {
		t.Errorf("what was well before is well since %s only", old)
	}
	if old := time.Since(found[1].Since); old > time.Minute {
		t.Errorf("what has just become well is so since %s", old)
	}
}
