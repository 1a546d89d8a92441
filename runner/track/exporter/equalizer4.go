package exporter

import "convertd/runner/track"

// equalizer4 writes the point export of 3DE version 4: as many decimals as a float64
// holds, no frame size.
func equalizer4() Format {
	return Format{
		ID: "3de4", Application: "3DEqualizer", Variant: "4 (.txt)", Suffix: "3de_v4.txt",
		FromClip: true, base: 1,
		names: &nameRules{why: "3DE names are words", legal: anyWord},
		write: writeEqualizer4,
	}
}

func writeEqualizer4(t *text, shot track.Shot) {
	t.int(len(shot.Trackers)).str("\n")
	for _, tr := range shot.Trackers {
		t.str(tr.Name).str("\n0\n").int(len(tr.Keyframes)).str("\n")
		for _, k := range tr.Keyframes {
			t.frame(k.Frame).str(" ").fixed(k.X, 15).str(" ").fixed(k.Y, 15).str("\n")
			t.keyframe()
		}
	}
}
