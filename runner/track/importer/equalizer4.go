package importer

import "convertd/runner/track"

// The point export of 3DEqualizer 4:
//
//	8                                  number of points
//	01                                 name of the first point
//	0                                  colour
//	61                                 number of keyframes
//	40 407.384758225105315 232.449011732690479
//
// Frames count from 1, positions from the lower left corner. Unlike in the reference, a
// line that is no keyframe is an error and not a keyframe at (0, 0), exponents and
// negative frames are understood, and a file that ends early is reported.

// equalizer4 reads the point export of 3DEqualizer 4.
func equalizer4() Importer {
	return reader{
		format: Format{
			ID: "3de4", Application: "3DEqualizer", Variant: "4 point export (.txt)",
			Extensions: []string{".txt"},
		},
		detect:  detectEqualizer4,
		read:    readEqualizer4,
		nothing: "In 3DEqualizer select the points before you export them.",
	}
}

func detectEqualizer4(head []byte) int {
	points, rest := firstLine(head)
	name, rest := firstLine(rest)
	colour, rest := firstLine(rest)
	count, rest := firstLine(rest)
	if !isInteger(trim(points)) || len(name) == 0 || !isInteger(trim(colour)) || !isInteger(trim(count)) {
		return 0
	}
	if keyframe, _ := firstLine(rest); numbersIn(keyframe) >= 3 {
		return 95
	}
	return 40
}

func readEqualizer4(in *Source, out *builder) error {
	declared, err := countLine(in, "the number of points")
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		name, ok := filledLine(in)
		if !ok && n < declared {
			return in.Fail("the file ends before the last point", hintTruncated)
		}
		if !ok {
			return nil
		}
		out.begin(track.CleanName(trim(name)))
		if err := equalizer4Point(in, out); err != nil {
			return err
		}
	}
}

// equalizer4Point reads what follows the name of a point.
func equalizer4Point(in *Source, out *builder) error {
	if _, ok := filledLine(in); !ok {
		return in.Fail("the file ends where the colour of a point should be", hintTruncated)
	}
	keyframes, err := countLine(in, "the number of keyframes")
	if err != nil {
		return err
	}
	for range keyframes {
		line, ok := filledLine(in)
		if !ok {
			return in.Fail("the file ends within the keyframes of a point", hintTruncated)
		}
		if err := plainKeyframe(in, out, line, -1); err != nil {
			return err
		}
	}
	return nil
}

// filledLine returns the next line that is not blank.
func filledLine(in *Source) (line []byte, ok bool) {
	for {
		line, ok = in.Line()
		if !ok || len(trim(line)) > 0 {
			return line, ok
		}
	}
}

// countLine reads a line that holds a single integer that is not negative.
func countLine(in *Source, what string) (int, error) {
	line, ok := filledLine(in)
	if !ok {
		return 0, in.Fail("the file ends where "+what+" should be", hintTruncated)
	}
	f := in.words(line)
	word := f.next()
	start := f.start
	n, ok := track.ParseFrame(word)
	if !ok || n < 0 || !isInteger(word) || len(f.next()) > 0 {
		return 0, in.failAt(start, what+" should be here", hintDamaged)
	}
	return n, nil
}

// plainKeyframe adds the keyframe of a line that starts with frame, x and y; shift is
// added to the frame.
func plainKeyframe(in *Source, out *builder, line []byte, shift int) error {
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
	return out.add(frame+shift, x, y, 0)
}
