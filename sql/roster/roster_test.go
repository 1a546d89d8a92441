package roster_test

import (
	"context"
	"os"
	"testing"
	"time"

	"convertd/sql/dbtest"
	"convertd/sql/roster"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func TestDispatchersAreSeenAndTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := roster.NewStore(dbtest.Open(t))
	say := func(d roster.Dispatcher, want roster.Mode) {
		t.Helper()
		if got, err := s.Say(ctx, d); got != want || err != nil {
			t.Errorf("%s was told %q, want %q: %v", d.ID, got, want, err)
		}
	}
	before := roster.Dispatcher{ID: "a", Spool: "s", Host: "h", PID: 7, State: roster.Serving, Slots: 2, StartedAt: time.Now().Add(-time.Minute)}
	after := roster.Dispatcher{ID: "b", Spool: "s", Host: "h", PID: 8, State: roster.Standby, Slots: 2, StartedAt: time.Now().Add(time.Minute)}
	order := func(mode roster.Mode) {
		t.Helper()
		if err := s.Order(ctx, mode); err != nil {
			t.Fatal(err)
		}
	}
	halted := func(want bool) {
		t.Helper()
		if got, err := s.Halted(ctx); got != want || err != nil {
			t.Errorf("halted is %v, want %v: %v", got, want, err)
		}
	}
	say(before, roster.Off)
	order(roster.Drain)
	say(before, roster.Drain)
	say(after, roster.Off)
	halted(false) // it has not heeded it yet
	order(roster.Now)
	before.State, before.Running = roster.Draining, 1
	say(before, roster.Now)
	halted(true)
	after.State = roster.Serving
	say(after, roster.Off)
	halted(false) // one that was started later is not bound by it
	after.State = roster.Stopped
	say(after, roster.Off)
	order(roster.Off)
	say(before, roster.Off)
	halted(false)
	listed, err := s.List(ctx)
	if err != nil || len(listed) != 2 || listed[0].ID != "a" || listed[0].State != roster.Draining || listed[0].Running != 1 || !listed[0].Lately {
		t.Errorf("listed %+v, %v", listed, err)
	}
}
