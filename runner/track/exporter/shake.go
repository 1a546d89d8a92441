package exporter

import (
	"strconv"

	"convertd/runner/track"
)

// shake writes the text form of Shake trackers.
func shake() Format {
	return Format{
		ID: "shake", Application: "Shake", Variant: "trackers in a text file (.txt)", Suffix: "shake_trackers.txt",
		base:  1,
		names: &nameRules{why: "names in the file are words", legal: anyWord},
		write: func(t *text, shot track.Shot) {
			for _, tr := range shot.Trackers {
				writeShakeTracker(t, tr.Name, tr.Keyframes)
			}
		},
	}
}

// nukeCameraTracks writes the tracks of Nuke's CameraTracker node: the form of Shake with
// names that count from autotrack0, which is all the node understands.
func nukeCameraTracks() Format {
	return Format{
		ID: "nuke-camera-tracks", Application: "Nuke", Variant: "CameraTracker autotracks (.txt)", Suffix: "nuke_cam_trk_autotracks.txt",
		base: 1,
		write: func(t *text, shot track.Shot) {
			for i, tr := range shot.Trackers {
				writeShakeTracker(t, "autotrack"+strconv.Itoa(i), tr.Keyframes)
			}
		},
	}
}

func writeShakeTracker(t *text, name string, keys []track.Keyframe) {
	t.str("TrackName ").str(name).str("\n   Frame             X             Y   Correlation\n")
	for _, k := range keys {
		t.str("   ").frame(k.Frame).str(".00   ").fixed(k.X, 3).str("   ").fixed(k.Y, 3)
		t.str("   ").fixed(1-k.Residual, 3).str("\n")
		t.keyframe()
	}
	t.str("\n")
}
