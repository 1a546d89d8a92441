package importer

import "bytes"

// The 2D tracker paths of SynthEyes:
//
//	Tracker1 0 -0.518223 -0.404074 15
//
// A line has name, frame, u, v and a status, which is ignored. u and v go from -1 to 1
// between the centres of the first and the last pixel, v from top to bottom; frames count
// from 0. Unlike in the reference, blank lines mean nothing, a frame that comes twice
// does not end the reading and names may have blanks. A name that comes again behind
// other lines is another tracker unless its frames go on where they ended.

// synthEyes reads SynthEyes' tracker 2-D paths.
func synthEyes() Importer {
	return reader{
		format: Format{
			ID: "syntheyes", Application: "SynthEyes", Variant: "tracker 2-D paths (.txt)",
			Extensions: []string{".txt"}, NeedsSize: true,
		},
		detect:  detectSynthEyes,
		read:    readSynthEyes,
		nothing: "In SynthEyes select the trackers before you export them.",
	}
}

func detectSynthEyes(head []byte) int {
	line, rest := firstLine(head)
	matches := 0
	for range 4 {
		if len(rest) == 0 && len(head) >= headSize {
			break // the last line of the head may be cut
		}
		if !isSynthEyesLine(line) {
			return 0
		}
		matches++
		if line, rest = firstLine(rest); len(line) == 0 {
			break
		}
	}
	if matches == 0 {
		return 0
	}
	return 70
}

// isSynthEyesLine reports whether a line has the form of a keyframe.
func isSynthEyesLine(line []byte) bool {
	k, ok := splitSynthEyes(line)
	return ok && isInteger(k[1].text) && startsNumber(k[2].text) && startsNumber(k[3].text) && isInteger(k[4].text)
}

func readSynthEyes(in *Source, out *builder) error {
	for {
		line, ok := filledLine(in)
		if !ok {
			return nil
		}
		if err := synthEyesKeyframe(in, out, line); err != nil {
			return err
		}
	}
}

// synthEyesKeyframe adds the keyframe of a line.
func synthEyesKeyframe(in *Source, out *builder, line []byte) error {
	k, ok := splitSynthEyes(line)
	if !ok {
		return in.Fail("a keyframe with name, frame, u, v and status should be here", hintDamaged)
	}
	frame, err := in.frame(k[1].text, k[1].start)
	if err != nil {
		return err
	}
	u, err := in.float(k[2].text, k[2].start, "u")
	if err != nil {
		return err
	}
	v, err := in.float(k[3].text, k[3].start, "v")
	if err != nil {
		return err
	}
	out.resume(k[0].text, frame)
	x := (u/2+0.5)*float64(out.width-1) + 0.5
	y := (v/2+0.5)*float64(out.height-1) + 0.5
	return out.add(frame, x, float64(out.height)-y, 0)
}

// splitSynthEyes splits a line into name, frame, u, v and status. With more words than
// these either the name has blanks or there are more columns: only the latter has an
// integer and a decimal number right behind the first word.
func splitSynthEyes(line []byte) (parts [5]wordAt, ok bool) {
	f := fields{line: line}
	for i := range parts {
		parts[i] = wordAt{text: f.next(), start: f.start}
	}
	if len(parts[4].text) == 0 {
		return parts, false
	}
	if len(f.next()) == 0 || (isInteger(parts[1].text) && bytes.IndexByte(parts[2].text, '.') >= 0) {
		return parts, true
	}
	end := len(line)
	for i := 4; i > 0; i-- {
		for end > 0 && isBlank(line[end-1]) {
			end--
		}
		start := end
		for start > 0 && !isBlank(line[start-1]) {
			start--
		}
		parts[i] = wordAt{text: line[start:end], start: start}
		end = start
	}
	parts[0].text = trim(line[:end])
	return parts, true
}
