package exporter

import (
	"strings"

	"convertd/runner/track"
)

// Status words of SynthEyes: the first keyframe of a run is a key set by hand.
const (
	synthEyesKey     = " 15\n"
	synthEyesTracked = " 7\n"
)

// synthEyes writes tracker 2-D paths. Positions run from -1 to 1 between the centres of
// the outermost pixels, y down. SynthEyes makes blanks of underscores in names, so names
// are camel-cased.
//
// Two differences from the reference: names that camel-casing makes equal are told apart
// (SynthEyes takes equal names for one tracker), and a frame one pixel wide or high is
// written as its centre instead of dividing by zero.
func synthEyes() Format {
	return Format{
		ID: "syntheyes", Application: "SynthEyes", Variant: "tracker 2-D paths (.txt)", Suffix: "syntheyes_2dt.txt",
		NeedsSize: true, FromClip: true,
		names: &nameRules{
			why:      "SynthEyes takes equal names for one tracker",
			legal:    anyWord,
			spelling: camelCase,
			unique:   true,
		},
		write: writeSynthEyes,
	}
}

func writeSynthEyes(t *text, shot track.Shot) {
	for _, tr := range shot.Trackers {
		for i, k := range tr.Keyframes {
			t.str(tr.Name).str(" ").frame(k.Frame).str(" ").fixed(pixelToUV(k.X, shot.Width), 6)
			t.str(" ").fixed(pixelToUV(k.Y, shot.Height)*-1, 6)
			if i == 0 || tr.Keyframes[i-1].Frame != k.Frame-1 {
				t.str(synthEyesKey)
			} else {
				t.str(synthEyesTracked)
			}
			t.keyframe()
		}
	}
}

// pixelToUV returns a position along a side of the frame as -1..1 between the centres of
// the outermost pixels.
func pixelToUV(v float64, side int) float64 {
	if side == 1 {
		return 0
	}
	return ((v-0.5)/float64(side-1) - 0.5) * 2
}

// camelCase makes upper case of the first letter and of every letter after an underscore,
// which it removes; /c becomes ::C, as in a path of objects. Of two underscores the second
// stays.
func camelCase(name string) string {
	name = objectPath(name)
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case i == 0:
			b.WriteByte(upperASCII(c))
		case c == '_' && i+1 < len(name):
			i++
			b.WriteByte(upperASCII(name[i]))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// objectPath replaces each slash by two colons and makes the letter after it upper case.
func objectPath(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if i > 0 && part != "" {
			parts[i] = string([]byte{upperASCII(part[0])}) + part[1:]
		}
	}
	return strings.Join(parts, "::")
}

func upperASCII(c byte) byte {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}
