package filter

import (
	"convertd/runner/track"
)

// slip adds to every frame number.
func slip() Tool {
	return Tool{
		Name:      "slip",
		Summary:   "Moves all tracks in time by a number of frames.",
		Arguments: []Argument{{Name: "frames", Unit: "frames", Default: "0", Kind: Integer}},
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			return slipped(shot, int(a.numbers[0])), nil
		},
	}
}

// moveToFirst moves the shot in time so that its earliest keyframe is at frame 0.
func moveToFirst() Tool {
	return Tool{
		Name:    "move-to-first",
		Summary: "Moves all tracks in time so that the first keyframe is on the first frame.",
		apply: func(shot track.Shot, _ values) (track.Shot, error) {
			first, found := 0, false
			for _, tr := range shot.Trackers {
				if len(tr.Keyframes) > 0 && (!found || tr.Keyframes[0].Frame < first) {
					first, found = tr.Keyframes[0].Frame, true
				}
			}
			return slipped(shot, -first), nil
		},
	}
}

// slipped returns the shot moved in time. Frames that leave the legal range are found by
// lint.
func slipped(shot track.Shot, frames int) track.Shot {
	return mapKeyframes(shot, func(k *track.Keyframe) { k.Frame += frames })
}

// startTrim removes what lies before the first frame of the clip.
func startTrim() Tool {
	return Tool{
		Name:    "start-trim",
		Summary: "Removes keyframes before the first frame, and trackers that have no others.",
		apply: func(shot track.Shot, _ values) (track.Shot, error) {
			var kept []track.Tracker
			for _, tr := range shot.Trackers {
				keys := tr.Keyframes
				for len(keys) > 0 && keys[0].Frame < 0 {
					keys = keys[1:]
				}
				if len(keys) > 0 {
					kept = append(kept, track.Tracker{Name: tr.Name, Keyframes: keys})
				}
			}
			shot.Trackers = kept
			return shot, nil
		},
	}
}

// lengthCutoff drops short trackers.
func lengthCutoff() Tool {
	return Tool{
		Name:      "length-cutoff",
		Summary:   "Removes trackers with fewer keyframes than given; 0 keeps all.",
		Arguments: []Argument{{Name: "min_length", Unit: "keyframes", Default: "100", Kind: Integer}},
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			var kept []track.Tracker
			for _, tr := range shot.Trackers {
				if len(tr.Keyframes) >= int(a.numbers[0]) {
					kept = append(kept, tr)
				}
			}
			shot.Trackers = kept
			return shot, nil
		},
	}
}
