// Package nuke owns the understanding of Nuke scripts: the words of the language they
// are written in (Tcl), their nodes, and the animation curves in the nodes' knobs.
//
// It does not own what becomes of the points it finds: importer turns them into
// trackers. It may import the standard library and runner/track.
package nuke

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

// token is a kind of thing the lexer finds.
type token int

const (
	endOfFile token = iota
	endOfLine
	word   // bare or quoted; see lexer.text
	opens  // {
	closes // }
)

// maxText is how much of a quoted string is kept: no name is longer, and the large
// strings in scripts are the private data of nodes.
const maxText = 4 << 10

// lexer splits a script into tokens. Quotes and braces have a meaning only where a word
// starts, a backslash takes the meaning of the character behind it, and an apostrophe
// is a letter like any other: the rules of Tcl.
type lexer struct {
	in  Input
	win []byte // the window of in; win[:pos] is used but not consumed
	pos int

	text    []byte // of the last word, valid until the next call
	quoted  bool   // the last word stood in quotes
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
		switch c := l.win[l.pos]; {
		case c == '\n':
			l.pos++
			return endOfLine
		case c <= ' ':
			l.pos++
		case c == '{':
			l.pos++
			return opens
		case c == '}':
			l.pos++
			return closes
		case c == '"':
			l.pos++
			l.string()
			return word
		default:
			l.bare()
			return word
		}
	}
	return endOfFile
}

// nextInList returns the next token where line ends are blanks.
func (l *lexer) nextInList() token {
	for {
		if t := l.next(); t != endOfLine {
			return t
		}
	}
}

// bare reads a word without quotes.
func (l *lexer) bare() {
	l.quoted = false
	for i := l.pos; i < len(l.win); i++ {
		c := l.win[i]
		if c <= ' ' || c == '{' || c == '}' {
			l.text = l.win[l.pos:i]
			l.pos = i
			return
		}
		if c == '\\' {
			break
		}
	}
	l.bareInPieces()
}

// bareInPieces reads a word that has a backslash or goes beyond the window.
func (l *lexer) bareInPieces() {
	l.scratch = l.scratch[:0]
	for l.more() {
		c := l.win[l.pos]
		if c <= ' ' || c == '{' || c == '}' {
			break
		}
		l.pos++
		if c == '\\' && l.more() {
			c = l.win[l.pos]
			l.pos++
		}
		l.keep(c)
	}
	l.text = l.scratch
}

// string reads a word up to its closing quote; at the end of the file what there is.
func (l *lexer) string() {
	l.quoted = true
	l.scratch = l.scratch[:0]
	for l.more() {
		c := l.win[l.pos]
		l.pos++
		if c == '"' {
			break
		}
		if c == '\\' && l.more() {
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

// skipLine drops the rest of a comment.
func (l *lexer) skipLine() {
	for l.more() {
		c := l.win[l.pos]
		l.pos++
		if c == '\n' {
			return
		}
		if c == '\\' && l.more() {
			l.pos++
		}
	}
}

// skipBraces drops everything up to the brace that closes one already opened. It counts
// braces only, as Tcl does: quotes in there may be anything.
func (l *lexer) skipBraces() error {
	for depth := 1; l.more(); {
		c := l.win[l.pos]
		l.pos++
		switch c {
		case '\\':
			if l.more() {
				l.pos++
			}
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return nil
			}
		}
	}
	return errCut()
}

// errCut is the error for a script that ends within braces.
func errCut() error {
	return &SyntaxError{Problem: "the script ends before a closing brace"}
}
