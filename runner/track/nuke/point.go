package nuke

// point reads a knob that holds a position: a list with one curve for x and one for y. A
// knob that is not animated in both is not a track.
func (s *script) point(name string) error {
	curves := 0
	for {
		switch s.nextInList() {
		case endOfFile:
			return errCut()
		case closes:
			if curves != 2 {
				return nil
			}
			return s.h.Point(name, s.x.finished(), s.y.finished())
		case opens:
			into := &s.x
			if curves == 1 {
				into = &s.y
			} else if curves > 1 {
				into = &s.flag
			}
			isCurve, err := s.curve(into, false)
			if err != nil {
				return err
			}
			if isCurve {
				curves++
			}
		}
	}
}

// curve reads a list up to its closing brace into c if it is a curve.
func (s *script) curve(c *curveReader, allowOffset bool) (isCurve bool, err error) {
	c.reset()
	for first := true; ; first = false {
		switch s.nextInList() {
		case endOfFile:
			return false, errCut()
		case closes:
			return isCurve, nil
		case opens:
			if err := s.skipBraces(); err != nil {
				return false, err
			}
		case word:
			if first {
				isCurve = c.command(s.text, allowOffset)
			} else if isCurve && len(s.text) > 0 {
				if err := c.word(s.text); err != nil {
					return false, err
				}
			}
		}
	}
}

// table reads the tracks of a Tracker4: three lists, the third of which has the rows.
func (s *script) table() error {
	lists := 0
	for {
		switch s.nextInList() {
		case endOfFile:
			return errCut()
		case closes:
			return nil
		case opens:
			lists++
			read := s.skipBraces
			if lists == 3 {
				read = s.rows
			}
			if err := read(); err != nil {
				return err
			}
		}
	}
}

// rows reads the rows of the table of a Tracker4.
func (s *script) rows() error {
	for {
		switch s.nextInList() {
		case endOfFile:
			return errCut()
		case closes:
			return nil
		case opens:
			if err := s.row(); err != nil {
				return err
			}
		}
	}
}

// row reads one track: switch, name, x, y and columns of no interest.
func (s *script) row() error {
	r := row{}
	for column := 1; ; column++ {
		var err error
		switch s.nextInList() {
		case endOfFile:
			return errCut()
		case closes:
			if r.off || !r.x || !r.y {
				return nil
			}
			return s.h.Point(r.name, s.x.finished(), s.y.finished())
		case word:
			s.wordCell(&r, column)
		case opens:
			err = s.listCell(&r, column)
		}
		if err != nil {
			return err
		}
	}
}

// row is what is known of the row being read.
type row struct {
	name string
	off  bool // never enabled
	x, y bool // animated
}

// wordCell takes a cell that is one word.
func (s *script) wordCell(r *row, column int) {
	switch column {
	case 1:
		r.off = string(s.text) == "0" || string(s.text) == "false"
	case 2:
		r.name = string(s.text)
	}
}

// listCell takes a cell in braces.
func (s *script) listCell(r *row, column int) (err error) {
	switch column {
	case 1:
		var isCurve bool
		isCurve, err = s.curve(&s.flag, true)
		r.off = isCurve && s.flag.keys.never()
	case 2:
		r.name, err = s.joined()
	case 3:
		r.x, err = s.curve(&s.x, true)
	case 4:
		r.y, err = s.curve(&s.y, true)
	default:
		err = s.skipBraces()
	}
	return err
}
