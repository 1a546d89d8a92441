package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"convertd/runner/track"
)

const (
	// headSize is how much of a file detection looks at.
	headSize = 64 << 10
	// maxLine bounds the memory of one line: no format has longer ones where a reader
	// works by lines.
	maxLine = 4 << 20
)

// Source is the file being read: decoded to UTF-8, with LF line ends, counting lines
// for messages and bytes for progress.
//
// Readers take it either by lines (Line) or by pieces (Window and Advance).
type Source struct {
	// Width and Height are the frame size given by the person; 0 if none was. Given
	// values win over those in the file.
	Width, Height int
	// CountsFromOne is set by readers of formats of which only some files count frames
	// from 1: this one did, so that its frame 1 became frame 0.
	CountsFromOne bool

	// statedWidth and statedHeight are the frame size in the file, as far as it was read.
	statedWidth, statedHeight int

	decoder decoder
	buf     []byte // decoded text; buf[pos:end] is not consumed yet
	pos     int
	end     int

	line      int    // number of the line that pos or current stands in, from 1
	lineStart int    // index in buf where it starts, negative when already dropped
	current   []byte // what Line returned last
	err       error  // why reading ended; io.EOF at the end of the file

	ctx    context.Context // of the Read call in progress, looked at once per piece
	format string          // id of the reader, for errors
}

// NewSource prepares r for reading. progress may be nil; it is called after every piece
// of at most 64 KiB with the number of bytes taken from r so far.
func NewSource(r io.Reader, progress func(bytesRead int64)) *Source {
	if progress == nil {
		progress = func(int64) {}
	}
	return &Source{decoder: decoder{r: r, progress: progress}, line: 1, ctx: context.Background()}
}

// Head returns the first bytes of the file (up to 64 KiB, decoded) without consuming
// them. It has to be called before the first read. An empty head means an empty file.
func (s *Source) Head() ([]byte, error) {
	for s.end-s.pos < headSize && s.fill() {
	}
	if s.err != nil && s.err != io.EOF {
		return nil, s.readError()
	}
	return s.buf[s.pos:min(s.end, s.pos+headSize)], nil
}

// Line returns the next line without its end. The bytes are valid until the next call.
// ok is false at the end of the file and after an error (see Err).
func (s *Source) Line() (line []byte, ok bool) {
	if s.current != nil {
		s.line++
	}
	searched := 0
	for {
		if i := bytes.IndexByte(s.buf[s.pos+searched:s.end], '\n'); i >= 0 {
			return s.take(searched+i, 1), true
		}
		searched = s.end - s.pos
		if searched > maxLine {
			s.err = s.Fail("this line is longer than 4 MiB", "The file is damaged or of another kind. Export the tracks again.")
			return nil, false
		}
		if s.fill() {
			continue
		}
		if s.err != io.EOF || searched == 0 {
			s.current, s.lineStart = nil, s.pos
			return nil, false
		}
		return s.take(searched, 0), true
	}
}

// take consumes n bytes as the current line and skips the line end behind it.
func (s *Source) take(n, lineEnd int) []byte {
	s.lineStart = s.pos
	s.current = s.buf[s.pos : s.pos+n : s.pos+n]
	s.pos += n + lineEnd
	return s.current
}

// Window returns text that is not consumed yet, reading more only if there is none. It is
// empty at the end of the file and after an error (see Err). Advance says how much of
// it was used.
func (s *Source) Window() []byte {
	for s.pos == s.end && s.fill() {
	}
	return s.buf[s.pos:s.end]
}

// Advance consumes n bytes of the window.
func (s *Source) Advance(n int) {
	used := s.buf[s.pos : s.pos+n]
	if last := bytes.LastIndexByte(used, '\n'); last >= 0 {
		s.line += bytes.Count(used, []byte{'\n'})
		s.lineStart = s.pos + last + 1
	}
	s.pos += n
}

// Err returns what went wrong while reading: nil at a proper end of the file.
func (s *Source) Err() error {
	if s.err == nil || s.err == io.EOF {
		return nil
	}
	return s.readError()
}

// readError gives the cause of a broken read its place in a chain of errors.
func (s *Source) readError() error {
	var parse *track.ParseError
	if errors.As(s.err, &parse) || errors.Is(s.err, context.Canceled) || errors.Is(s.err, context.DeadlineExceeded) {
		return s.err
	}
	return fmt.Errorf("read track file: %w", s.err)
}

// begin ties the source to one Read call: whose errors it makes and who may stop it.
func (s *Source) begin(ctx context.Context, format string) {
	s.ctx, s.format = ctx, format
}

// Fail makes the error for the current line or, for readers by pieces, the current place.
func (s *Source) Fail(problem, hint string) error {
	e := &track.ParseError{Format: s.format, Line: s.line, Problem: problem, Hint: hint}
	if s.current == nil && s.lineStart >= 0 && s.lineStart <= s.pos {
		e.Column = utf8.RuneCount(s.buf[s.lineStart:s.pos]) + 1
	}
	return e
}

// failAt makes the error for a byte offset in the current line.
func (s *Source) failAt(offset int, problem, hint string) error {
	column := utf8.RuneCount(s.current[:min(offset, len(s.current))]) + 1
	return &track.ParseError{Format: s.format, Line: s.line, Column: column, Problem: problem, Hint: hint}
}

// fill reads another piece behind the unconsumed text. It reports false at the end of
// the file or after an error.
func (s *Source) fill() bool {
	if s.err != nil {
		return false
	}
	if s.err = s.ctx.Err(); s.err != nil {
		return false
	}
	s.makeRoom()
	n, err := s.decoder.decode(s.buf[s.end:])
	s.end += n
	s.err = err
	return n > 0 || err == nil
}

// makeRoom moves the unconsumed text to the front and lets the buffer grow when a piece
// would not fit behind it.
func (s *Source) makeRoom() {
	unread := s.end - s.pos
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:s.end])
		s.lineStart -= s.pos
		s.pos, s.end = 0, unread
	}
	if len(s.buf)-unread < minPiece {
		grown := make([]byte, max(2*len(s.buf), headSize+minPiece))
		copy(grown, s.buf[:unread])
		s.buf = grown
	}
}
