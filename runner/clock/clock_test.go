package clock

import (
	"testing"
	"time"
)

// moment is a look at both clocks.
type moment struct {
	wall, boot time.Duration
	steady     bool
}

const (
	day   = 24 * time.Hour
	start = 20_000 * day
)

// TestFault has the rows of the table of faults about clocks that are set and machines
// that sleep; what is held back then is tried where it is.
func TestFault(t *testing.T) {
	t.Parallel()
	first := moment{start, time.Minute, true}
	tests := []struct {
		name string
		then []moment
	}{
		{"F15_goes_right", []moment{{start + time.Minute, 2 * time.Minute, true}, {start + day, time.Minute + day, true}}},
		{"F15_corrected_by_seconds", []moment{{start + time.Minute + 5*time.Second, 2 * time.Minute, true}}},
		{"F15_smeared_over_a_leap_second", []moment{{start + day - time.Second, time.Minute + day, true}}},
		{"F15_three_days_forward", []moment{{start + 3*day, 2 * time.Minute, false}, {start + 3*day + time.Minute, 3 * time.Minute, false}}},
		{"F15_three_days_back", []moment{{start - 3*day, 2 * time.Minute, false}}},
		{"F15_forward_and_back_again", []moment{{start + 3*day, 2 * time.Minute, false}, {start + 2*time.Minute, 3 * time.Minute, true}}},
		{"F15_forward_and_left_there", []moment{{start + 3*day, 2 * time.Minute, false}, {start + 3*day + Hold, 2*time.Minute + Hold, true}, {start + 3*day + Hold + time.Minute, 3*time.Minute + Hold, true}}},
		{"F15_forward_twice", []moment{{start + 3*day, 2 * time.Minute, false}, {start + 6*day, 3 * time.Minute, false}}},
		{"F16_summer_time_begins", []moment{{start + time.Minute, 2 * time.Minute, true}}},
		{"F16_the_year_2038", []moment{{1<<31*time.Second - start + start, 1<<31*time.Second - start + time.Minute, true}}},
		{"F26_asleep_for_two_hours", []moment{{start + 2*time.Hour, time.Minute + 2*time.Hour, true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var now moment
			w := Watch{Now: func() (time.Duration, time.Duration) { return now.wall, now.boot }}
			for i, m := range append([]moment{first}, tt.then...) {
				now = m
				if steady, moved := w.Steady(); steady != m.steady || steady != (moved == 0) {
					t.Errorf("look %d: steady %v, moved by %v", i, steady, moved)
				}
			}
		})
	}
}

func TestKernelsClockIsSteady(t *testing.T) {
	t.Parallel()
	var w Watch
	for range 3 {
		if steady, moved := w.Steady(); !steady {
			t.Errorf("moved by %v", moved)
		}
	}
}
