package exporter

import "convertd/runner/track"

// nukeSpacing is the distance between two nodes in the node graph.
const nukeSpacing = 30

// nuke writes a Nuke script: one Tracker3 node for each tracker.
//
// The name of a tracker becomes the name of a node, for which Nuke allows ASCII letters,
// digits and underscores; other characters, which could end the word or start an
// expression in the script, become underscores. The reference writes names raw.
func nuke() Format {
	return Format{
		ID: "nuke", Application: "Nuke", Variant: "script with Tracker nodes (.nk)", Suffix: "nuke.nk",
		NeedsSize: true, base: 1,
		names: &nameRules{
			why:   "Nuke names have only ASCII letters, digits and underscores",
			legal: func(name string) string { return wordOf(name, "_") },
		},
		write: writeNuke,
	}
}

func writeNuke(t *text, shot track.Shot) {
	w, h := shot.Width, shot.Height
	t.str("\nversion 5.1200\nRoot {\n inputs 0\n frame ").int(t.first)
	t.str("\n last_frame ").int(max(t.first, lastFrame(shot)+t.first))
	t.str("\n}\nConstant {\n inputs 0\n channels rgb\n format \"").int(w).str(" ").int(h)
	t.str(" 0 0 ").int(w).str(" ").int(h).str(" 1\"\n name CompSize_").int(w).str("x").int(h)
	t.str("\n postage_stamp false\n xpos 0\n ypos -60\n}\n")
	for i, tr := range shot.Trackers {
		t.str("\nTracker3 {\n     track1 {{curve i")
		writeNukeCurve(t, tr.Keyframes, func(k track.Keyframe) float64 { return k.X })
		t.str("} {curve i")
		writeNukeCurve(t, tr.Keyframes, func(k track.Keyframe) float64 { return k.Y })
		t.str("}}\n     name ").str(tr.Name).str("\n     xpos 0\n     ypos ").int(nukeSpacing * (i + 1)).str("\n}\n")
		t.count += len(tr.Keyframes)
	}
}

// writeNukeCurve writes the values of a curve. Nuke takes the distance of the last two
// frames named as the step to the next value, so the first value of a run and the one
// after it name their frames, the others follow with step 1.
func writeNukeCurve(t *text, keys []track.Keyframe, value func(track.Keyframe) float64) {
	named := false // the value before named its frame
	for i, k := range keys {
		starts := i == 0 || keys[i-1].Frame != k.Frame-1
		if starts || named {
			t.str(" x").frame(k.Frame)
		}
		named = starts
		t.str(" ").fixed(value(k), 4)
		t.spill()
	}
}
