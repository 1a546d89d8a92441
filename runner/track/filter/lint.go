package filter

import (
	"fmt"
	"math"

	"convertd/runner/fault"
	"convertd/runner/track"
)

// lint changes nothing; it refuses shots that no format could hold. The pipeline runs it
// after the last tool in any case.
func lint() Tool {
	return Tool{
		Name:    "lint",
		Summary: "Checks that there are trackers, that none is empty, and that keyframes are in order and finite.",
		apply: func(shot track.Shot, _ values) (track.Shot, error) {
			return shot, Lint(shot)
		},
	}
}

// Lint returns a *fault.Error with code invalid for a shot that cannot be written: no
// tracker at all, one without keyframes, frames out of order or out of range, positions
// that are not numbers.
func Lint(shot track.Shot) error {
	if len(shot.Trackers) == 0 {
		return fault.New(fault.Invalid, "No tracker is left to write: the tools removed all of them.",
			"Check the tools length-cutoff and start-trim.")
	}
	for _, tr := range shot.Trackers {
		if len(tr.Keyframes) == 0 {
			return fault.New(fault.Invalid, fmt.Sprintf("The tracker %q has no keyframes.", tr.Name), "Remove it from the file.")
		}
		for i, k := range tr.Keyframes {
			if problem := lintKeyframe(tr.Keyframes, i); problem != "" {
				return fault.New(fault.Invalid, fmt.Sprintf("The tracker %q at frame %d: %s.", tr.Name, k.Frame, problem),
					"Check the values given to the tools, then the file.")
			}
		}
	}
	return nil
}

// lintKeyframe says what is wrong with a keyframe; "" means nothing.
func lintKeyframe(keys []track.Keyframe, i int) string {
	k := keys[i]
	switch {
	case k.Frame < -track.MaxFrame || k.Frame > track.MaxFrame:
		return "the frame number is out of range"
	case i > 0 && k.Frame <= keys[i-1].Frame:
		return "this keyframe does not come after the one before it"
	case !(math.Abs(k.X) <= maxPosition && math.Abs(k.Y) <= maxPosition):
		return "the position is not a number or is out of range"
	case math.IsNaN(k.Residual) || math.IsInf(k.Residual, 0):
		return "the residual is not a number"
	}
	return ""
}

// maxPosition is the largest absolute position after the tools: readers accept
// track.MaxCoordinate, and tools may well multiply that.
const maxPosition = 1e18
