package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/process"
	"convertd/runner/recipe"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// Limits and orders are kept to the second: a child is told at once, and killed when its
// grace is over, or when it did not keep its time limit itself.
func TestWatchKeepsToTheClock(t *testing.T) {
	t.Parallel()
	type said struct {
		after time.Duration
		order order
	}
	for name, row := range map[string]struct {
		orders  []said
		want    string
		expired bool
	}{
		"a child that does not keep its limit": {nil, "SIGKILL 1h0m20s", true},
		"a cancel":                             {[]said{{time.Minute, orderCancel}}, "SIGTERM 1m0s, SIGKILL 1m15s", false},
		"a safe stop":                          {[]said{{time.Minute, orderStop}}, "SIGUSR1 1m0s, SIGKILL 1m15s", false},
		"a cancel after a safe stop":           {[]said{{time.Minute, orderStop}, {10 * time.Second, orderCancel}}, "SIGUSR1 1m0s, SIGTERM 1m10s, SIGKILL 1m25s", false},
		"a safe stop after a cancel":           {[]said{{time.Minute, orderCancel}, {10 * time.Second, orderStop}}, "SIGTERM 1m0s, SIGKILL 1m15s", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := spool.New(t.TempDir()).Job("AAAAAAAAAAAAAAAAAAAAAAAAAA")
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var heard []string
				c := &child{done: make(chan struct{})}
				c.signal = func(sig unix.Signal) error {
					heard = append(heard, fmt.Sprint(unix.SignalName(sig), " ", time.Since(began)))
					if sig == unix.SIGKILL {
						close(c.done)
					}
					return nil
				}
				d, a := watched(dir, c)
				go func() {
					for _, s := range row.orders {
						time.Sleep(s.after) // the clock of the bubble: it takes no time
						a.tell(s.order)
					}
				}()
				if err := d.watch(a); err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(heard, ", "); got != row.want || a.expired != row.expired {
					t.Errorf("it heard %q, expired %v; want %q", got, a.expired, row.want)
				}
			})
		})
	}
}

// A dispatcher that leaves goes away from what runs at once.
func TestWatchLeavesWhatRuns(t *testing.T) {
	t.Parallel()
	dir := spool.New(t.TempDir()).Job("AAAAAAAAAAAAAAAAAAAAAAAAAA")
	synctest.Test(t, func(t *testing.T) {
		c := &child{done: make(chan struct{}), signal: func(unix.Signal) error { return errors.New("told something") }}
		d, a := watched(dir, c)
		began := time.Now()
		time.AfterFunc(time.Minute, d.leave)
		if err := d.watch(a); !errors.Is(err, errLeft) || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// watched is a dispatcher and an attempt of an hour and ten seconds' grace.
func watched(dir spool.Job, c *child) (*Dispatcher, *attempt) {
	d := &Dispatcher{times: Times{}.withDefaults(), log: slog.New(slog.DiscardHandler)}
	d.leaving, d.leave = context.WithCancel(context.Background())
	d.warden = newWarden(d)
	a := &attempt{
		row: job.Claimed{Job: job.Job{Identity: job.Identity{ID: dir.ID}}}, dir: dir, log: d.log, child: c,
		began: time.Now(), orders: make(chan order, 2), noted: true,
		bounds: recipe.Limits{Time: time.Hour, Grace: 10 * time.Second},
	}
	a.kin = kinOf(a, process.Name{})
	return d, a
}
