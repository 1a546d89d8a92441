package webui

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/julienschmidt/httprouter"
	"golang.org/x/sync/singleflight"

	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/sql/job"
	"convertd/webui/client"
)

const (
	// reuse is how long a status document that was just looked up is served again.
	reuse = 75 * time.Millisecond
	// rowAge is how long what a row said is served again, unknown ids included.
	rowAge = time.Second
	// forgetful bounds the memory of the board; above it everything is looked up anew.
	forgetful = 20_000
	// lookUp bounds a look at the row that several requests wait for.
	lookUp = 10 * time.Second
)

// view is one status as it is served.
type view struct {
	body []byte
	tag  string
	// known is false for an id without a job.
	known   bool
	done    bool
	attempt int
	// running says that a runner wrote it; live that a row says the job runs.
	running, live bool
	read          time.Time
	updated       time.Time
}

// fresh reports whether a runner's document is young enough to be believed.
func (v view) fresh(now time.Time) bool { return now.Sub(v.updated) <= progress.Fresh }

// board knows the status of jobs: from the documents that runners and dispatcher write,
// else from the row. Many readers of one job cost one look-up.
type board struct {
	documents Status
	row       func(ctx context.Context, id string) (view, error)
	flight    singleflight.Group

	mu    sync.RWMutex
	told  map[string]view // from documents
	rows  map[string]view
	ended map[string]time.Time // deleted here; runners may write a little longer
}

func newBoard(documents Status, row func(context.Context, string) (view, error)) *board {
	return &board{documents: documents, row: row, told: map[string]view{}, rows: map[string]view{}, ended: map[string]time.Time{}}
}

// get returns the status of a job.
func (b *board) get(ctx context.Context, id string) (view, error) {
	now := time.Now()
	b.mu.RLock()
	told, deleted, row := b.told[id], b.ended[id], b.rows[id]
	b.mu.RUnlock()
	if now.Before(deleted) {
		return view{}, nil
	}
	if row.known && now.Sub(told.read) < reuse && told.fresh(now) && !row.ahead(told) {
		return told, nil
	}
	found := b.fetch(ctx, []string{id})
	if v, ok := found[id]; ok {
		return v, nil
	}
	return b.fromRow(ctx, id)
}

// ahead reports whether other tells of a time before v: a job that ended does not run
// again, attempts follow each other, and so do the documents of one attempt.
func (v view) ahead(other view) bool {
	switch {
	case !v.known || !other.known:
		return false
	case v.done && !other.done, v.attempt > other.attempt:
		return true
	}
	return v.running && other.running && v.attempt == other.attempt && v.updated.After(other.updated)
}

// fetch returns the documents that may be believed. memcached may keep what is over: a
// dispatcher was killed before it could say so, or was not heard. So a document counts
// only beside a row that was looked at once, here and not by a process before this one,
// and only if nothing newer is known.
func (b *board) fetch(ctx context.Context, ids []string) map[string]view {
	found := b.listen(ctx, ids)
	b.mu.RLock()
	defer b.mu.RUnlock()
	for id, v := range found {
		if row := b.rows[id]; !row.known || row.ahead(v) {
			delete(found, id)
		}
	}
	return found
}

// listen asks for documents and returns the newest that were heard. That nobody answers is
// no error: there are the rows.
func (b *board) listen(ctx context.Context, ids []string) map[string]view {
	documents, _ := b.documents.Get(ctx, ids)
	now := time.Now()
	found := make(map[string]view, len(documents))
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, document := range documents {
		before, ok := b.told[id]
		v := before
		if !ok || !sameBytes(v.body, document) {
			if v, ok = readDocument(id, document); !ok {
				continue
			}
		}
		v.read = now
		if !v.fresh(now) || now.Before(b.ended[id]) {
			delete(b.told, id)
			continue
		}
		if before.ahead(v) {
			continue
		}
		if len(b.told) >= forgetful {
			clear(b.told)
		}
		b.told[id], found[id] = v, v
	}
	return found
}

// sameBytes reports whether both are the same memory, which readers share.
func sameBytes(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

// readDocument understands as much of the document of a job as serving it needs.
func readDocument(id string, document []byte) (view, bool) {
	var told struct {
		ID      string    `json:"id"`
		State   string    `json:"state"`
		Done    bool      `json:"done"`
		Attempt int       `json:"attempt"`
		Updated time.Time `json:"updated_at"`
	}
	if json.Unmarshal(document, &told) != nil || told.ID != id {
		return view{}, false // not ours, whatever it is
	}
	running := told.State == string(job.Running)
	// Of a job that waits, again or still, the row knows more: its place, and whether it
	// was cancelled meanwhile.
	return view{
		body: document, tag: tagOf(document), known: true, done: told.Done, attempt: told.Attempt,
		running: running, updated: told.Updated,
	}, running || told.Done
}

// fromRow returns what is known without a document of now: what the row says, or for a
// job that runs what its runner wrote last, while that is young enough to be believed.
// memcached may have been flushed, or not have answered in time.
func (b *board) fromRow(ctx context.Context, id string) (view, error) {
	v, err := b.lookAtRow(ctx, id)
	if err == nil && !v.known {
		return v, nil
	}
	b.mu.RLock()
	told, row := b.told[id], b.rows[id]
	b.mu.RUnlock()
	told.known = told.known && (told.done || told.fresh(time.Now()))
	if err != nil {
		return unread(told, row, err)
	}
	if told.known && (told.running && told.attempt == v.attempt && v.live || told.ahead(v)) {
		return told, nil
	}
	return v, nil
}

// unread returns what is known while the row cannot be read: what its runner wrote last, if
// the row was read before and said nothing newer, or an end, which stays.
func unread(told, row view, err error) (view, error) {
	switch {
	case told.known && row.known && !row.ahead(told):
		return told, nil
	case row.done:
		return row, nil
	}
	return view{}, err
}

// met notes that there is such a job, which makes documents of it believed without a look
// at its row.
func (b *board) met(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.rows[id]; !ok {
		b.rows[id] = view{known: true}
	}
}

// lookAtRow returns what the row says, at most a second old, and looked at after whatever
// was heard that is newer.
func (b *board) lookAtRow(ctx context.Context, id string) (view, error) {
	b.mu.RLock()
	v, ok := b.rows[id]
	ok = ok && !b.told[id].ahead(v)
	b.mu.RUnlock()
	if ok && time.Since(v.read) < rowAge {
		return v, nil
	}
	// The look-up outlives the request that began it: others wait for it too.
	result, err, _ := b.flight.Do(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUp)
		defer cancel()
		v, err := b.row(ctx, id)
		if err != nil {
			return view{}, err
		}
		v.read = time.Now()
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.rows) >= forgetful {
			clear(b.rows)
		}
		b.rows[id] = v
		return v, nil
	})
	return result.(view), err
}

// changed forgets what is known of a job, after a call that changed its row.
func (b *board) changed(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rows, id)
}

// deleted makes the job unknown at once, although its runner still writes.
func (b *board) deleted(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(b.ended, func(_ string, until time.Time) bool { return now.After(until) })
	b.ended[id] = now.Add(2 * progress.TTL)
	delete(b.rows, id)
	delete(b.told, id)
}

// statusFromRow makes the status of a job of which no runner tells.
func (s *Server) statusFromRow(ctx context.Context, id string) (view, error) {
	j, err := s.Jobs.Find(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return view{}, nil
	}
	if err != nil {
		return view{}, err
	}
	status, err := s.rowStatus(ctx, j)
	if err != nil {
		return view{}, err
	}
	body, err := json.Marshal(status)
	if err != nil {
		return view{}, err
	}
	return view{
		body: body, tag: tagOf(body), known: true, done: status.Done, live: j.State == job.Running,
		attempt: status.Attempt, updated: status.UpdatedAt,
	}, nil
}

// rowStatus is the status as far as the row knows it. Its percent is never a guess.
func (s *Server) rowStatus(ctx context.Context, j job.Job) (client.Status, error) {
	status := client.Status{
		ID: j.ID, State: string(j.State), Done: j.State.Ended(), Attempt: j.Attempt,
		UpdatedAt: lastChange(j), Error: jobError(j),
	}
	switch j.State {
	case job.Succeeded:
		status.Percent = new(100.0)
	case job.Queued:
		if err := s.tellWait(ctx, j, &status); err != nil {
			return status, err
		}
	}
	if j.State.Ended() {
		return status, nil
	}
	usual, known, err := s.Jobs.Usual(ctx, j.Recipe, inputBytes(j))
	if err != nil {
		return status, err
	}
	if known {
		status.ETASeconds = remaining(j, usual)
	}
	return status, nil
}

// tellWait says where in the line a queued job is, and whether the line stands.
func (s *Server) tellWait(ctx context.Context, j job.Job, status *client.Status) error {
	position, known, err := s.Jobs.Position(ctx, j.ID)
	if err != nil {
		return err
	}
	if known {
		status.QueuePosition = &position
	}
	paused, err := s.Queues.Paused(ctx, j.Queue)
	if paused {
		status.Message = "The administrator has paused the queue " + j.Queue + "; the job starts some time after it is resumed."
	}
	if err != nil || paused {
		return err
	}
	halted, err := s.Roster.Halted(ctx)
	if halted {
		status.Message = "The administrator lets no job start at the moment; this one starts some time after that is over."
	}
	return err
}

// remaining is the usual time less the time it has run; null once it is longer.
func remaining(j job.Job, usual float64) *float64 {
	if j.State != job.Running {
		return new(round(usual))
	}
	if j.StartedAt == nil {
		return nil
	}
	left := usual - time.Since(*j.StartedAt).Seconds()
	if left <= 0 {
		return nil
	}
	return new(round(left))
}

func round(seconds float64) float64 { return float64(int64(seconds + 0.5)) }

func inputBytes(j job.Job) int64 {
	sum := int64(0)
	for _, in := range j.Inputs {
		sum += in.Size
	}
	return sum
}

func lastChange(j job.Job) time.Time {
	last := j.CreatedAt
	for _, t := range []*time.Time{j.StartedAt, j.EndedAt} {
		if t != nil && t.After(last) {
			last = *t
		}
	}
	return last.UTC()
}

// getStatus serves the small document for polling.
func (s *Server) getStatus(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	id := p.ByName("id")
	if !isID(id) {
		return noSuchJob
	}
	v, err := s.board.get(r.Context(), id)
	if err != nil {
		return err
	}
	if !v.known {
		return noSuchJob
	}
	serveTagged(w, r, v.body, v.tag)
	return nil
}

// isID reports whether s has the form of an id; what has not is never asked for.
func isID(s string) bool {
	if len(s) != idLength {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return true
}

// idLength is the length of crypto/rand.Text.
const idLength = 26
