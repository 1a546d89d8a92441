package filter

import (
	"fmt"

	"convertd/runner/fault"
	"convertd/runner/track"
)

// maxFilled is how many keyframes lerp may make: two keyframes a billion frames apart are
// damage, not a gap.
const maxFilled = 20_000_000

// lerp fills gaps: every frame between two keyframes gets one, position and residual on a
// straight line.
func lerp() Tool {
	return Tool{
		Name:    "lerp",
		Summary: "Fills gaps: frames between two keyframes get one on a straight line between them.",
		apply: func(shot track.Shot, _ values) (track.Shot, error) {
			trackers := make([]track.Tracker, len(shot.Trackers))
			room := maxFilled
			for i, tr := range shot.Trackers {
				length := span(tr.Keyframes)
				if room -= length; room < 0 {
					return track.Shot{}, fault.New(fault.Invalid,
						fmt.Sprintf("The tool lerp would make more than %d keyframes: tracker %q has a gap too long to fill.", maxFilled, tr.Name),
						"Remove the keyframes far away from the others, or do without lerp.")
				}
				trackers[i] = track.Tracker{Name: tr.Name, Keyframes: filled(tr.Keyframes, length)}
			}
			shot.Trackers = trackers
			return shot, nil
		},
	}
}

// span returns the number of frames from the first keyframe to the last.
func span(keys []track.Keyframe) int {
	if len(keys) == 0 {
		return 0
	}
	return keys[len(keys)-1].Frame - keys[0].Frame + 1
}

// filled returns the keyframes and those between them; length is their span.
func filled(keys []track.Keyframe, length int) []track.Keyframe {
	out := make([]track.Keyframe, 0, length)
	for i, k := range keys {
		if i > 0 {
			out = appendBetween(out, keys[i-1], k)
		}
		out = append(out, k)
	}
	return out
}

// appendBetween appends the keyframes between a and b, without these.
func appendBetween(out []track.Keyframe, a, b track.Keyframe) []track.Keyframe {
	steps := float64(b.Frame - a.Frame)
	for f := a.Frame + 1; f < b.Frame; f++ {
		part := float64(f-a.Frame) / steps
		out = append(out, track.Keyframe{
			Frame:    f,
			X:        a.X + (b.X-a.X)*part,
			Y:        a.Y + (b.Y-a.Y)*part,
			Residual: a.Residual + (b.Residual-a.Residual)*part,
		})
	}
	return out
}
