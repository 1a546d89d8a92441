package importer

import (
	"bytes"

	"convertd/runner/track"
)

// SynthEyes' "All Tracker Paths":
//
//	Tracker2
//	0 760.632 727.860
//
// A line with frame, x and y is a keyframe, any other a name. Frames count from 0, y from
// the top. Unlike in the reference, y is read from its own column, negative and whole
// numbers are positions, any line may be a name, and its end does not belong to it.

// synthEyesPaths reads SynthEyes' export of all tracker paths.
func synthEyesPaths() Importer {
	return reader{
		format: Format{
			ID: "syntheyes-paths", Application: "SynthEyes", Variant: "all tracker paths (.txt)",
			Extensions: []string{".txt"}, NeedsSize: true,
		},
		detect:  detectSynthEyesPaths,
		read:    readSynthEyesPaths,
		nothing: "In SynthEyes export the paths of trackers that have been tracked.",
	}
}

func detectSynthEyesPaths(head []byte) int {
	name, rest := firstLine(head)
	keyframe, _ := firstLine(rest)
	if isPathKeyframe(name) || !isPathKeyframe(keyframe) || bytes.Count(keyframe, []byte{'.'}) < 2 {
		return 0
	}
	return 60
}

// isPathKeyframe reports whether a line has three words of which the first is a frame.
func isPathKeyframe(line []byte) bool {
	f := fields{line: line}
	if !isInteger(f.next()) {
		return false
	}
	x, y, rest := f.next(), f.next(), f.next()
	return len(x) > 0 && len(y) > 0 && len(rest) == 0
}

func readSynthEyesPaths(in *Source, out *builder) error {
	for {
		line, ok := filledLine(in)
		if !ok {
			return nil
		}
		if !isPathKeyframe(line) {
			if out.active() && numbersIn(line) == 2 {
				return in.Fail("a keyframe has no y", hintTruncated)
			}
			out.begin(track.CleanName(trim(line)))
			continue
		}
		if !out.active() {
			return in.Fail("there is a keyframe before the first name", hintDamaged)
		}
		if err := pathKeyframe(in, out, line); err != nil {
			return err
		}
	}
}

// pathKeyframe adds the keyframe of a line.
func pathKeyframe(in *Source, out *builder, line []byte) error {
	f := in.words(line)
	frame, err := f.frame()
	if err != nil {
		return err
	}
	x, err := f.float("x")
	if err != nil {
		return err
	}
	y, err := f.float("y")
	if err != nil {
		return err
	}
	return out.add(frame, x, float64(out.height)-y, 0)
}
