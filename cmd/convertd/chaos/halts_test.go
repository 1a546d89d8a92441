package chaos

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
)

// haltAtMost is how long somebody keeps a queue paused, or dispatchers drained.
const haltAtMost = 4 * time.Second

// haltTime bounds an attempt to halt: while the service is away it comes to nothing.
const haltTime = 10 * time.Second

// until the administrator has been heard, the order is repeated.
func (w *world) order(ctx context.Context, path string, body any) (reply, bool) {
	c := w.administrator()
	raw, err := json.Marshal(body)
	if err != nil {
		return reply{}, false
	}
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, lastPause) {
		got, err := c.once(ctx, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, raw)
		if err == nil && got.status == http.StatusOK {
			return got, true
		}
		pause(ctx, wait)
	}
	return reply{}, false
}

// halt has somebody halt something and take that back, beside the other disturbances: one
// at a time, since two would take back each other's.
func (w *world) halt(random *rand.Rand, do func(ctx context.Context, moment time.Duration)) {
	moment := time.Duration(500+random.IntN(int(haltAtMost/time.Millisecond))) * time.Millisecond
	if !w.halting.TryLock() {
		return
	}
	w.held.Go(func() {
		defer w.halting.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), haltTime)
		defer cancel()
		do(ctx, moment)
	})
}

// takeBack ends a halt, however long that takes.
func (w *world) takeBack(path string, body any) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.order(ctx, path, body)
}

// pauseQueue keeps the narrow queue from starting anything for a moment.
func (w *world) pauseQueue(ctx context.Context, moment time.Duration) {
	const path = "/api/v1/queues/" + narrowQueue
	defer w.takeBack(path+"/resume", nil)
	if _, paused := w.order(ctx, path+"/pause", nil); !paused {
		return
	}
	from := monotonic()
	<-time.After(moment)
	w.halted(verdict.Halt{Queue: narrowQueue, From: from, To: monotonic()})
}

// drain tells the dispatchers to drain, and notes who did before that is taken back.
func (w *world) drain(ctx context.Context, moment time.Duration, mode string) {
	const path = "/api/v1/dispatchers/drain"
	defer w.takeBack(path, map[string]string{"mode": "off"})
	begun := monotonic()
	_, told := w.order(ctx, path, map[string]string{"mode": mode})
	until := time.Now().Add(moment)
	drained := map[string]time.Duration{}
	for told && time.Now().Before(until) {
		pause(ctx, 100*time.Millisecond)
		for _, id := range w.drained(ctx) {
			if _, known := drained[id]; !known {
				drained[id] = monotonic()
			}
		}
	}
	over := monotonic()
	for id, from := range drained {
		w.halted(verdict.Halt{Dispatcher: id, From: from, To: over})
	}
	if mode == "now" {
		w.stoppedSafely(begun, over)
	}
}

// drained lists the dispatchers that say that they have drained.
func (w *world) drained(ctx context.Context) []string {
	got, err := w.administrator().once(ctx, http.MethodGet, "/api/v1/dispatchers", nil, nil)
	var list struct {
		Dispatchers []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"dispatchers"`
	}
	if err != nil || got.status != http.StatusOK || json.Unmarshal(got.body, &list) != nil {
		return nil
	}
	var ids []string
	for _, d := range list.Dispatchers {
		if d.State == "drained" {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func (w *world) halted(h verdict.Halt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halts = append(w.halts, h)
}

// stoppedSafely notes an order to stop safely that was heeded at some time of an interval.
func (w *world) stoppedSafely(from, to time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for at := from; at <= to; at += 100 * time.Millisecond {
		w.stops = append(w.stops, at)
	}
}
