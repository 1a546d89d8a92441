package shake

import (
	"math"
	"slices"

	"convertd/runner/track"
)

// Key is a value of a curve at a frame.
type Key struct {
	Frame int
	Value float64
}

// Curve is the animation of one number, in ascending order of frames.
type Curve []Key

// kind says what an expression turned out to be.
type kind int

const (
	other   kind = iota // anything whose value does not matter
	aNumber             // value.number
	aText               // lexer.text at the time
	aCurve              // in the curve given to expression
	aKeyed              // value.number at value.frame
	anArray             // value.number is its first element
	aName               // lexer.last
	aSign               // a minus
	nothing             // no token at all
)

// value is the meaning of an expression.
type value struct {
	kind   kind
	number float64
	frame  int
	text   string
}

// maxDepth bounds how deep expressions may be nested; people's scripts stay below 20.
const maxDepth = 127

// errCut is the error for a script that ends within an expression.
func errCut() error {
	return &SyntaxError{Problem: "the script ends in the middle of a node"}
}

// expression reads up to one of the signs , ; ) ] } = that ends it, and returns that
// sign too. Only an expression of a single item has a meaning; into receives the keys
// if that is a curve. The file may end only outside all calls.
func (s *script) expression(into *Curve) (v value, end token, err error) {
	if s.depth++; s.depth > maxDepth {
		return v, 0, &SyntaxError{Problem: "expressions are nested too deeply for a Shake script"}
	}
	v.kind = nothing
	before := token(0)
	for err == nil {
		t := s.next()
		switch t {
		case ',', ';', ')', ']', '=', '}', endOfFile:
			s.depth--
			if t == endOfFile && s.depth > 0 {
				err = errCut()
			}
			return v, t, err
		case '@':
			err = s.keyed(&v)
		case '(':
			err = s.parenthesis(&v, before == name, into)
		default:
			err = s.item(t, &v, before == '-')
		}
		before = t
	}
	return v, 0, err
}

// item adds one item to the value of an expression.
func (s *script) item(t token, v *value, negative bool) error {
	found := value{kind: other}
	var err error
	switch t {
	case '-':
		found.kind = aSign
	case number:
		if n, ok := track.ParseFloat(s.text); ok {
			found = value{kind: aNumber, number: n}
		}
	case text:
		found = value{kind: aText, text: string(s.text)}
	case name:
		found.kind = aName
		s.last = append(s.last[:0], s.text...)
	case '[':
		found, err = s.array()
	case '{':
		err = s.skipBraces()
	}
	switch {
	case v.kind == aSign && found.kind == aNumber && negative:
		found.number = -found.number
	case v.kind != nothing:
		found = value{kind: other}
	}
	*v = found
	return err
}

// parenthesis reads what follows an opening parenthesis: the arguments of a call if a
// name stands before it, else part of a formula.
func (s *script) parenthesis(v *value, called bool, into *Curve) error {
	if !called {
		*v = value{kind: other}
		return s.arguments()
	}
	alone := v.kind == aName
	if !alone {
		into = &s.spare
	}
	isCurve, err := s.call(into)
	*v = value{kind: other}
	if isCurve && alone {
		v.kind = aCurve
	}
	return err
}

// keyed reads the frame behind an @.
func (s *script) keyed(v *value) error {
	t := s.next()
	negative := t == '-'
	if negative {
		t = s.next()
	}
	if t == endOfFile {
		return errCut()
	}
	if t != number || (v.kind != aNumber && v.kind != anArray) {
		v.kind = other
		return nil
	}
	at, ok := track.ParseFloat(s.text)
	if negative {
		at = -at
	}
	at = math.Floor(at)
	if !ok || !(math.Abs(at) <= track.MaxFrame) {
		return &SyntaxError{Problem: "this frame number of a curve is too large"}
	}
	v.kind, v.frame = aKeyed, int(at)
	return nil
}

// array reads the elements of [a, b, ...] and returns the first.
func (s *script) array() (value, error) {
	first := value{kind: other}
	for n := 0; ; n++ {
		v, end, err := s.expression(&s.spare)
		if err != nil {
			return first, err
		}
		if n == 0 && v.kind == aNumber {
			first = value{kind: anArray, number: v.number}
		}
		if end != ',' {
			return first, nil
		}
	}
}

// arguments reads the arguments of a call of no interest; nodes within them count.
func (s *script) arguments() error {
	for {
		_, end, err := s.expression(&s.spare)
		if err != nil || end == ')' {
			return err
		}
	}
}

// skipBraces drops the body of a macro.
func (s *script) skipBraces() error {
	for depth := 1; depth > 0; {
		switch s.next() {
		case endOfFile:
			return errCut()
		case '{':
			depth++
		case '}':
			depth--
		}
	}
	return nil
}

// curve reads the arguments of a curve: the kind of extrapolation, then value@frame or
// [value, slopes]@frame. Keys whose value is a formula are left out.
func (s *script) curve(into *Curve) error {
	keys := (*into)[:0]
	ordered := true
	for {
		v, end, err := s.expression(&s.spare)
		if err != nil {
			return err
		}
		if v.kind == aKeyed {
			if math.Abs(v.number) > track.MaxCoordinate {
				return &SyntaxError{Problem: "this value of a curve is too large"}
			}
			ordered = ordered && (len(keys) == 0 || keys[len(keys)-1].Frame < v.frame)
			keys = append(keys, Key{Frame: v.frame, Value: v.number})
		}
		if end == ')' {
			break
		}
	}
	if !ordered {
		keys = inOrder(keys)
	}
	*into = keys
	return nil
}

// inOrder sorts keys by frame; of several in one frame the last one stays.
func inOrder(keys Curve) Curve {
	slices.SortStableFunc(keys, func(a, b Key) int { return a.Frame - b.Frame })
	kept := keys[:1]
	for _, k := range keys[1:] {
		if k.Frame == kept[len(kept)-1].Frame {
			kept[len(kept)-1] = k
			continue
		}
		kept = append(kept, k)
	}
	return kept
}
