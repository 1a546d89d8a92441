package dispatcher

import (
	"testing"
	"time"

	"convertd/sql/job"
)

// What is told to run never exceeds the slots: a job whose end is still being recorded has
// given its slot to another one.
func TestNoMoreRunThanThereAreSlots(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	var ids []string
	for range 30 {
		ids = append(ids, w.submit("copy", "x"))
	}
	ready := make(chan struct{})
	w.opts.Ready = func() { close(ready) }
	s := w.serve(w.opts)
	<-ready
	ended, most := make(chan struct{}), make(chan int32)
	go func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		var seen int32
		for {
			select {
			case <-ended:
				most <- seen
				return
			case <-tick.C:
				seen = max(seen, s.presence.running.Load())
			}
		}
	}()
	for _, id := range ids {
		w.await(id, job.Succeeded)
	}
	close(ended)
	if seen := <-most; seen < 1 || seen > int32(w.opts.Lanes.Slots) {
		t.Errorf("%d were said to run in %d slots", seen, w.opts.Lanes.Slots)
	}
}
