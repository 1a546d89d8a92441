package exporter

import (
	"context"
	"io"
	"strconv"
	"time"
)

// flushSize is how much text is collected before it is written: pieces of this size keep
// the number of system calls low and the memory of many parallel writers small.
const flushSize = 128 << 10

// text collects one output and writes it in large pieces. After an error (of the
// destination or the context) everything appended is thrown away, so that writers need
// not look at errors between two lines; close reports the first one.
type text struct {
	ctx      context.Context
	w        io.Writer
	progress func(int)
	created  time.Time

	// first is the number written for frame 0 of the shot; plate says that it was given
	// by the person.
	first int
	plate bool

	buf   []byte
	count int // keyframes not yet reported
	notes []string
	err   error
}

func newText(ctx context.Context, w io.Writer, o Options) *text {
	t := &text{ctx: ctx, w: w, progress: o.Progress, created: o.Created.UTC()}
	if o.Created.IsZero() {
		t.created = time.Unix(0, 0).UTC()
	}
	if t.progress == nil {
		t.progress = func(int) {}
	}
	t.buf = make([]byte, 0, flushSize+flushSize/8)
	return t
}

// str appends s as it is.
func (t *text) str(s string) *text {
	t.buf = append(t.buf, s...)
	return t
}

// int appends a decimal integer.
func (t *text) int(n int) *text {
	t.buf = strconv.AppendInt(t.buf, int64(n), 10)
	return t
}

// frame appends the number of a frame in the counting of the output.
func (t *text) frame(f int) *text {
	return t.int(f + t.first)
}

// fixed appends v with exactly the given number of decimals, correctly rounded.
func (t *text) fixed(v float64, decimals int) *text {
	t.buf = strconv.AppendFloat(t.buf, v, 'f', decimals, 64)
	return t
}

// spill writes what was collected once it is enough. It has to be called at least once
// for every few lines.
func (t *text) spill() {
	if len(t.buf) >= flushSize {
		t.flush()
	}
}

// keyframe ends the text of one keyframe.
func (t *text) keyframe() {
	t.count++
	t.spill()
}

// note tells the person something about this output: a whole sentence.
func (t *text) note(sentence string) {
	t.notes = append(t.notes, sentence)
}

// flush writes everything collected and reports the progress.
func (t *text) flush() {
	if t.err == nil {
		t.err = t.ctx.Err()
	}
	if t.err == nil {
		_, t.err = t.w.Write(t.buf)
	}
	t.buf = t.buf[:0]
	if t.count > 0 {
		t.progress(t.count)
		t.count = 0
	}
}

// close writes the rest and returns the notes and the first error.
func (t *text) close() ([]string, error) {
	t.flush()
	return t.notes, t.err
}
