package dispatcher

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// maxWaived is how often a job may go back to its queue without that being counted.
const maxWaived = 100

// ourSide reports whether a class means that the machine or convertd failed, not the
// converter or its input. Such attempts are tried again whatever the recipe says.
func ourSide(class fault.Class) bool {
	return class == fault.Lost || class == fault.InternalError
}

// again reports whether an attempt that ended in class is followed by another one.
// failures counts the attempts used up, this one included.
func again(class fault.Class, r recipe.Retry, failures, most int) bool {
	if failures >= most {
		return false
	}
	return ourSide(class) || slices.Contains(r.On, class)
}

// backoff is the wait before the attempt after the given number of failures: fourfold
// each time, bounded, and spread by spread (0..1) over a fifth either way so that jobs
// that failed together do not come back together.
func (t Times) backoff(failures int, spread float64) time.Duration {
	wait := float64(t.RetryBase) * math.Pow(4, float64(min(max(0, failures-1), 20)))
	wait = min(wait, float64(t.RetryMax))
	return time.Duration(wait * (0.8 + 0.4*spread))
}

func (d *Dispatcher) later(failures int) *time.Time {
	at := time.Now().Add(d.times.backoff(failures, rand.Float64())).UTC()
	return &at
}
