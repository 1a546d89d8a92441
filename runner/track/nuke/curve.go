package nuke

import (
	"math"
	"slices"

	"convertd/runner/track"
)

// Key is a value of a curve.
type Key struct {
	// Frame is the position in Nuke's own count, which may lie between two frames.
	Frame float64
	Value float64
}

// Curve is the animation of one number, in ascending order of frames.
type Curve []Key

// curveReader turns the words of a curve into keys:
//
//	curve i x4 100 101 x8 104 s0.5 105
//
// A number is a value at the current position and moves it on by the current step. xN
// sets the position, and when there is a value before it the step becomes the distance
// to that. Other words describe slopes and interpolation.
type curveReader struct {
	keys      Curve
	position  float64
	step      float64
	offset    float64 // from a command like curve+5
	unordered bool
}

// reset prepares for the next curve; the memory of the last one is used again.
func (c *curveReader) reset() {
	*c = curveReader{keys: c.keys[:0], position: 1, step: 1}
}

// command takes the first word of a list and reports whether it starts a curve. Tracker4
// allows a number behind it, as in curve+5, that is added to all values.
func (c *curveReader) command(w []byte, allowOffset bool) bool {
	const name = "curve"
	for len(w) > 0 && w[len(w)-1] == ' ' {
		w = w[:len(w)-1]
	}
	if len(w) < len(name) || string(w[:len(name)]) != name {
		return false
	}
	w = w[len(name):]
	if len(w) == 0 {
		return true
	}
	offset, ok := track.ParseFloat(w)
	if !ok || !allowOffset || (w[0] != '+' && w[0] != '-') {
		return false
	}
	c.offset = offset
	return true
}

// word takes one word of the curve.
func (c *curveReader) word(w []byte) error {
	if w[0] == 'x' {
		return c.move(w[1:])
	}
	if (w[0] < '0' || w[0] > '9') && w[0] != '-' && w[0] != '.' && w[0] != '+' && w[0] != 'n' && w[0] != 'i' {
		return nil
	}
	value, ok := track.ParseFloat(w)
	if !ok {
		return nil
	}
	if math.Abs(value) > track.MaxCoordinate {
		return &SyntaxError{Problem: "this value of a curve is too large"}
	}
	if n := len(c.keys); n > 0 && c.position <= c.keys[n-1].Frame {
		c.unordered = true
	}
	c.keys = append(c.keys, Key{Frame: c.position, Value: value + c.offset})
	c.position += c.step
	return nil
}

// move sets the position to the frame in w.
func (c *curveReader) move(w []byte) error {
	frame, ok := track.ParseFloat(w)
	if !ok {
		return nil
	}
	if !(math.Abs(frame) <= track.MaxFrame) {
		return &SyntaxError{Problem: "this frame number of a curve is too large"}
	}
	if n := len(c.keys); n > 0 {
		c.step = frame - c.keys[n-1].Frame
	}
	c.position = frame
	return nil
}

// finished returns the keys in order, the last of several at one position.
func (c *curveReader) finished() Curve {
	if !c.unordered {
		return c.keys
	}
	slices.SortStableFunc(c.keys, func(a, b Key) int {
		switch {
		case a.Frame < b.Frame:
			return -1
		case a.Frame > b.Frame:
			return 1
		}
		return 0
	})
	kept := c.keys[:1]
	for _, k := range c.keys[1:] {
		if k.Frame == kept[len(kept)-1].Frame {
			kept[len(kept)-1] = k
			continue
		}
		kept = append(kept, k)
	}
	c.keys, c.unordered = kept, false
	return kept
}

// never reports whether a curve used as a switch is off in all its keys.
func (c Curve) never() bool {
	for _, k := range c {
		if k.Value != 0 {
			return false
		}
	}
	return len(c) > 0
}
