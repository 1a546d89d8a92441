package exporter

import "convertd/runner/track"

// mayaLive writes tracks for Maya Live. Positions are measured from the centre of the
// frame in half frame heights.
//
// The residual is written as it is read. The reference divides it by ten on the way out
// only; the files of Maya Live itself carry residuals of the same scale as other formats.
func mayaLive() Format {
	return Format{
		ID: "mayalive", Application: "Maya", Variant: "Maya Live tracks (.txt)", Suffix: "mayalive.txt",
		NeedsSize: true,
		names:     &nameRules{why: "names in the file are words", legal: anyWord},
		write:     writeMayaLive,
	}
}

func writeMayaLive(t *text, shot track.Shot) {
	w, h := float64(shot.Width), float64(shot.Height)
	aspect := w / h
	t.str("#  Size  ").int(shot.Width).str("  ").int(shot.Height).str("  ").fixed(aspect, 2).str("\n")
	for n, tr := range shot.Trackers {
		t.str("#  Name ").str(tr.Name).str("\n")
		for _, k := range tr.Keyframes {
			t.int(n).str(" ").frame(k.Frame).str(" ").fixed(k.X/(w/(aspect*2))-aspect, 10)
			t.str(" ").fixed(k.Y/(h/2)-1, 10).str(" ").fixed(k.Residual, 10).str("\n")
			t.keyframe()
		}
	}
}
