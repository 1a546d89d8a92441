package webui

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// mailsPerHour is how many jobs with a mail address an owner may send in an hour.
	mailsPerHour = 10
	// maxOwners bounds the memory of limits; above it they begin anew.
	maxOwners = 10_000
)

// limits holds one limit per owner.
type limits struct {
	mu     sync.Mutex
	owners map[string]*rate.Limiter
}

// allow takes one of what the owner has left.
func (l *limits) allow(owner string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owners == nil || len(l.owners) >= maxOwners {
		l.owners = map[string]*rate.Limiter{}
	}
	limit := l.owners[owner]
	if limit == nil {
		limit = rate.NewLimiter(rate.Every(time.Hour/mailsPerHour), mailsPerHour)
		l.owners[owner] = limit
	}
	return limit.Allow()
}
