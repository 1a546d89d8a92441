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
// floor's age to commit, or when its row was locked by somebody while it was passed. So
// every floorsEvery the claimer looks for the head of each lane (marks.sql), which walks
// all that is dead, and lowers the floor to what it finds below.
type floors struct {
	mu    sync.Mutex
	lanes map[lane]*floor
	// last is the turn claimed last in each queue when the heads were last looked for.
	last map[string]int64
	// markAt is when they are looked for next, turnedAt when the floors moved up.
	markAt, turnedAt time.Time
}

type lane struct {
	queue    string
	priority int
}

// floor has the turn in use, the one that follows it, and the highest turn claimed.
type floor struct{ used, next, claimed int64 }

// mark is the head of a lane as a row tells it; Lowest is nil when nothing waits there.
type mark struct {
	Queue    string `db:"queue"`
	Priority int    `db:"priority"`
	Lowest   *int64 `db:"lowest"`
	Last     int64  `db:"last"`
}

const (
	// floorAge is how long a claimed turn is at least not yet a floor: inserts that read
	// the turn before commit within that time.
	floorAge    = 2 * time.Second
	floorsEvery = 10 * time.Second
	// markShare is how much longer than a look for the heads the time between two of them
	// is at least: when that is slow it must not become what claims usually cost. Nobody
	// waits for it longer than floorsMost, though.
	markShare  = 200
	floorsMost = time.Minute
)

// floorTold is a floor as the statement takes it.
type floorTold struct {
	Queue    string `json:"queue"`
	Priority int    `json:"priority"`
	Turn     int64  `json:"turn"`
}

// due reports whether the heads of the lanes are to be looked for.
func (f *floors) due(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !now.Before(f.markAt)
}

// learn takes in the heads of the lanes as they were at now, found in the time took. What
// was inserted meanwhile has a turn after the one that was claimed last when that began,
// so no floor goes above the last turn of the look before. The first look has none before
// it: it is believed for a floor's age, and then repeated.
func (f *floors) learn(now time.Time, took time.Duration, marks []mark) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.last
	f.last = map[string]int64{}
	if f.lanes == nil {
		f.lanes = map[lane]*floor{}
	}
	for _, m := range marks {
		f.last[m.Queue] = m.Last
		safe, known := before[m.Queue]
		if !known {
			safe = m.Last
		}
		f.place(lane{m.Queue, m.Priority}, m.Lowest, safe)
	}
	f.markAt = now.Add(min(max(floorsEvery, markShare*took), floorsMost))
	if before == nil {
		f.markAt = now.Add(floorAge)
	}
}

// postpone lets some time pass after a look that came to nothing.
func (f *floors) postpone(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.markAt = now.Add(floorsEvery)
}

// doubt has the heads of the lanes looked for at once.
func (f *floors) doubt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.markAt = time.Time{}
}

// place puts the floor of a lane at its head, but not above the turn that is safe.
func (f *floors) place(l lane, lowest *int64, safe int64) {
	head := safe
	if lowest != nil {
		head = min(head, *lowest)
	}
	at := f.lanes[l]
	switch {
	case at == nil:
		f.lanes[l] = &floor{head, head, head}
	case lowest != nil && *lowest < at.used:
		*at = floor{head, head, head}
	case head > at.used:
		at.used, at.next, at.claimed = head, max(head, at.next), max(head, at.claimed)
	}
}

// tell returns the floors for a claim now.
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
	for l, turn := range f.lanes {
		if turn.used > 0 {
			told = append(told, floorTold{Queue: l.queue, Priority: l.priority, Turn: turn.used})
		}
	}
	return told
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
