package filter

import (
	"fmt"
	"math"

	"convertd/runner/fault"
	"convertd/runner/track"
)

// maxSide is the largest frame side a tool may produce.
const maxSide = 1 << 24

// crop cuts pixels off the edges of the frame; negative values add. Points outside are
// kept. It works in whole pixels, so that no rounding adds one.
func crop() Tool {
	return Tool{
		Name:      "crop",
		Summary:   "Cuts pixels off the top, left, right and bottom of the frame.",
		Arguments: edges("pixels", Integer),
		NeedsSize: true,
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			top, left, right, bottom := a.numbers[0], a.numbers[1], a.numbers[2], a.numbers[3]
			out, err := resized("crop", shot, float64(shot.Width)-left-right, float64(shot.Height)-top-bottom)
			if err != nil {
				return track.Shot{}, err
			}
			return moved(out, -left, -bottom), nil
		},
	}
}

// pad adds to the edges of the frame, in fractions of its size; negative values cut.
// Points outside are kept, and all move with the left and bottom edge: with a tenth more
// on the left a point stands a tenth of the old width further to the right. The reference
// moves them the other way, out of the picture they were tracked in.
func pad() Tool {
	return Tool{
		Name:      "pad",
		Summary:   "Adds to the top, left, right and bottom of the frame, in fractions of its size; negative values cut.",
		Arguments: edges("fraction", Number),
		NeedsSize: true,
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			top, left, right, bottom := a.numbers[0], a.numbers[1], a.numbers[2], a.numbers[3]
			w, h := float64(shot.Width), float64(shot.Height)
			out, err := resized("pad", shot, w*(1+left+right), h*(1+top+bottom))
			if err != nil {
				return track.Shot{}, err
			}
			return moved(out, w*left, h*bottom), nil
		},
	}
}

// edges are the arguments of crop and pad.
func edges(unit string, kind Kind) []Argument {
	return []Argument{
		{Name: "top", Unit: unit, Default: "0", Kind: kind},
		{Name: "left", Unit: unit, Default: "0", Kind: kind},
		{Name: "right", Unit: unit, Default: "0", Kind: kind},
		{Name: "bottom", Unit: unit, Default: "0", Kind: kind},
	}
}

// flip mirrors the shot from left to right.
func flip() Tool {
	return Tool{
		Name:      "flip",
		Summary:   "Mirrors the tracks from left to right.",
		NeedsSize: true,
		apply: func(shot track.Shot, _ values) (track.Shot, error) {
			return scaled(shot, -1, 1), nil
		},
	}
}

// flop mirrors the shot upside down.
func flop() Tool {
	return Tool{
		Name:      "flop",
		Summary:   "Mirrors the tracks upside down.",
		NeedsSize: true,
		apply: func(shot track.Shot, _ values) (track.Shot, error) {
			return scaled(shot, 1, -1), nil
		},
	}
}

// scale multiplies the frame and the positions in it; a negative factor mirrors too.
//
// Residuals stay, here and in flip, flop and reformat: they are one minus a correlation,
// which does not depend on the size of the frame. The reference multiplies them by the
// length of the vector of both factors, 1.414 for a mirror.
func scale() Tool {
	return Tool{
		Name:    "scale",
		Summary: "Multiplies the frame and all positions in it; negative factors mirror.",
		Arguments: []Argument{
			{Name: "x_factor", Default: "1", Kind: Number},
			{Name: "y_factor", Default: "1", Kind: Number},
		},
		NeedsSize: true,
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			fx, fy := a.numbers[0], a.numbers[1]
			w, h := math.Trunc(float64(shot.Width)*fx), math.Trunc(float64(shot.Height)*fy)
			out, err := resized("scale", shot, math.Abs(w), math.Abs(h))
			if err != nil {
				return track.Shot{}, err
			}
			return scaled(out, fx, fy), nil
		},
	}
}

// reformat scales the shot to a new frame size; a side left out stays.
func reformat() Tool {
	return Tool{
		Name:    "reformat",
		Summary: "Scales the tracks to a new frame size in pixels; 0 keeps a side.",
		Arguments: []Argument{
			{Name: "width", Unit: "pixels", Default: "0", Kind: Integer},
			{Name: "height", Unit: "pixels", Default: "0", Kind: Integer},
		},
		NeedsSize: true,
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			w, h := a.numbers[0], a.numbers[1]
			if w == 0 {
				w = float64(shot.Width)
			}
			if h == 0 {
				h = float64(shot.Height)
			}
			out, err := resized("reformat", shot, w, h)
			if err != nil {
				return track.Shot{}, err
			}
			return scaled(out, w/float64(shot.Width), h/float64(shot.Height)), nil
		},
	}
}

// resized returns the shot with another frame size. Fractions of a pixel are rounded up,
// but not those that floating point arithmetic leaves behind.
func resized(tool string, shot track.Shot, width, height float64) (track.Shot, error) {
	w, h := wholePixels(width), wholePixels(height)
	if !(w >= 1 && h >= 1 && w <= maxSide && h <= maxSide) {
		return track.Shot{}, fault.New(fault.Invalid,
			fmt.Sprintf("The tool %s would make a frame of %.0f x %.0f pixels out of %d x %d.", tool, w, h, shot.Width, shot.Height),
			fmt.Sprintf("Choose values that leave at least one pixel and at most %d on each side.", maxSide))
	}
	shot.Width, shot.Height = int(w), int(h)
	return shot, nil
}

// wholePixels rounds up, with a tolerance for the errors of a few multiplications. Adding
// zero turns a negative zero, which would be printed as such, into a plain one.
func wholePixels(v float64) float64 {
	const tolerance = 1e-6
	return math.Ceil(v-tolerance) + 0
}

// moved returns the shot with every position moved.
func moved(shot track.Shot, dx, dy float64) track.Shot {
	return mapKeyframes(shot, func(k *track.Keyframe) { k.X, k.Y = k.X+dx, k.Y+dy })
}

// scaled returns the shot with every position multiplied. The frame size is already the
// new one; a negative factor measures from the far edge.
func scaled(shot track.Shot, fx, fy float64) track.Shot {
	originX, originY := 0.0, 0.0
	if fx < 0 {
		originX = float64(shot.Width)
	}
	if fy < 0 {
		originY = float64(shot.Height)
	}
	return mapKeyframes(shot, func(k *track.Keyframe) { k.X, k.Y = originX+k.X*fx, originY+k.Y*fy })
}
