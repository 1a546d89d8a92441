package shake

import (
	"bytes"

	"convertd/runner/track"
)

// Handler is told what a script holds, in the order of the script.
type Handler interface {
	// TimeRange is the first frame of the script.
	TimeRange(first int)
	// DefaultSize is the width or, with width 0, the height the script sets.
	DefaultSize(width, height int)
	// Track is a position animated in x and y: node is the variable the node was
	// assigned to. correlation is empty where there is none. The curves are valid during
	// the call only.
	Track(node, name string, x, y, correlation Curve) error
}

// Read goes through a script. It returns *SyntaxError, with the input standing at the
// place, or an error of the handler.
func Read(in Input, h Handler) error {
	s := &script{lexer: lexer{in: in}, h: h}
	err := s.statements()
	s.sync()
	return err
}

// script reads the statements of a script.
type script struct {
	lexer
	h Handler

	depth    int
	last     []byte // the name read last
	assigned string // the variable whose value is being read, else empty

	x, y, correlation, spare Curve
}

// statements reads the top level: assignments and calls.
func (s *script) statements() error {
	for {
		var err error
		switch s.next() {
		case endOfFile:
			return nil
		case name:
			s.last = append(s.last[:0], s.text...)
		case '=':
			err = s.assignment()
		case '(':
			s.depth++
			_, err = s.call(&s.spare)
			s.depth--
			s.last = s.last[:0]
		case '{':
			err = s.skipBraces()
		}
		if err != nil {
			return err
		}
	}
}

// assignment reads the value of the variable named last. A script without semicolons is
// understood too: the next = ends a value.
func (s *script) assignment() error {
	for {
		s.assigned = string(s.last)
		_, end, err := s.expression(&s.spare)
		s.assigned = ""
		if err != nil || end != '=' {
			return err
		}
	}
}

// call reads the arguments of a call of what is named last, and acts on the calls that
// matter.
func (s *script) call(into *Curve) (isCurve bool, err error) {
	switch string(bytes.ToLower(s.last)) {
	case "linear", "nspline", "jspline", "cspline", "hermite":
		return true, s.curve(into)
	case "tracker":
		return false, s.tracker()
	case "stabilize", "matchmove":
		return false, s.fourPoints()
	case "settimerange":
		return false, s.timeRange()
	case "setdefaultwidth":
		return false, s.defaultSide(true)
	case "setdefaultheight":
		return false, s.defaultSide(false)
	}
	return false, s.arguments()
}

// timeRange reads SetTimeRange("-5-15").
func (s *script) timeRange() error {
	v, end, err := s.expression(&s.spare)
	if err != nil {
		return err
	}
	if v.kind == aText {
		digits := 0
		for digits < len(v.text) && (isDigit(v.text[digits]) || (digits == 0 && v.text[0] == '-')) {
			digits++
		}
		if first, ok := track.ParseFrame([]byte(v.text[:digits])); ok {
			s.h.TimeRange(first)
		}
	}
	return s.rest(end)
}

// defaultSide reads SetDefaultWidth(1920) or SetDefaultHeight(1080).
func (s *script) defaultSide(isWidth bool) error {
	v, end, err := s.expression(&s.spare)
	if err != nil {
		return err
	}
	if v.kind == aNumber && v.number >= 1 && v.number <= track.MaxFrame {
		if isWidth {
			s.h.DefaultSize(int(v.number), 0)
		} else {
			s.h.DefaultSize(0, int(v.number))
		}
	}
	return s.rest(end)
}

// rest reads the arguments behind one that ended with end.
func (s *script) rest(end token) error {
	if end == ')' {
		return nil
	}
	return s.arguments()
}

// tracker reads the arguments of a Tracker node. Ten settings come first, in newer
// scripts six more that start with the version; then for each track its name, curves for
// x, y and correlation, and twelve settings none of which is a string.
func (s *script) tracker() error {
	const settings = 10
	node := s.assigned
	t := trackArguments{since: -1}
	for argument := 0; ; argument++ {
		v, end, err := s.expression(s.curveFor(t.since))
		if err != nil {
			return err
		}
		if v.kind == aText && argument >= settings && !isVersion(v.text, argument) {
			if err := s.emit(node, &t); err != nil {
				return err
			}
			t = trackArguments{name: v.text, since: 0}
		} else if t.since >= 0 {
			t.take(v.kind == aCurve)
		}
		if end == ')' {
			return s.emit(node, &t)
		}
	}
}

// isVersion reports whether the argument behind the settings is the version of the node.
func isVersion(text string, argument int) bool {
	return argument == 10 && len(text) > 1 && text[0] == 'v' && isDigit(text[1])
}

// trackArguments is what is known of a track of a Tracker node.
type trackArguments struct {
	name    string
	since   int // arguments behind the name, -1 without a name
	x, y, c bool
}

// take notes the next argument behind the name.
func (t *trackArguments) take(isCurve bool) {
	switch t.since {
	case 0:
		t.x = isCurve
	case 1:
		t.y = isCurve
	case 2:
		t.c = isCurve
	}
	t.since++
}

// curveFor returns where the curve of an argument belongs that comes so many arguments
// behind the name of a track.
func (s *script) curveFor(since int) *Curve {
	switch since {
	case 0:
		return &s.x
	case 1:
		return &s.y
	case 2:
		return &s.correlation
	}
	return &s.spare
}

// emit hands on a track that is animated in x and y.
func (s *script) emit(node string, t *trackArguments) error {
	if node == "" || !t.x || !t.y {
		return nil
	}
	correlation := s.correlation
	if !t.c {
		correlation = nil
	}
	return s.h.Track(node, t.name, s.x, s.y, correlation)
}

// fourPoints reads the arguments of Stabilize and MatchMove: four settings, then x and y
// of four points, the first two of which have two more arguments each.
func (s *script) fourPoints() error {
	node := s.assigned
	xIsCurve := false
	for argument := 0; ; argument++ {
		point, axis := fourPointArgument(argument)
		v, end, err := s.expression(s.curveFor(axis))
		if err != nil {
			return err
		}
		isCurve := v.kind == aCurve
		if axis == 1 && node != "" && xIsCurve && isCurve {
			name := "track" + string(rune('0'+point))
			if err := s.h.Track(node, name, s.x, s.y, nil); err != nil {
				return err
			}
		}
		if axis == 0 {
			xIsCurve = isCurve
		}
		if end == ')' {
			return nil
		}
	}
}

// fourPointArgument says which point an argument of Stabilize or MatchMove belongs to,
// and whether it is x (0), y (1) or neither (-1).
func fourPointArgument(argument int) (point, axis int) {
	switch argument {
	case 4, 5:
		return 1, argument - 4
	case 8, 9:
		return 2, argument - 8
	case 12, 13:
		return 3, argument - 12
	case 14, 15:
		return 4, argument - 14
	}
	return 0, -1
}
