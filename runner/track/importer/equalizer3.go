package importer

import (
	"bytes"

	"convertd/runner/track"
)

// The point export of 3DEqualizer 3:
//
//	// 3DE Multiple Tracking Curves Export 2048 x 778 * 275 frames
//	02
//	<TAB>23<TAB>71.7889<TAB>481.708
//
// A line that starts with a blank is a keyframe, any other a name. Frames count from 1,
// positions from the lower left corner. Unlike in the reference, names may start with any
// character and a keyframe before the first name is an error.

const equalizer3Title = "// 3DE Multiple Tracking Curves Export"

// equalizer3 reads the point export of 3DEqualizer 3.
func equalizer3() Importer {
	return reader{
		format: Format{
			ID: "3de3", Application: "3DEqualizer", Variant: "3 point export (.txt)",
			Extensions: []string{".txt"},
		},
		detect:  detectEqualizer3,
		read:    readEqualizer3,
		nothing: "In 3DEqualizer select the points before you export them.",
	}
}

func detectEqualizer3(head []byte) int {
	line, _ := firstLine(head)
	if bytes.HasPrefix(trim(line), []byte(equalizer3Title)) {
		return 100
	}
	return 0
}

func readEqualizer3(in *Source, out *builder) error {
	title, ok := filledLine(in)
	if !ok {
		return nil
	}
	out.size(sizeWithCross(title))
	for {
		line, ok := filledLine(in)
		if !ok {
			return nil
		}
		if !isBlank(line[0]) {
			out.begin(track.CleanName(trim(line)))
			continue
		}
		if !out.active() {
			return in.Fail("there is a keyframe before the first name", hintDamaged)
		}
		if err := plainKeyframe(in, out, line, -1); err != nil {
			return err
		}
	}
}

// sizeWithCross finds WIDTH x HEIGHT in a line; 0, 0 if it is not there.
func sizeWithCross(line []byte) (width, height int) {
	f := fields{line: line}
	for word := f.next(); len(word) > 0; word = f.next() {
		if string(word) == "x" {
			height, _ = track.ParseFrame(f.next())
			return width, height
		}
		width, _ = track.ParseFrame(word)
	}
	return 0, 0
}
