package progress

import (
	"encoding/json"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Interval is the shortest time between two documents of one attempt.
const Interval = 100 * time.Millisecond

// Options say whose status is written and where.
type Options struct {
	Job     string
	Attempt int
	// Kind is "memcached", "lines" or "" for nowhere.
	Kind string
	// FD is the inherited connection of memcached, 0 for none, or the descriptor for
	// lines.
	FD int
	// Address is where to connect to memcached again: a path, or IP:PORT.
	Address string
	// History takes one line per change; nil for none.
	History *os.File
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Writer writes the status documents and the history of one running attempt. It never
// waits: what cannot be sent at once is dropped, and the next document says it anew.
// It is not safe for concurrent use.
type Writer struct {
	doc     Status
	send    func(document []byte) bool
	close   func()
	history history
	now     func() time.Time
	sent    time.Time
	pending bool
}

// NewWriter returns a writer; it takes over the descriptor and the history's file.
func NewWriter(o Options) *Writer {
	w := &Writer{
		doc:     Status{ID: o.Job, State: "running", Attempt: o.Attempt},
		send:    func([]byte) bool { return true },
		close:   func() {},
		history: history{file: o.History},
		now:     o.Now,
	}
	if w.now == nil {
		w.now = time.Now
	}
	switch o.Kind {
	case "memcached":
		c := newCache(Key(o.Job), o.FD, o.Address, w.now)
		w.send, w.close = c.set, c.close
	case "lines":
		w.send = lines(o.FD)
	}
	return w
}

// lines writes one document a line. A reader that does not keep up misses documents;
// a line is shorter than PIPE_BUF, so it is written whole or not at all.
func lines(fd int) func([]byte) bool {
	// Should this fail, a slow reader merely slows the attempt down.
	_ = unix.SetNonblock(fd, true)
	return func(document []byte) bool {
		_, err := unix.Write(fd, append(document, '\n'))
		return err == nil
	}
}

// Update says how far the attempt is: percent nil when not known, the title of the step
// and a message.
func (w *Writer) Update(percent *float64, step, message string) {
	if w.doc.Seq > 0 && same(w.doc.Percent, percent) && w.doc.Step == step && w.doc.Message == message {
		return
	}
	w.doc.Percent, w.doc.Step, w.doc.Message = percent, step, message
	w.doc.Seq++
	w.pending = true
	now := w.now()
	w.history.note(w.doc, now)
	if now.Sub(w.sent) >= Interval {
		w.flush(now)
	}
}

// Picture says that there is a new picture of the unfinished result.
func (w *Writer) Picture() {
	w.doc.Previews++
	w.doc.Seq++
	w.pending = true
	w.Tick()
}

// Tick sends what Update held back, and the same document again when its time to live
// needs that. It is to be called several times a second.
func (w *Writer) Tick() {
	now := w.now()
	w.history.flush(now)
	since := now.Sub(w.sent)
	if w.pending && since >= Interval || w.doc.Seq > 0 && since >= Refresh {
		w.flush(now)
	}
}

// Close sends the last document and closes everything.
func (w *Writer) Close() {
	if w.pending {
		w.flush(w.now())
	}
	w.history.close()
	w.close()
}

func (w *Writer) flush(now time.Time) {
	w.doc.UpdatedAt = now.UTC()
	document, err := json.Marshal(w.doc)
	if err != nil {
		return // a Status of valid numbers and texts always has a JSON form
	}
	w.sent = now
	w.pending = !w.send(document)
}

func same(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
