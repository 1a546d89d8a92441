package runner

import (
	"bytes"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// Streams of the log: what a step printed, and what the runner itself has to say.
const (
	streamOut = "out"
	streamErr = "err"
	streamRun = "run"
)

// Limits of the log beside its size.
const (
	logKeep   = 200             // lines kept for explanations and mail
	logLine   = 500             // bytes of each of those lines
	tailEvery = 5 * time.Second // how often the tail is written while it grows
)

// logbook writes what steps print: lines "RFC3339 STREAM TEXT", the first half of the
// limit in the log file, then a marker there, and the last half in the tail file, which
// exists only then.
type logbook struct {
	file     *os.File
	openTail func() (*os.File, error)
	half     int
	head     int // bytes in the file
	buffer   []byte
	// now is when what is added arrived, stamp how a line says it: asked once for all that
	// is added before a flush. To ask the clock for each line costs more than the line, most
	// of all where that is a system call.
	now   time.Time
	stamp []byte
	line  []byte // kept for its memory

	full      bool
	tail      []byte // whole lines, at most twice half
	tailFile  *os.File
	tailDirty bool
	tailSaved time.Time

	// mask hides secrets; nil hides nothing.
	mask *strings.Replacer

	recent []string // ring of what steps printed last
	next   int
}

func newLogbook(file *os.File, openTail func() (*os.File, error), limit int64) *logbook {
	return &logbook{file: file, openTail: openTail, half: int(limit / 2)}
}

// add writes one line; flush sends it on.
func (l *logbook) add(stream, text string) {
	text = l.masked(text)
	if stream != streamRun {
		l.keep(text)
	}
	l.ask()
	line := append(l.line[:0], l.stamp...)
	line = append(line, stream...)
	line = append(line, ' ')
	line = append(line, text...)
	line = append(line, '\n')
	l.line = line
	if !l.full && l.head+len(line) > l.half {
		l.turn()
	}
	if l.full {
		l.addTail(line)
		return
	}
	l.buffer = append(l.buffer, line...)
	l.head += len(line)
}

// ask asks the clock, unless that was done since the last flush.
func (l *logbook) ask() {
	if len(l.stamp) == 0 {
		l.now = time.Now()
		l.stamp = l.now.UTC().AppendFormat(l.stamp, "2006-01-02T15:04:05.000Z07:00 ")
	}
}

// masked hides what must not be told.
func (l *logbook) masked(text string) string {
	if l == nil || l.mask == nil {
		return text
	}
	return l.mask.Replace(text)
}

// addCause adds why something failed on our side, which belongs into mails as well. The
// log may not exist because the attempt never got there.
func (l *logbook) addCause(text string) {
	if l != nil {
		l.add(streamRun, text)
		l.flush()
		l.keep(l.masked(text))
	}
}

// tick saves a tail that has waited long enough.
func (l *logbook) tick() {
	if l.tailDirty && time.Since(l.tailSaved) >= tailEvery {
		l.saveTail()
	}
}

// turn ends the first half.
func (l *logbook) turn() {
	l.full = true
	l.buffer = append(l.buffer, l.stamp...)
	l.buffer = append(l.buffer, "run The log is full here; its last part is kept apart.\n"...)
	l.tailSaved = l.now
}

func (l *logbook) addTail(line []byte) {
	l.tail = append(l.tail, line...)
	l.tailDirty = true
	if len(l.tail) > 2*l.half {
		l.tail = l.tail[:copy(l.tail, l.lastHalf())]
	}
	if l.now.Sub(l.tailSaved) >= tailEvery {
		l.saveTail()
	}
}

// lastHalf is the end of the tail, from the beginning of a line.
func (l *logbook) lastHalf() []byte {
	if len(l.tail) <= l.half {
		return l.tail
	}
	rest := l.tail[len(l.tail)-l.half:]
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		return rest[end+1:]
	}
	return nil
}

// saveTail writes the tail file anew. A log that cannot be written must not end the
// job; the next write tries again.
func (l *logbook) saveTail() {
	l.tailSaved, l.tailDirty = time.Now(), false
	if l.tailFile == nil {
		file, err := l.openTail()
		if err != nil {
			return
		}
		l.tailFile = file
	}
	text := l.lastHalf()
	if n, err := l.tailFile.WriteAt(text, 0); err == nil {
		_ = l.tailFile.Truncate(int64(n))
	}
}

// flush writes what was added; see saveTail for errors.
func (l *logbook) flush() {
	l.stamp = l.stamp[:0]
	if len(l.buffer) > 0 {
		_, _ = l.file.Write(l.buffer)
		l.buffer = l.buffer[:0]
	}
}

func (l *logbook) close() {
	l.flush()
	if l.tailDirty {
		l.saveTail()
	}
	if l.tailFile != nil {
		l.tailFile.Close()
	}
	l.file.Close()
}

// keep remembers the line, cut at a character.
func (l *logbook) keep(text string) {
	if len(text) > logLine {
		cut := logLine
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	if len(l.recent) < logKeep {
		l.recent = append(l.recent, text)
		return
	}
	l.recent[l.next] = text
	l.next = (l.next + 1) % logKeep
}

// last returns the last n lines, or fewer.
func (l *logbook) last(n int) []string {
	ordered := append(append([]string(nil), l.recent[l.next:]...), l.recent[:l.next]...)
	return ordered[max(0, len(ordered)-n):]
}
