package exporter

import (
	"strings"
	"time"

	"convertd/runner/track"
)

// boujou writes feature tracks in boujou's text form.
//
// In files that boujou itself wrote the first view is 1 and the lowest row of pixels is
// height - 1, which is how the reference reads them; but it writes frames one too low and
// positions two pixels off. Here writing is the inverse of reading. Names are made unique, because the track id is all that tells where one track ends and
// the next begins.
func boujou() Format {
	return Format{
		ID: "boujou", Application: "boujou", Variant: "feature tracks (.txt)", Suffix: "boujou_text.txt",
		NeedsSize: true, base: 1,
		names: &nameRules{
			why:    "boujou takes equal names for one track and lines that begin with # for comments",
			legal:  boujouName,
			unique: true,
		},
		write: writeBoujou,
	}
}

func boujouName(name string) string {
	name = anyWord(name)
	if strings.HasPrefix(name, "#") {
		name = "_" + name
	}
	return name
}

func writeBoujou(t *text, shot track.Shot) {
	height := float64(shot.Height)
	t.str("# boujou 2d tracks export: text\n# boujou version: 4.1.0 28444 \n# Creation date : ")
	t.str(dateLine(t.created)).str("\n# \n# track_id      view      x      y\n")
	for _, tr := range shot.Trackers {
		for _, k := range tr.Keyframes {
			t.str(tr.Name).str("  ").frame(k.Frame).str("  ").fixed(k.X, 3)
			t.str("  ").fixed(height-k.Y-1, 3).str("\n")
			t.keyframe()
		}
	}
}

// dateLine returns the date in the form of C's asctime, the day always with two digits.
func dateLine(when time.Time) string {
	return when.Format("Mon Jan 02 15:04:05 2006")
}
