package runner

import (
	"bytes"
	"regexp"
	"strings"

	"convertd/runner/progress/reading"
)

// maxRead bounds what expressions are tried on, in bytes of a line.
const maxRead = 2 << 10

// stream takes what a program prints on one of its streams: it goes to the log by lines,
// and to the reading rule by pieces.
type stream struct {
	a     *attempt
	name  string
	rule  reading.Rule
	eager bool
	watch *watch
	// capture keeps the first line for a probe.
	capture  bool
	captured string

	split reading.Splitter
	// line is the last piece since the last line feed: what a terminal would show there.
	line []byte
	// moved says that something arrived since the last look.
	moved bool
}

// open makes the stream ready to be written to.
func (s *stream) open(a *attempt, name string) *stream {
	s.a, s.name = a, name
	s.split.Piece = s.piece
	_, s.eager = s.rule.(reading.Eager)
	return s
}

// write takes what was read.
func (s *stream) write(p []byte) {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	s.moved = true
	_, _ = s.split.Write(p) // never fails
	if s.eager {
		s.split.Pending()
	}
	s.a.log.flush()
}

// end takes the end of the stream.
func (s *stream) end() {
	s.a.mu.Lock()
	defer s.a.mu.Unlock()
	s.split.End()
	if len(s.line) > 0 {
		s.lineEnd()
	}
	s.a.log.flush()
}

// still shows the rule text that stands unterminated since the last look. The caller
// holds the attempt's mu.
func (s *stream) still() {
	if !s.moved {
		s.split.Pending()
	}
	s.moved = false
}

// piece takes one piece from the splitter.
func (s *stream) piece(text []byte, mark reading.Mark) {
	if s.rule != nil && len(text) > 0 {
		s.a.note(s.rule.Read(string(text[:min(len(text), maxRead)])))
	}
	if mark == reading.Open || mark == reading.Title {
		return
	}
	if len(bytes.TrimSpace(text)) > 0 {
		s.line = append(s.line[:0], text...)
	}
	if mark == reading.NewLine || mark == reading.Cut {
		s.lineEnd()
	}
}

// lineEnd logs the line.
func (s *stream) lineEnd() {
	text := strings.ToValidUTF8(string(bytes.TrimRight(s.line, " ")), "\uFFFD")
	s.line = s.line[:0]
	if s.capture && s.captured == "" {
		s.captured = strings.TrimSpace(text)
	}
	text = s.a.log.masked(text)
	s.watch.see(text)
	s.a.log.add(s.name, text)
}

// watch looks for words by which a program says that it failed although its exit status
// may not.
type watch struct {
	fail, badInput []*regexp.Regexp
	// failed and refused are the first lines that matched.
	failed, refused string
}

func newWatch(step Step) (*watch, error) {
	w := &watch{}
	for _, group := range []struct {
		into     *[]*regexp.Regexp
		patterns []string
	}{{&w.fail, step.FailIf}, {&w.badInput, step.BadInputIf}} {
		for _, pattern := range group.patterns {
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				return nil, err
			}
			*group.into = append(*group.into, compiled)
		}
	}
	return w, nil
}

func (w *watch) see(line string) {
	if w == nil {
		return
	}
	line = line[:min(len(line), maxRead)]
	if w.refused == "" && matchesAny(w.badInput, line) {
		w.refused = line
	}
	if w.failed == "" && matchesAny(w.fail, line) {
		w.failed = line
	}
}

func matchesAny(patterns []*regexp.Regexp, line string) bool {
	for _, p := range patterns {
		if p.MatchString(line) {
			return true
		}
	}
	return false
}

// lineReader cuts what arrives on the progress descriptor into lines of bounded length.
type lineReader struct {
	take func(line []byte)
	rest []byte
}

func (l *lineReader) write(p []byte) {
	for len(p) > 0 {
		line, after, found := bytes.Cut(p, []byte{'\n'})
		l.rest = append(l.rest, line[:min(len(line), maxRead-len(l.rest))]...)
		if !found {
			return
		}
		l.end()
		p = after
	}
}

func (l *lineReader) end() {
	if len(l.rest) > 0 {
		l.take(l.rest)
	}
	l.rest = l.rest[:0]
}

// oneLine makes text fit for one line of the log.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}
