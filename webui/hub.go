package webui

import (
	"context"
	"sync"
	"time"
)

const (
	// A watch that began a moment ago is looked after more often: most jobs are short,
	// and somebody waits for their end.
	quickTick = 20 * time.Millisecond
	quickFor  = 2 * time.Second
	slowTick  = 100 * time.Millisecond
	// rowLooks is how many rows are looked at side by side.
	rowLooks = 4
)

// hub watches jobs for any number of event streams and waiting requests: one look per
// tick for all of them. It runs while somebody watches.
type hub struct {
	board *board

	mu      sync.Mutex
	running bool
	quick   time.Time // until when the ticks are quick
	watched map[string]*watched
}

// watched is one job and who wants to hear of it.
type watched struct {
	last    view
	watches map[*watch]bool
}

// watch is one listener's interest in some jobs.
type watch struct {
	hub *hub
	ids []string
	// changed has a value when take has something new.
	changed chan struct{}

	mu   sync.Mutex
	news map[string]view
}

func newHub(b *board) *hub { return &hub{board: b, watched: map[string]*watched{}} }

// watch begins to watch jobs; what is known of them already is new to the watch. The
// caller closes it.
func (h *hub) watch(ids []string) *watch {
	w := &watch{hub: h, ids: ids, changed: make(chan struct{}, 1), news: map[string]view{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		if h.watched[id] == nil {
			h.watched[id] = &watched{watches: map[*watch]bool{}}
		}
		of := h.watched[id]
		of.watches[w] = true
		if of.last.known {
			w.tell(id, of.last)
		}
	}
	h.quick = time.Now().Add(quickFor)
	if !h.running {
		h.running = true
		go h.run()
	}
	return w
}

// close ends the watch.
func (w *watch) close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for _, id := range w.ids {
		of := w.hub.watched[id]
		if of == nil {
			continue
		}
		delete(of.watches, w)
		if len(of.watches) == 0 {
			delete(w.hub.watched, id)
		}
	}
}

func (w *watch) tell(id string, v view) {
	w.mu.Lock()
	w.news[id] = v
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default: // it will see this with what it has not taken yet
	}
}

// take returns what is new since the last call, by job: the newest state only.
func (w *watch) take() map[string]view {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := w.news
	w.news = map[string]view{}
	return news
}

// run looks at all watched jobs until there are none.
func (h *hub) run() {
	ctx := context.Background() // ends by itself; every look is bounded
	for {
		ids, tick := h.due()
		if ids == nil {
			return
		}
		found := h.board.fetch(ctx, ids)
		for id, v := range found {
			h.tell(id, v)
		}
		h.lookAtRows(ctx, ids, found)
		time.Sleep(tick)
	}
}

// due returns the watched jobs that have not ended, never nil while anyone watches.
func (h *hub) due() ([]string, time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watched) == 0 {
		h.running = false
		return nil, 0
	}
	ids := make([]string, 0, len(h.watched))
	for id, of := range h.watched {
		if !of.last.done {
			ids = append(ids, id)
		}
	}
	if time.Now().Before(h.quick) {
		return ids, quickTick
	}
	return ids, slowTick
}

// lookAtRows asks the rows about jobs that nobody tells of; the board keeps that to one
// look a second each.
func (h *hub) lookAtRows(ctx context.Context, ids []string, found map[string]view) {
	var group sync.WaitGroup
	places := make(chan struct{}, rowLooks)
	for _, id := range ids {
		if _, ok := found[id]; ok {
			continue
		}
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			if v, err := h.board.fromRow(ctx, id); err == nil {
				h.tell(id, v)
			}
		})
	}
	group.Wait()
}

func (h *hub) tell(id string, v view) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.watched[id]
	if of == nil || (of.last.known == v.known && of.last.tag == v.tag && of.last.tag != "") {
		return
	}
	v.done = v.done || !v.known // deleted, or never there: nothing will follow
	of.last = v
	for w := range of.watches {
		w.tell(id, v)
	}
}
