// Package track owns the model of a 2D match-move: trackers, their keyframes and the
// size of the frame they were tracked in, and the arithmetic all formats share.
//
// It does not own any file format: readers live in importer, writers in exporter,
// changes to a shot in filter, the way from file to files in pipeline.
// It may import the standard library only.
package track

import "fmt"

// Shot is what every reader produces and every writer takes.
type Shot struct {
	// Width and Height are the frame size in pixels; 0 means the file does not say.
	Width, Height int
	Trackers      []Tracker
}

// Tracker is one tracked point over time.
type Tracker struct {
	// Name has every run of white space replaced by one underscore (see CleanName).
	Name string
	// Keyframes are in strictly ascending frame order.
	Keyframes []Keyframe
}

// Keyframe is the position of a tracker in one frame.
type Keyframe struct {
	// Frame counts from 0 at the first frame of the clip; negative frames are legal.
	Frame int
	// X and Y are pixels from the lower left corner of the lower left pixel, x right,
	// y up: the centre of the first pixel is (0.5, 0.5).
	X, Y float64
	// Residual is 0 for a perfect match; where a format knows a correlation it is
	// 1 - correlation. It is not clamped.
	Residual float64
}

// ParseError says where in which format a file could not be understood.
type ParseError struct {
	// Format is the reader's id, for instance "3de4".
	Format string
	// Line and Column count from 1; 0 means not known.
	Line, Column int
	// Problem is a phrase without full stop: what is wrong there.
	Problem string
	// Hint is a whole sentence: what to do.
	Hint string
}

// Error returns the place and the problem as one sentence for a person.
func (e *ParseError) Error() string {
	switch {
	case e.Line > 0 && e.Column > 0:
		return fmt.Sprintf("%s, line %d, column %d: %s", e.Format, e.Line, e.Column, e.Problem)
	case e.Line > 0:
		return fmt.Sprintf("%s, line %d: %s", e.Format, e.Line, e.Problem)
	}
	return fmt.Sprintf("%s: %s", e.Format, e.Problem)
}
