package importer

import (
	"bytes"

	"convertd/runner/track"
)

// The text Shake writes for a tracker, which Nuke's CameraTracker also reads and writes:
//
//	TrackName track1
//	   Frame             X             Y   Correlation
//	  121.00       379.820      1020.810         1.000
//
// Frames count from 1, positions from the lower left corner, residual = 1 - correlation.
// A missing correlation is taken as perfect. Unlike in the reference, blanks behind a
// name do not belong to it and the heading is recognised by its words, so that a missing
// one costs no keyframe.

// shakeText reads Shake tracker text.
func shakeText() Importer {
	return reader{
		format: Format{
			ID: "shake", Application: "Shake", Variant: "tracker text, also Nuke CameraTracker (.txt)",
			Extensions: []string{".txt"},
		},
		detect:  detectShakeText,
		read:    readShakeText,
		nothing: "In Shake or Nuke choose the tracks first, then export them again.",
	}
}

func detectShakeText(head []byte) int {
	line, _ := firstLine(head)
	if bytes.HasPrefix(trim(line), []byte("TrackName ")) {
		return 100
	}
	return 0
}

func readShakeText(in *Source, out *builder) error {
	for {
		line, ok := in.Line()
		if !ok {
			return nil
		}
		f := in.words(line)
		first := f.next()
		var err error
		switch {
		case len(first) == 0 || string(first) == "Frame":
		case string(first) == "TrackName":
			out.begin(track.CleanName(trim(line[f.pos:])))
		case !out.active():
			err = in.failAt(f.start, "there is a line before the first TrackName", hintDamaged)
		default:
			err = shakeKeyframe(in, out, first, f)
		}
		if err != nil {
			return err
		}
	}
}

// shakeKeyframe adds the keyframe of a line whose first word is read already.
func shakeKeyframe(in *Source, out *builder, first []byte, f fields) error {
	frame, err := in.frame(first, f.start)
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
	correlation := 1.0
	if word := f.next(); len(word) > 0 {
		if correlation, err = in.float(word, f.start, "the correlation"); err != nil {
			return err
		}
	}
	return out.add(frame-1, x, y, 1-correlation)
}
