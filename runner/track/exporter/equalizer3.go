package exporter

import "convertd/runner/track"

// equalizer3 writes the point export of 3DE version 3.
//
// A name that the application would not take for one (it has to begin with a letter, a
// digit or an underscore) gets an underscore in front; the reference writes it raw and
// its keyframes end up in the tracker before it.
func equalizer3() Format {
	return Format{
		ID: "3de3", Application: "3DEqualizer", Variant: "3 (.txt)", Suffix: "3de_v3.txt",
		NeedsSize: true, FromClip: true, base: 1,
		names: &nameRules{why: "3DE names begin with a letter, a digit or an underscore", legal: equalizer3Name},
		write: writeEqualizer3,
	}
}

func writeEqualizer3(t *text, shot track.Shot) {
	t.str("// 3DE Multiple Tracking Curves Export ").int(shot.Width).str(" x ").int(shot.Height)
	t.str(" * ").int(max(0, lastFrame(shot)+t.first)).str(" frames\n")
	for _, tr := range shot.Trackers {
		t.str(tr.Name).str("\n")
		for _, k := range tr.Keyframes {
			t.str("\t").frame(k.Frame).str("\t").fixed(k.X, 3).str("\t").fixed(k.Y, 3).str("\n")
			t.keyframe()
		}
	}
	t.str("\n")
}

func equalizer3Name(name string) string {
	name = anyWord(name)
	if name == "" {
		return ""
	}
	c := rune(name[0])
	if isASCIILetter(c) || isDigit(c) || c == '_' {
		return name
	}
	return "_" + name
}

// lastFrame returns the highest frame of the shot; the shot has a keyframe.
func lastFrame(shot track.Shot) int {
	last := shot.Trackers[0].Keyframes[0].Frame
	for _, tr := range shot.Trackers {
		last = max(last, tr.Keyframes[len(tr.Keyframes)-1].Frame)
	}
	return last
}
