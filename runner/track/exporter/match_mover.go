package exporter

import "convertd/runner/track"

// matchMover writes REALVIZ ASCII point tracks.
//
// Two differences from the reference. A first keyframe with a residual is written in the
// form that can hold it; the reference always writes the form of a key set by hand, which
// loses it. Names are not escaped, because the format has no escapes: a double quote
// becomes a single one.
func matchMover() Format {
	return Format{
		ID: "matchmover", Application: "MatchMover", Variant: "REALVIZ ASCII point tracks (.rz2)", Suffix: "matchmover.rz2",
		NeedsSize: true, base: 1,
		names: &nameRules{why: "names in the file stand between double quotes", legal: quotable},
		write: writeMatchMover,
	}
}

func writeMatchMover(t *text, shot track.Shot) {
	height := float64(shot.Height)
	t.str("imageSequence\t\"Sequence 01\"\n{\n\t").int(shot.Width).str("\t").int(shot.Height)
	t.str("\tf( \"D:/temp/sequence.%04d.dpx\" )\tb( ")
	writeMatchMoverRange(t, shot)
	t.str(" 1 )\t\n}\n")
	for _, tr := range shot.Trackers {
		t.str(`pointTrack  "`).str(tr.Name).str("\"  rgb( 255 0 0 )\t\n{\n")
		for i, k := range tr.Keyframes {
			t.str("\t").frame(k.Frame).str("\t   ").fixed(k.X, 3).str("     ").fixed(height-k.Y, 3)
			if i == 0 && k.Residual == 0 {
				t.str("    ki( 0.8 )\t    s( 66 66 64 64 )  p( 24 24 25 25 )\n")
			} else {
				t.str("     p+( ").fixed(1-k.Residual, 6).str(" )\t\n")
			}
			t.keyframe()
		}
		t.str("}\n")
	}
}

// writeMatchMoverRange writes first and last frame of the image sequence: the constants of
// the reference, unless the person gave the number of the first frame.
func writeMatchMoverRange(t *text, shot track.Shot) {
	if !t.plate {
		t.str("1 211")
		return
	}
	t.frame(0).str(" ").frame(max(0, lastFrame(shot)))
}
