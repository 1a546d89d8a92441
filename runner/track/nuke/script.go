package nuke

import "convertd/runner/track"

// Handler is told what a script holds, in the order of the script.
type Handler interface {
	// Format is a frame size: that of the whole script (Root) or of a node.
	Format(class string, width, height int)
	// Point is an animated position of the node being read: name is the knob or, in a
	// Tracker4, the row of its table. The curves are valid during the call only.
	Point(name string, x, y Curve) error
	// EndNode closes a node with points and says its class and its name, empty if it has
	// none.
	EndNode(class, name string)
}

// Read goes through a script. It returns *SyntaxError, with the input standing at the
// place, or an error of the handler.
func Read(in Input, h Handler) error {
	s := &script{lexer: lexer{in: in}, h: h}
	err := s.commands()
	s.sync()
	return err
}

// script reads the commands of a script.
type script struct {
	lexer
	h Handler

	name     []byte  // of the node being read
	disabled [5]bool // tracks 1 to 4 of a Tracker3 that are switched off
	x, y     curveReader
	flag     curveReader
	width    int // frame size found in the node being read
	height   int
}

// commands reads the top level. Nodes inside groups stand there too.
func (s *script) commands() error {
	first := true // in the line
	var class []byte
	for {
		switch s.next() {
		case endOfFile:
			return nil
		case endOfLine:
			first, class = true, class[:0]
		case word:
			if first && len(s.text) > 0 && s.text[0] == '#' && !s.quoted {
				s.skipRest()
				class = class[:0]
				continue
			}
			class = class[:0]
			if first {
				class = append(class, s.text...)
			}
			first = false
		case opens:
			if err := s.braces(string(class)); err != nil {
				return err
			}
			first, class = false, class[:0]
		}
	}
}

// skipRest drops the rest of a comment whose first word was read.
func (s *script) skipRest() {
	if s.more() && s.win[s.pos] != '\n' {
		s.skipLine()
	}
}

// braces reads what a command has in braces: the knobs of a node of this class.
func (s *script) braces(class string) error {
	if !hasPoints(class) && !hasFormat(class) {
		return s.skipBraces()
	}
	s.name = s.name[:0]
	s.disabled = [5]bool{}
	s.width, s.height = 0, 0
	if err := s.knobs(class); err != nil {
		return err
	}
	if s.width > 0 {
		s.h.Format(class, s.width, s.height)
	}
	if hasPoints(class) {
		s.h.EndNode(class, string(s.name))
	}
	return nil
}

// knobs reads pairs of name and value up to the brace that closes the node. A line end
// behind a name means that it has no value.
func (s *script) knobs(class string) error {
	for {
		switch s.nextInList() {
		case endOfFile:
			return errCut()
		case closes:
			return nil
		case opens:
			if err := s.skipBraces(); err != nil {
				return err
			}
		case word:
			closed, err := s.knob(class, string(s.text))
			if err != nil || closed {
				return err
			}
		}
	}
}

// knob reads the value of a knob. closed says that the node ended instead.
func (s *script) knob(class, name string) (closed bool, err error) {
	switch s.next() {
	case endOfFile:
		return false, errCut()
	case closes:
		return true, nil
	case word:
		s.wordKnob(class, name)
	case opens:
		return false, s.listKnob(class, name)
	}
	return false, nil
}

// wordKnob takes a knob whose value is one word.
func (s *script) wordKnob(class, name string) {
	switch {
	case name == "name":
		s.name = append(s.name[:0], s.text...)
	case name == "format" && hasFormat(class):
		s.format(s.text)
	case class == "Tracker3" && len(name) == len("enable1") && name[:6] == "enable":
		if n := int(name[6] - '0'); n >= 1 && n <= 4 {
			s.disabled[n] = string(s.text) == "false" || string(s.text) == "0"
		}
	}
}

// listKnob takes a knob whose value stands in braces.
func (s *script) listKnob(class, name string) error {
	switch {
	case name == "name":
		text, err := s.joined()
		s.name = append(s.name[:0], text...)
		return err
	case name == "format" && hasFormat(class):
		text, err := s.joined()
		s.format([]byte(text))
		return err
	case class == "Tracker4" && name == "tracks":
		return s.table()
	case isPoint(class, name) && !s.switchedOff(class, name):
		return s.point(name)
	}
	return s.skipBraces()
}

// switchedOff reports whether a track of a Tracker3 is disabled.
func (s *script) switchedOff(class, knob string) bool {
	return class == "Tracker3" && s.disabled[knob[len(knob)-1]-'0']
}

// joined returns the words of a list with a blank between them.
func (s *script) joined() (string, error) {
	var text []byte
	for {
		switch s.nextInList() {
		case endOfFile:
			return "", errCut()
		case closes:
			return string(text), nil
		case opens:
			if err := s.skipBraces(); err != nil {
				return "", err
			}
		case word:
			if len(text) > 0 {
				text = append(text, ' ')
			}
			if len(text) < maxText {
				text = append(text, s.text...)
			}
		}
	}
}

// format notes the frame size from a value like "1920 1080 0 0 1920 1080 1 HD".
func (s *script) format(value []byte) {
	sides := [2]int{}
	for i := range sides {
		for len(value) > 0 && value[0] == ' ' {
			value = value[1:]
		}
		n := 0
		for n < len(value) && value[n] != ' ' {
			n++
		}
		side, ok := track.ParseFrame(value[:n])
		if !ok || side <= 0 {
			return
		}
		sides[i], value = side, value[n:]
	}
	s.width, s.height = sides[0], sides[1]
}

// hasFormat reports whether nodes of this class make pictures of a size of their own.
func hasFormat(class string) bool {
	switch class {
	case "Root", "Read", "Constant", "Reformat", "CheckerBoard2", "ColorBars", "ColorWheel", "Crop":
		return true
	}
	return false
}

// hasPoints reports whether nodes of this class can hold tracks.
func hasPoints(class string) bool {
	switch class {
	case "Tracker3", "Tracker4", "Reconcile3D", "PlanarTracker", "PlanarTracker1_0", "CornerPin2D", "Transform":
		return true
	}
	return false
}

// isPoint reports whether a knob of a class is a position in the picture.
func isPoint(class, knob string) bool {
	switch class {
	case "Tracker3":
		return knob == "track1" || knob == "track2" || knob == "track3" || knob == "track4"
	case "CornerPin2D":
		return knob == "to1" || knob == "to2" || knob == "to3" || knob == "to4"
	case "Transform":
		return knob == "translate" || knob == "center"
	case "Reconcile3D":
		return knob == "output"
	case "PlanarTracker", "PlanarTracker1_0":
		return knob == "outputBottomLeft" || knob == "outputBottomRight" ||
			knob == "outputTopLeft" || knob == "outputTopRight"
	}
	return false
}
