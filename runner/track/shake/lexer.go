// Package shake owns the understanding of Shake scripts: the C-like language they are
// written in, the animation curves, and the nodes that hold tracks.
//
// It does not own what becomes of the tracks it finds: importer turns them into trackers.
// It may import the standard library and runner/track.
package shake

// Input is the text of a script, taken piece by piece.
type Input interface {
	// Window returns text not consumed yet; it is empty only at the end.
	Window() []byte
	// Advance consumes n bytes of the window.
	Advance(n int)
}

// SyntaxError says why a script cannot be understood at the place the input stands at.
type SyntaxError struct {
	// Problem is a phrase without full stop.
	Problem string
}

// Error returns the problem.
func (e *SyntaxError) Error() string { return e.Problem }

// token is a kind of thing the lexer finds. Signs are their own character.
type token int

const (
	endOfFile token = -1 - iota
	name            // a name: lexer.text
	number          // a number without sign: lexer.text
	text            // a string: lexer.text without quotes
)

// maxText is how much of a word or string is kept; no name is longer.
const maxText = 4 << 10

// lexer splits a script into tokens. Blanks, line ends and comments only separate.
type lexer struct {
	in  Input
	win []byte // the window of in; win[:pos] is used but not consumed
	pos int

	text    []byte // of the last name, number or string, valid until the next call
	scratch []byte // a word that is not in one piece in the window
}

// more makes sure that there is a byte at pos; false at the end of the file.
func (l *lexer) more() bool {
	if l.pos < len(l.win) {
		return true
	}
	l.sync()
	l.win = l.in.Window()
	return len(l.win) > 0
}

// sync consumes what is used, so that the input stands where the lexer does.
func (l *lexer) sync() {
	l.in.Advance(l.pos)
	l.win, l.pos = nil, 0
}

// next returns the next token.
func (l *lexer) next() token {
	for l.more() {
		c := l.win[l.pos]
		switch {
		case c <= ' ':
			l.pos++
		case isDigit(c) || c == '.':
			l.word(false)
			return number
		case isLetter(c):
			l.word(true)
			return name
		case c == '"':
			l.pos++
			l.string()
			return text
		case c == '/':
			l.pos++
			if !l.comment() {
				return '/'
			}
		default:
			l.pos++
			return token(c)
		}
	}
	return endOfFile
}

// word reads a name or a number.
func (l *lexer) word(isName bool) {
	for i := l.pos; i < len(l.win); i++ {
		c := l.win[i]
		if isDigit(c) || c == '.' || isLetter(c) {
			continue
		}
		if (c == '-' || c == '+') && !isName && i > l.pos && l.win[i-1]|0x20 == 'e' {
			continue
		}
		l.text = l.win[l.pos:i]
		l.pos = i
		return
	}
	l.wordInPieces(isName)
}

// wordInPieces reads a word that goes to the end of the window or beyond.
func (l *lexer) wordInPieces(isName bool) {
	l.scratch = l.scratch[:0]
	before := byte(0)
	for l.more() {
		c := l.win[l.pos]
		sign := (c == '-' || c == '+') && !isName && before|0x20 == 'e'
		if !isDigit(c) && c != '.' && !isLetter(c) && !sign {
			break
		}
		l.pos++
		l.keep(c)
		before = c
	}
	l.text = l.scratch
}

// string reads up to the closing quote; at the end of the file what there is.
func (l *lexer) string() {
	l.scratch = l.scratch[:0]
	for l.more() {
		c := l.win[l.pos]
		l.pos++
		if c == '"' {
			break
		}
		if c == '\\' && l.more() && (l.win[l.pos] == '"' || l.win[l.pos] == '\\') {
			c = l.win[l.pos]
			l.pos++
		}
		l.keep(c)
	}
	l.text = l.scratch
}

// keep appends to scratch unless the word is too long to matter.
func (l *lexer) keep(c byte) {
	if len(l.scratch) < maxText {
		l.scratch = append(l.scratch, c)
	}
}

// comment skips a comment whose first slash is read. It reports false if there is none.
func (l *lexer) comment() bool {
	if !l.more() || (l.win[l.pos] != '/' && l.win[l.pos] != '*') {
		return false
	}
	long := l.win[l.pos] == '*'
	l.pos++
	before := byte(0)
	for l.more() {
		c := l.win[l.pos]
		l.pos++
		if (long && before == '*' && c == '/') || (!long && c == '\n') {
			break
		}
		before = c
	}
	return true
}

func isDigit(c byte) bool {
	return c >= '0' && c <= '9'
}

// isLetter reports whether c can start a name.
func isLetter(c byte) bool {
	return (c|0x20 >= 'a' && c|0x20 <= 'z') || c == '_' || c >= 0x80
}
