package exporter

import (
	"strconv"

	"convertd/runner/track"
)

// aeKeyframesRate is the frame rate written into the text, which has to name one. Tracks do
// not know theirs, so the person is told where to change it.
const aeKeyframesRate = 24

// aeKeyframes writes keyframe text for the clipboard of After Effects, the form Mocha and
// others exchange: for each tracker an effect Point Control, pasted onto one layer.
// Positions are pixels from the upper left corner, y down. The format has no names.
func aeKeyframes() Format {
	return Format{
		ID: "ae-keyframes", Application: "After Effects", Variant: "keyframe text (.txt)", Suffix: "ae_keyframes.txt",
		NeedsSize: true, FromClip: true,
		write: writeAEKeyframes,
	}
}

func writeAEKeyframes(t *text, shot track.Shot) {
	height := float64(shot.Height)
	t.str("Adobe After Effects 8.0 Keyframe Data\n\n\tUnits Per Second\t").int(aeKeyframesRate)
	t.str("\n\tSource Width\t").int(shot.Width).str("\n\tSource Height\t").int(shot.Height)
	t.str("\n\tSource Pixel Aspect Ratio\t1\n\tComp Pixel Aspect Ratio\t1\n")
	for i, tr := range shot.Trackers {
		t.str("\nEffects\tADBE Point Control #").int(i + 1).str("\tADBE Point Control-0001\n\tFrame\tX pixels\tY pixels\n")
		for _, k := range tr.Keyframes {
			t.str("\t").frame(k.Frame).str("\t").fixed(k.X, 5).str("\t").fixed(height-k.Y, 5).str("\n")
			t.keyframe()
		}
	}
	t.str("\n\nEnd of Keyframe Data\n")
	t.note("The text says " + strconv.Itoa(aeKeyframesRate) + " frames a second; for a composition with another rate change the number behind Units Per Second before pasting.")
}
