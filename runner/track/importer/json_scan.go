package importer

import (
	"math"
	"unicode/utf16"
	"unicode/utf8"

	"convertd/runner/track"
)

const (
	// maxJSONDepth bounds how deep ignored values may be nested.
	maxJSONDepth = 100
	// maxJSONWord is the longest string or number that is kept; the rest of longer ones
	// is dropped.
	maxJSONWord = 64 << 10
)

// jsonScanner reads JSON value by value, without a tree in memory.
type jsonScanner struct {
	in  *Source
	win []byte // the window of in; win[:pos] is used but not consumed
	pos int

	word []byte // last string or number
}

// more makes sure that there is a byte at pos; false at the end of the file.
func (j *jsonScanner) more() bool {
	if j.pos < len(j.win) {
		return true
	}
	j.sync()
	j.win = j.in.Window()
	return len(j.win) > 0
}

// sync consumes what is used, so that errors point there.
func (j *jsonScanner) sync() {
	j.in.Advance(j.pos)
	j.win, j.pos = nil, 0
}

// fail makes the error for the place reached.
func (j *jsonScanner) fail(problem string) error {
	j.sync()
	return j.in.Fail(problem, hintDamaged)
}

// skipBlanks goes to the next character that is not blank; false at the end of the file.
func (j *jsonScanner) skipBlanks() bool {
	for j.more() {
		if !isBlank(j.win[j.pos]) {
			return true
		}
		j.pos++
	}
	return false
}

// peek returns the next character that is not blank, without using it; 0 at the end.
func (j *jsonScanner) peek() byte {
	if !j.skipBlanks() {
		return 0
	}
	return j.win[j.pos]
}

// expect uses the next character, which has to be c.
func (j *jsonScanner) expect(c byte) error {
	switch found := j.peek(); {
	case found == c:
		j.pos++
		return nil
	case found == 0 && !j.more():
		j.sync()
		return j.in.Fail("the file ends in the middle of the document", hintTruncated)
	}
	return j.fail("a " + string(rune(c)) + " should be here")
}

// object reads an object; member reads the value of each key.
func (j *jsonScanner) object(member func(key string) error) error {
	return j.list('{', '}', func() error {
		key, err := j.text()
		if err != nil {
			return err
		}
		name := jsonKey(key)
		if err := j.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// jsonKey returns a key as string, without copying those of keyframes.
func jsonKey(key []byte) string {
	switch string(key) {
	case "frame":
		return "frame"
	case "x":
		return "x"
	case "y":
		return "y"
	case "residual":
		return "residual"
	}
	return string(key)
}

// array reads an array; element reads each of its values.
func (j *jsonScanner) array(element func() error) error {
	return j.list('[', ']', element)
}

// list reads what stands between two brackets, separated by commas.
func (j *jsonScanner) list(open, shut byte, element func() error) error {
	if err := j.expect(open); err != nil {
		return err
	}
	if j.peek() == shut {
		j.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if j.peek() == shut {
			j.pos++
			return nil
		}
		if err := j.expect(','); err != nil {
			return err
		}
	}
}

// text reads a string. The bytes are valid until the next string or number.
func (j *jsonScanner) text() ([]byte, error) {
	if err := j.expect('"'); err != nil {
		return nil, err
	}
	j.word = j.word[:0]
	for j.more() {
		c := j.win[j.pos]
		j.pos++
		switch c {
		case '"':
			return j.word, nil
		case '\\':
			if err := j.escape(); err != nil {
				return nil, err
			}
		default:
			j.keep(c)
		}
	}
	return nil, j.fail("the file ends within a string")
}

// keep appends to the word unless it is too long to matter.
func (j *jsonScanner) keep(c byte) {
	if len(j.word) < maxJSONWord {
		j.word = append(j.word, c)
	}
}

// escape reads what follows a backslash in a string.
func (j *jsonScanner) escape() error {
	if !j.more() {
		return nil // text reports the end of the file
	}
	c := j.win[j.pos]
	j.pos++
	switch c {
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return j.unicode()
	case '"', '\\', '/':
	default:
		return j.fail("this backslash has no meaning in JSON")
	}
	j.keep(c)
	return nil
}

// unicode reads the four digits behind \u, and a second half if there is one.
func (j *jsonScanner) unicode() error {
	r, err := j.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		second := rune(0)
		if j.more() && j.win[j.pos] == '\\' {
			j.pos++
			if !j.more() || j.win[j.pos] != 'u' {
				return j.escape()
			}
			j.pos++
			if second, err = j.hex4(); err != nil {
				return err
			}
		}
		r = utf16.DecodeRune(r, second)
	}
	if len(j.word) < maxJSONWord {
		j.word = utf8.AppendRune(j.word, r)
	}
	return nil
}

// hex4 reads four hexadecimal digits.
func (j *jsonScanner) hex4() (r rune, err error) {
	for range 4 {
		if !j.more() {
			return 0, j.fail("the file ends within a string")
		}
		c := j.win[j.pos]
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, j.fail("four hexadecimal digits should be here")
		}
		j.pos++
	}
	return r, nil
}

// bare reads a number or one of the words true, false, null.
func (j *jsonScanner) bare() []byte {
	j.word = j.word[:0]
	for j.skipBlanks(); j.more(); j.pos++ {
		c := j.win[j.pos]
		if isBlank(c) || c == ',' || c == ']' || c == '}' || c == ':' || c == '"' || c == '{' || c == '[' {
			break
		}
		j.keep(c)
	}
	return j.word
}

// number reads a number. null is NaN.
func (j *jsonScanner) number() (float64, error) {
	word := j.bare()
	if string(word) == "null" {
		return math.NaN(), nil
	}
	v, ok := track.ParseFloat(word)
	if !ok || !(math.Abs(v) <= track.MaxCoordinate) {
		return 0, j.fail(quote(word) + " is not a usable number")
	}
	return v, nil
}

// frame reads a frame number.
func (j *jsonScanner) frame() (int, error) {
	word := j.bare()
	v, ok := track.ParseFrame(word)
	if !ok {
		return 0, j.fail(quote(word) + " is not a usable frame number")
	}
	return v, nil
}

// skip reads a value of no interest.
func (j *jsonScanner) skip(depth int) error {
	if depth > maxJSONDepth {
		return j.fail("values are nested too deeply")
	}
	switch j.peek() {
	case '{':
		return j.object(func(string) error { return j.skip(depth + 1) })
	case '[':
		return j.array(func() error { return j.skip(depth + 1) })
	case '"':
		_, err := j.text()
		return err
	}
	if len(j.bare()) == 0 {
		return j.fail("a value should be here")
	}
	return nil
}
