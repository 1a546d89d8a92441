package drop_test

import (
	"context"
	"os"
	"testing"

	"convertd/sql/dbtest"
	"convertd/sql/drop"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestDropIsDoneOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := drop.NewStore(dbtest.Open(t))
	asked, err := store.Ask(ctx, "projection", "acme/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Ask(ctx, "projection", ""); err != nil {
		t.Fatal(err)
	}
	open, err := store.Open(ctx, 10)
	if err != nil || len(open) != 2 || open[0].ID != asked.ID || open[0].Prefix != "acme/" {
		t.Fatal(open, err)
	}
	for _, files := range []int{3, 9} { // the second is of somebody who was late
		if err := store.Done(ctx, asked.ID, files, ""); err != nil {
			t.Fatal(err)
		}
	}
	done, err := store.Find(ctx, asked.ID)
	if err != nil || done.DoneAt == nil || done.Files != 3 {
		t.Error(done, err)
	}
	if open, err := store.Open(ctx, 10); err != nil || len(open) != 1 {
		t.Error(open, err)
	}
}
