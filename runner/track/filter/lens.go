package filter

import (
	"fmt"
	"math"

	"convertd/runner/fault"
	"convertd/runner/track"
)

const (
	// lensIterations and lensTolerance end the search for an undistorted radius; Newton's
	// method needs four or five steps.
	lensIterations = 60
	lensTolerance  = 1e-13
)

// lens adds or removes the lens distortion of SynthEyes: a point at radius r moves to
// r * (1 + r*r*(k + kcube*r)), with the radius measured in half frame heights between
// pixel centres from the middle of the frame.
//
// The reference interpolates in a table of 257 radii and fails beyond its end; here the
// polynomial itself is used, and solved for the way back, so any point in reach of the
// lens is right. A strong barrel lens folds: beyond some radius no undistorted point
// exists, which is an error that names the point.
func lens() Tool {
	return Tool{
		Name:    "lens",
		Summary: "Adds or removes SynthEyes lens distortion.",
		Arguments: []Argument{
			{Name: "k", Default: "0", Kind: Number},
			{Name: "kcube", Default: "0", Kind: Number},
			{Name: "remove", Default: "false", Kind: Switch},
		},
		NeedsSize: true,
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			l := newLensModel(shot, a.numbers[0], a.numbers[1])
			var folded *track.Keyframe
			out := mapKeyframes(shot, func(k *track.Keyframe) {
				was := *k
				if !l.move(k, a.numbers[2] == 1) && folded == nil {
					folded = &was
				}
			})
			if folded != nil {
				return track.Shot{}, fault.New(fault.Invalid,
					fmt.Sprintf("The lens distortion cannot be removed at frame %d, point (%.1f, %.1f): no undistorted point leads there.",
						folded.Frame, folded.X, folded.Y),
					"Check the sign and the size of k and kcube.")
			}
			return out, nil
		},
	}
}

// lensModel is the polynomial and the frame it applies to.
type lensModel struct {
	k, kcube, aspect float64
	spanX, spanY     float64 // pixels between the centres of the outermost pixels
}

func newLensModel(shot track.Shot, k, kcube float64) lensModel {
	return lensModel{
		k: k, kcube: kcube,
		aspect: float64(shot.Width) / float64(shot.Height),
		spanX:  math.Max(1, float64(shot.Width-1)),
		spanY:  math.Max(1, float64(shot.Height-1)),
	}
}

// move distorts or undistorts a position in place; false means that there is no result.
func (l lensModel) move(p *track.Keyframe, remove bool) bool {
	u := ((p.X-0.5)/l.spanX - 0.5) * 2
	v := ((p.Y-0.5)/l.spanY - 0.5) * 2
	r := math.Hypot(u*l.aspect, v)
	factor := l.factor(r)
	if remove {
		undistorted, ok := l.undistort(r)
		if !ok {
			return false
		}
		factor = 1 / l.factor(undistorted)
	}
	p.X = (u*factor/2+0.5)*l.spanX + 0.5
	p.Y = (v*factor/2+0.5)*l.spanY + 0.5
	return true
}

// factor returns how much further out a point at radius r is seen.
func (l lensModel) factor(r float64) float64 {
	return 1 + r*r*(l.k+l.kcube*r)
}

// undistort returns the radius that the lens moves to distorted. The lens maps radii in
// order from the middle of the frame outwards up to where it folds; only radii below that
// are answers.
func (l lensModel) undistort(distorted float64) (r float64, ok bool) {
	low, high := 0.0, 1.0
	for l.rising(high) && high*l.factor(high) < distorted {
		high *= 2
		if high > maxPosition {
			return 0, false
		}
	}
	high = l.beforeFold(low, high)
	if high*l.factor(high) < distorted {
		return 0, false
	}
	r = high // at most twice the answer, so that Newton converges at once
	for range lensIterations {
		miss := r*l.factor(r) - distorted
		if miss > 0 {
			high = r
		} else {
			low = r
		}
		if math.Abs(miss) <= lensTolerance*(1+distorted) {
			return r, true
		}
		next := r - miss/l.slope(r)
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		r = next
	}
	return r, true
}

// slope is the derivative of the distorted radius.
func (l lensModel) slope(r float64) float64 {
	return 1 + r*r*(3*l.k+4*l.kcube*r)
}

// rising reports whether the lens still moves points at radius r in order.
func (l lensModel) rising(r float64) bool { return l.slope(r) > 0 }

// beforeFold returns high, or the radius below it at which the lens folds. The slope
// starts at 1 and has one extreme: a minimum there below zero counts even if the slope is
// positive again at high.
func (l lensModel) beforeFold(low, high float64) float64 {
	folded := high
	if extreme := -l.k / (2 * l.kcube); l.kcube != 0 && extreme > 0 && extreme < high && !l.rising(extreme) {
		folded = extreme
	}
	if l.rising(folded) {
		return high
	}
	for range lensIterations {
		middle := (low + folded) / 2
		if l.rising(middle) {
			low = middle
		} else {
			folded = middle
		}
	}
	return low
}
