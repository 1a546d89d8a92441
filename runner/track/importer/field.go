package importer

import (
	"math"

	"convertd/runner/track"
)

const (
	// hintDamaged is what to do about values no program writes.
	hintDamaged = "The file is damaged or of another kind. Export the tracks again, or choose the right format."
	// hintTruncated is what to do about a file that ends too early.
	hintTruncated = "The file is incomplete. Copy or export it again."
)

// fields walks over the words of a line.
type fields struct {
	in    *Source
	line  []byte
	pos   int
	start int // of the word returned last
}

// words returns the fields of the current line.
func (s *Source) words(line []byte) fields {
	return fields{in: s, line: line}
}

// next returns the next word; it is empty at the end of the line.
func (f *fields) next() []byte {
	for f.pos < len(f.line) && isBlank(f.line[f.pos]) {
		f.pos++
	}
	f.start = f.pos
	for f.pos < len(f.line) && !isBlank(f.line[f.pos]) {
		f.pos++
	}
	return f.line[f.start:f.pos]
}

// float reads the next word as a number; what names it in the error.
func (f *fields) float(what string) (float64, error) {
	return f.in.float(f.next(), f.start, what)
}

// frame reads the next word as a frame number.
func (f *fields) frame() (int, error) {
	return f.in.frame(f.next(), f.start)
}

// float reads a number that stands at an offset of the current line.
func (s *Source) float(word []byte, offset int, what string) (float64, error) {
	v, ok := track.ParseFloat(word)
	switch {
	case len(word) == 0:
		return 0, s.failAt(offset, what+" is missing", hintTruncated)
	case !ok:
		return 0, s.failAt(offset, what+" is "+quote(word)+", which is not a number", hintDamaged)
	case math.Abs(v) > track.MaxCoordinate:
		return 0, s.failAt(offset, what+" is "+quote(word)+", which is too large", hintDamaged)
	}
	return v, nil
}

// frame reads a frame number that stands at an offset of the current line.
func (s *Source) frame(word []byte, offset int) (int, error) {
	v, ok := track.ParseFrame(word)
	switch {
	case ok:
		return v, nil
	case len(word) == 0:
		return 0, s.failAt(offset, "the frame number is missing", hintTruncated)
	}
	return 0, s.failAt(offset, "the frame number is "+quote(word)+", which is not a usable number", hintDamaged)
}

// quote shows a piece of the file in a message: cleaned, and cut when long.
func quote(word []byte) string {
	const most = 24
	if len(word) > most {
		return `"` + track.CleanName(word[:most]) + `…"`
	}
	return `"` + track.CleanName(word) + `"`
}

// trim returns line without blanks at both ends.
func trim(line []byte) []byte {
	for len(line) > 0 && isBlank(line[0]) {
		line = line[1:]
	}
	for len(line) > 0 && isBlank(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	return line
}

func isBlank(c byte) bool {
	return c == ' ' || (c >= '\t' && c <= '\r')
}

func isDigit(c byte) bool {
	return c >= '0' && c <= '9'
}
