package job

import (
	"sync"
	"time"
)

// floors are the turns below which the lanes hold nothing that could be claimed, for
// this claimer to remember: the index still holds what was claimed before, as long as
// some old transaction may want to see it, and walking that again costs each claim more.
//
// A floor is a hint. A job may come in below it when its insert took longer than a
// floor's age to commit, or when its row was locked by somebody while it was passed; so
// every floorsEvery a claim looks through the whole of the lanes.
type floors struct {
	mu    sync.Mutex
	lanes map[lane]*floor
	// fullAt is when a claim last looked at everything, turnedAt when the floors moved up.
	fullAt, turnedAt time.Time
	// fullTook is what that cost.
	fullTook time.Duration
}

type lane struct {
	queue    string
	priority int
}

// floor has the turn in use, the one that follows it, and the highest turn claimed.
type floor struct{ used, next, claimed int64 }

const (
	// floorAge is how long a claimed turn is at least not yet a floor: inserts that read
	// the turn before commit within that time.
	floorAge    = 2 * time.Second
	floorsEvery = 10 * time.Second
	// fullShare is how much longer than a claim of everything the time between two of them
	// is at least: when that is slow it must not become what claims usually cost.
	fullShare = 200
)

// floorTold is a floor as the statement takes it.
type floorTold struct {
	Queue    string `json:"queue"`
	Priority int    `json:"priority"`
	Turn     int64  `json:"turn"`
}

// tell returns the floors for a claim now, none for one that looks at everything.
func (f *floors) tell(now time.Time) []floorTold {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.turnedAt) >= floorAge {
		f.turnedAt = now
		for _, l := range f.lanes {
			l.used, l.next = l.next, l.claimed
		}
	}
	told := []floorTold{}
	if now.Sub(f.fullAt) >= max(floorsEvery, fullShare*f.fullTook) {
		f.fullAt = now
		return told
	}
	for l, turn := range f.lanes {
		if turn.used > 0 {
			told = append(told, floorTold{Queue: l.queue, Priority: l.priority, Turn: turn.used})
		}
	}
	return told
}

// took notes what a claim of everything cost.
func (f *floors) took(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fullTook = d
}

// note takes in what a claim took.
func (f *floors) note(rows []claimedRow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lanes == nil {
		f.lanes = map[lane]*floor{}
	}
	for _, r := range rows {
		l := lane{r.Queue, r.Priority}
		if f.lanes[l] == nil {
			f.lanes[l] = &floor{}
		}
		f.lanes[l].claimed = max(f.lanes[l].claimed, r.Turn)
	}
}
