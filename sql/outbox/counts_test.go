package outbox_test

import (
	"context"
	"testing"
	"time"

	"convertd/sql/dbtest"
	"convertd/sql/outbox"
)

func TestCounts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := outbox.NewStore(dbtest.Open(t))
	for _, key := range []string{"sent", "failed", "new"} {
		if err := s.Owe(ctx, key, outbox.Draft{Kind: "digest", To: "a@b.example"}); err != nil {
			t.Fatal(err)
		}
	}
	mails, err := s.Due(ctx, 10)
	if err != nil || len(mails) != 3 {
		t.Fatalf("%+v, %v", mails, err)
	}
	if err := s.Sent(ctx, mails[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Failed(ctx, mails[1].ID, "away", time.Now(), true); err != nil {
		t.Fatal(err)
	}
	if c, err := s.Counts(ctx); err != nil || c != (outbox.Counts{Waiting: 2, Failed: 1}) {
		t.Errorf("%+v, %v", c, err)
	}
}
