package filter

import "convertd/runner/track"

// shift adds to every position.
func shift() Tool {
	return Tool{
		Name:    "shift",
		Summary: "Moves all tracks by pixels to the right and up.",
		Arguments: []Argument{
			{Name: "x_shift", Unit: "pixels", Default: "0", Kind: Number},
			{Name: "y_shift", Unit: "pixels", Default: "0", Kind: Number},
		},
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			return moved(shot, a.numbers[0], a.numbers[1]), nil
		},
	}
}

// golden declares every keyframe perfect.
func golden() Tool {
	return Tool{
		Name:    "golden",
		Summary: "Sets all residuals to zero: every keyframe counts as perfect.",
		apply: func(shot track.Shot, _ values) (track.Shot, error) {
			return mapKeyframes(shot, func(k *track.Keyframe) { k.Residual = 0 }), nil
		},
	}
}
