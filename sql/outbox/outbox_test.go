package outbox_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/sql/dbtest"
	"convertd/sql/outbox"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestOutbox(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := outbox.NewStore(dbtest.Open(t))
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	due := func(want ...string) []outbox.Mail {
		t.Helper()
		mails, err := s.Due(ctx, 10)
		keys := []string{}
		for _, m := range mails {
			keys = append(keys, m.Key)
		}
		if diff := cmp.Diff(append([]string{}, want...), keys); diff != "" || err != nil {
			t.Fatalf("due: %v\n%s", err, diff)
		}
		return mails
	}
	check(s.Owe(ctx, "digest-1", outbox.Draft{Kind: "digest", To: "a@b.example", Attach: true}))
	check(s.Owe(ctx, "digest-1", outbox.Draft{Kind: "digest", To: "other@b.example"}))
	check(s.Owe(ctx, "digest-2", outbox.Draft{Kind: "digest", To: "a@b.example", Payload: []byte(`{"n":2}`)}))
	mails := due("digest-1", "digest-2")
	if mails[0].To != "a@b.example" || string(mails[0].Payload) != "{}" || string(mails[1].Payload) != `{"n":2}` {
		t.Errorf("mails = %+v", mails)
	}
	check(s.Failed(ctx, mails[0].ID, "connection refused", time.Now().Add(time.Hour), true))
	due("digest-2")
	check(s.Failed(ctx, mails[0].ID, "552 too big", time.Now().Add(-time.Second), false))
	again := due("digest-1", "digest-2")[0]
	if again.Tries != 2 || again.LastError != "552 too big" || again.Attach {
		t.Errorf("after two failures = %+v", again)
	}
	check(s.Sent(ctx, again.ID))
	check(s.Sent(ctx, again.ID))
	check(s.Failed(ctx, again.ID, "late", time.Now().Add(-time.Second), true))
	due("digest-2")
	check(s.Owe(ctx, "digest-1", outbox.Draft{Kind: "digest", To: "a@b.example"}))
	due("digest-2")
}
