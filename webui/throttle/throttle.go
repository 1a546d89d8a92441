// Package throttle owns how often and how many times at once one caller may do a thing:
// tables of token buckets and of counters, by caller, of bounded size.
//
// It does not own who a caller is, nor what is limited (webui). It may import the
// standard library and golang.org/x/time/rate.
package throttle

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// generation is how many callers a half of a table has. The bucket of a caller who did
// nothing for a while is full, which says no more than no bucket; so those that were not
// used while as many others came are dropped, and a million callers cost no more memory
// than these.
const generation = 16 << 10

// Table holds one bucket of tokens for each caller. It is safe for concurrent use. A nil
// Table limits nothing.
type Table[K comparable] struct {
	rate  rate.Limit
	burst int
	now   func() time.Time

	mu       sync.Mutex
	young    map[K]*rate.Limiter
	old      map[K]*rate.Limiter
	capacity int
}

// New returns a Table that gives each caller n tokens at once, and n again in each
// period, evenly. It returns nil when n is 0.
func New[K comparable](n int, period time.Duration) *Table[K] {
	if n <= 0 {
		return nil
	}
	return &Table[K]{rate: rate.Limit(float64(n) / period.Seconds()), burst: n, now: time.Now,
		young: map[K]*rate.Limiter{}, capacity: generation}
}

// Take takes a token of the caller. When there is none it returns after what time there
// will be one, else 0.
func (t *Table[K]) Take(caller K) time.Duration { return t.ask(caller, 1) }

// Wait returns after what time the caller will have a token, 0 when there is one, and
// takes none.
func (t *Table[K]) Wait(caller K) time.Duration { return t.ask(caller, 0) }

func (t *Table[K]) ask(caller K, take float64) time.Duration {
	if t == nil {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	bucket, now := t.bucket(caller, take > 0), t.now()
	if bucket == nil {
		return 0
	}
	if there := bucket.TokensAt(now); there < 1 {
		return time.Duration((1 - there) / float64(t.rate) * float64(time.Second))
	}
	if take > 0 {
		bucket.AllowN(now, 1)
	}
	return 0
}

// bucket finds the caller's bucket, and makes it if it shall be used; else it may be nil.
func (t *Table[K]) bucket(caller K, use bool) *rate.Limiter {
	if b := t.young[caller]; b != nil {
		return b
	}
	b := t.old[caller]
	if b == nil && !use {
		return nil
	}
	if b == nil {
		b = rate.NewLimiter(t.rate, t.burst)
	}
	if len(t.young) >= t.capacity {
		t.old, t.young = t.young, map[K]*rate.Limiter{}
	}
	t.young[caller] = b
	return b
}

// Counter holds how many things each caller has open. It is safe for concurrent use. A
// nil Counter limits nothing.
type Counter[K comparable] struct {
	most int

	mu   sync.Mutex
	open map[K]int
}

// NewCounter returns a Counter that lets each caller have so many open; nil when most
// is 0.
func NewCounter[K comparable](most int) *Counter[K] {
	if most <= 0 {
		return nil
	}
	return &Counter[K]{most: most, open: map[K]int{}}
}

// Open counts one more, and reports false when the caller has as many as it may. What
// was counted is given back by Close.
func (c *Counter[K]) Open(caller K) bool {
	if c == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[caller] >= c.most {
		return false
	}
	c.open[caller]++
	return true
}

// Close gives one back.
func (c *Counter[K]) Close(caller K) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[caller]--; c.open[caller] <= 0 {
		delete(c.open, caller)
	}
}
