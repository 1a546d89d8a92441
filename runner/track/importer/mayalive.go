package importer

import (
	"bytes"

	"convertd/runner/track"
)

// The tracks of Maya Live:
//
//	#  Size  1280  540
//	#  Name  trackedPoint1
//	0 0 -0.9313242266 0.9012815096 -1
//
// A keyframe has the number of the tracker, frame, x, y and residual. Positions count from
// the centre of the frame in units of half its height; frames from 0. The residual is
// taken as it is: in real files it has the size of 1 - correlation, so it is the
// reference's writer, which divides by 10, that is wrong. -1 means that there is none.
// Unlike in the reference, odd heights are halved exactly and blank lines mean nothing.

// mayaLive reads the track export of Maya Live.
func mayaLive() Importer {
	return reader{
		format: Format{
			ID: "mayalive", Application: "Maya Live", Variant: "track export (.txt)",
			Extensions: []string{".txt"},
		},
		detect:  detectMayaLive,
		read:    readMayaLive,
		nothing: "In Maya Live select the tracks before you export them.",
	}
}

func detectMayaLive(head []byte) int {
	line, _ := firstLine(head)
	f := fields{line: line}
	if string(f.next()) == "#" && string(f.next()) == "Size" && isInteger(f.next()) {
		return 100
	}
	return 0
}

func readMayaLive(in *Source, out *builder) error {
	for {
		line, ok := filledLine(in)
		if !ok {
			return nil
		}
		var err error
		switch {
		case trim(line)[0] == '#':
			mayaLiveHeading(out, line)
		case !out.active():
			err = in.Fail("there is a keyframe before the first name", hintDamaged)
		default:
			err = mayaLiveKeyframe(in, out, line)
		}
		if err != nil {
			return err
		}
	}
}

// mayaLiveHeading takes a line that states the frame size or starts a tracker.
func mayaLiveHeading(out *builder, line []byte) {
	f := fields{line: bytes.TrimLeft(line, " \t#")}
	switch string(f.next()) {
	case "Size":
		width, _ := track.ParseFrame(f.next())
		height, _ := track.ParseFrame(f.next())
		out.size(width, height)
	case "Name":
		out.begin(track.CleanName(trim(f.line[f.pos:])))
	}
}

// mayaLiveKeyframe adds the keyframe of a line.
func mayaLiveKeyframe(in *Source, out *builder, line []byte) error {
	if !out.hasSize() {
		return sizeMissing(in.format)
	}
	f := in.words(line)
	f.next() // the number of the tracker
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
	residual := 0.0
	if word := f.next(); len(word) > 0 {
		if residual, err = in.float(word, f.start, "the residual"); err != nil {
			return err
		}
	}
	if residual == -1 {
		residual = 0
	}
	half := float64(out.height) / 2
	return out.add(frame, float64(out.width)/2+x*half, half+y*half, residual)
}
