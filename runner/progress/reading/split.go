package reading

import "unicode/utf8"

// Mark is what ended a piece of output.
type Mark int

const (
	// Open: nothing yet; the piece has stood unterminated for a while.
	Open Mark = iota
	// NewLine is a line feed.
	NewLine
	// Return is a carriage return: what follows overwrites the piece.
	Return
	// Back is a run of backspaces, which overwrites as well.
	Back
	// Title is the end of a terminal code that sets the window's title to the piece.
	Title
	// Cut: the piece was too long; the next one goes on with it.
	Cut
	// EndOfOutput is the end of the stream.
	EndOfOutput
)

// maxPiece bounds what is kept of text that no mark ends, in bytes.
const maxPiece = 8 << 10

// Splitter cuts a stream into pieces of plain text: at line feeds, carriage returns and
// runs of backspaces. Terminal codes (ECMA-48: CSI, OSC, other strings and two-character
// codes) and control characters other than tab are taken out. Its memory is bounded
// whatever the stream contains.
type Splitter struct {
	// Piece takes each piece; the text is valid only during the call. An empty piece is
	// delivered for NewLine only.
	Piece func(text []byte, mark Mark)

	text  []byte
	code  []byte // the string of an OSC code
	state state
}

// state is where in a terminal code the stream stands.
type state int

const (
	plain state = iota
	escape
	control      // CSI: parameters up to a final byte
	title        // OSC: a string up to BEL or ST
	titleEscape  // ESC within OSC
	ignore       // DCS, SOS, PM, APC: a string up to ST
	ignoreEscape // ESC within one of these
	charset      // ESC ( and the like: one more character
)

// Write feeds the stream; it keeps nothing of p and never fails.
func (s *Splitter) Write(p []byte) (int, error) {
	for i := 0; i < len(p); {
		if s.state == plain {
			if n := printable(p[i:]); n > 0 {
				s.add(p[i : i+n])
				i += n
				continue
			}
		}
		s.step(p[i])
		i++
	}
	return len(p), nil
}

// printable counts the leading bytes that are text.
func printable(p []byte) int {
	for i, c := range p {
		if c < ' ' && c != '\t' || c == 0x7f {
			return i
		}
	}
	return len(p)
}

func (s *Splitter) add(text []byte) {
	for len(text) > 0 {
		room := maxPiece - len(s.text)
		if room <= 0 {
			s.emitWhole()
			continue
		}
		n := min(room, len(text))
		s.text = append(s.text, text[:n]...)
		text = text[n:]
	}
}

// emitWhole delivers a piece that is too long, without cutting a character in two.
func (s *Splitter) emitWhole() {
	rest := partial(s.text)
	keep := len(s.text) - rest
	s.Piece(s.text[:keep], Cut)
	s.text = s.text[:copy(s.text, s.text[keep:])]
}

// partial counts the bytes of an incomplete character at the end of the text.
func partial(text []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(text)); n++ {
		if c := text[len(text)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// step takes one byte that is not text, or stands inside a terminal code.
func (s *Splitter) step(c byte) {
	switch s.state {
	case plain:
		s.mark(c)
	case escape:
		s.state = afterEscape(c)
		s.code = s.code[:0]
	case control:
		if c >= 0x40 && c <= 0x7e || c == 0x1b || c == '\n' {
			s.leave(c)
		}
	case title:
		s.titleByte(c)
	case ignore:
		if c == 0x1b {
			s.state = ignoreEscape
		} else if c == 0x07 || c == '\n' {
			s.leave(c)
		}
	case titleEscape:
		s.endTitle()
		s.leave(c)
	case ignoreEscape, charset:
		s.leave(c)
	}
}

// leave ends a code at its last byte; bytes that no code contains begin something new.
func (s *Splitter) leave(c byte) {
	s.state = plain
	if c == 0x1b || c == '\n' {
		s.mark(c)
	}
}

func afterEscape(c byte) state {
	switch c {
	case '[':
		return control
	case ']':
		return title
	case 'P', 'X', '^', '_':
		return ignore
	case '(', ')', '*', '+', '#', '%', ' ':
		return charset
	case 0x1b:
		return escape
	}
	return plain
}

func (s *Splitter) titleByte(c byte) {
	switch {
	case c == 0x07:
		s.endTitle()
		s.state = plain
	case c == 0x1b:
		s.state = titleEscape
	case c == '\n':
		s.leave(c) // a string that was never ended must not swallow the output
	case len(s.code) < maxMessage:
		s.code = append(s.code, c)
	}
}

// endTitle delivers the title of OSC 0 and OSC 2 ("0;TEXT").
func (s *Splitter) endTitle() {
	if len(s.code) > 2 && (s.code[0] == '0' || s.code[0] == '2') && s.code[1] == ';' {
		s.Piece(s.code[2:], Title)
	}
}

// mark acts on a control character outside of codes.
func (s *Splitter) mark(c byte) {
	switch c {
	case '\n':
		s.emit(NewLine)
	case '\r':
		s.emit(Return)
	case '\b':
		s.emit(Back)
	case 0x1b:
		s.state = escape
	}
}

func (s *Splitter) emit(mark Mark) {
	if len(s.text) > 0 || mark == NewLine {
		s.Piece(s.text, mark)
	}
	s.text = s.text[:0]
}

// Pending delivers text that no mark has ended yet, and keeps it.
func (s *Splitter) Pending() {
	if len(s.text) > 0 {
		s.Piece(s.text, Open)
	}
}

// End delivers what is left at the end of the stream.
func (s *Splitter) End() { s.emit(EndOfOutput) }
