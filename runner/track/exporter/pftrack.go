package exporter

import "convertd/runner/track"

// pfWriter is what the three formats of the PFTrack family differ in.
type pfWriter struct {
	camera  string // line after the name, with its end; empty for none
	lineEnd string
}

// pfNames are the rules of the family.
func pfNames() *nameRules {
	return &nameRules{why: "names in the file stand between double quotes", legal: quotable}
}

func (p pfWriter) write(t *text, shot track.Shot) {
	end := p.lineEnd
	for _, tr := range shot.Trackers {
		t.str(end).str(end).str(`"`).str(tr.Name).str(`"`).str(end)
		t.str(p.camera).int(len(tr.Keyframes)).str(end)
		for _, k := range tr.Keyframes {
			t.frame(k.Frame).str(" ").fixed(k.X-0.5, 3).str(" ").fixed(k.Y-0.5, 3)
			t.str(" ").fixed(k.Residual/8, 3).str(end)
			t.keyframe()
		}
	}
}

// pfTrack4 writes the 2D tracks of PFTrack 4.
func pfTrack4() Format {
	return Format{
		ID: "pftrack4", Application: "PFTrack", Variant: "4 (.2dt)", Suffix: "pftrack_v4.2dt",
		names: pfNames(), write: pfWriter{lineEnd: "\r\n"}.write,
	}
}

// pfTrack5 writes the 2D tracks of PFTrack 5: each feature belongs to a camera.
func pfTrack5() Format {
	return Format{
		ID: "pftrack5", Application: "PFTrack", Variant: "5 (.2dt)", Suffix: "pftrack_v5.2dt",
		names: pfNames(), write: pfWriter{lineEnd: "\r\n", camera: "\"Primary\"\r\n"}.write,
	}
}

// pfMatchit writes the 2D tracks of PFMatchit and PFTrack 2011: cameras are numbers,
// frames count from 1.
func pfMatchit() Format {
	return Format{
		ID: "pfmatchit", Application: "PFTrack", Variant: "2011 and PFMatchit (.txt)", Suffix: "pftrack_2011_pfmatchit.txt",
		base: 1, names: pfNames(), write: pfWriter{lineEnd: "\n", camera: "1\n"}.write,
	}
}
