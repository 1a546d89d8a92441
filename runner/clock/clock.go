// Package clock owns noticing that somebody set the machine's clock. What is kept, held
// back or waited for until a date must not go because the date was wrong for a while.
//
// It does not own what is held back then. It may import the standard library and
// golang.org/x/sys/unix.
package clock

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A clock that moved by more than Jump against the time since the machine was started
// is not believed for Hold, unless it goes back before.
const (
	Jump = 2 * time.Minute
	Hold = time.Hour
)

// Watch compares the clock with the time since the start of the machine, which nobody can
// set and which goes on while the machine sleeps. It is safe for concurrent use; its zero
// value is ready.
type Watch struct {
	// Now is for tests: the clock, and the time since the start. nil asks the kernel.
	Now func() (wall, boot time.Duration)

	mu sync.Mutex
	// believed is the difference of the two that counts as right.
	believed time.Duration
	known    bool
	// until is when a clock that moved is believed all the same, 0 while none did.
	until time.Duration
}

// Steady reports whether the clock can be believed, and by how much it moved when it
// cannot.
func (w *Watch) Steady() (steady bool, moved time.Duration) {
	now := w.Now
	if now == nil {
		now = kernel
	}
	wall, boot := now()
	w.mu.Lock()
	defer w.mu.Unlock()
	moved = wall - boot - w.believed
	if !w.known || moved.Abs() <= Jump {
		w.believed, w.known, w.until = wall-boot, true, 0
		return true, 0
	}
	if w.until == 0 {
		w.until = boot + Hold
	}
	if boot < w.until {
		return false, moved
	}
	w.believed, w.until = wall-boot, 0
	return true, 0
}

// kernel asks for CLOCK_REALTIME and CLOCK_BOOTTIME; where the latter is not to be had no
// clock ever moves.
func kernel() (wall, boot time.Duration) {
	var since unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &since); err != nil {
		return 0, 0
	}
	return time.Duration(time.Now().UnixNano()), time.Duration(since.Nano())
}
