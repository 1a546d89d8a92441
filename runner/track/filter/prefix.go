package filter

import (
	"strings"

	"convertd/runner/track"
)

// prefix puts a word and an underscore in front of every name.
func prefix() Tool {
	return Tool{
		Name:      "prefix",
		Summary:   "Puts a word in front of all tracker names.",
		Arguments: []Argument{{Name: "prefix", Default: "trk_", Kind: Word}},
		apply: func(shot track.Shot, a values) (track.Shot, error) {
			word := strings.TrimRight(track.CleanName([]byte(a.words[0])), "_")
			trackers := make([]track.Tracker, len(shot.Trackers))
			for i, tr := range shot.Trackers {
				trackers[i] = track.Tracker{Name: joined(word, tr.Name), Keyframes: tr.Keyframes}
			}
			shot.Trackers = trackers
			return shot, nil
		},
	}
}

// joined puts an underscore between two words if there are two.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "_" + b
}
