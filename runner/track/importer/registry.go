package importer

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"convertd/runner/track"
)

// All returns the readers in the order people are shown.
func All() []Importer {
	return []Importer{
		nukeScript(), equalizer4(), equalizer3(), pftrack(), synthEyes(), synthEyesPaths(),
		flame(), aeKeyframes(), shakeScript(), shakeText(), boujou(), matchMover(), rzml(),
		mayaLive(), csv(), jsonTracks(),
	}
}

// ByID returns the reader with this id.
func ByID(id string) (Importer, bool) {
	for _, imp := range All() {
		if imp.Format().ID == id {
			return imp, true
		}
	}
	return nil, false
}

// Detect finds the reader for a file from its first bytes (see Source.Head). The
// extension of its name decides only between readers that are equally sure.
func Detect(head []byte, name string) (Importer, error) {
	if len(trim(head)) == 0 {
		return nil, &track.ParseError{Format: "tracks", Problem: "the file is empty", Hint: "Export the tracks again and send that file."}
	}
	extension := strings.ToLower(path.Ext(name))
	var best Importer
	bestScore := 0
	for _, imp := range All() {
		score := 2 * imp.Detect(head)
		if score > 0 && slices.Contains(imp.Format().Extensions, extension) {
			score++
		}
		if score > bestScore {
			best, bestScore = imp, score
		}
	}
	if best == nil {
		return nil, unknownFormat(head, extension)
	}
	return best, nil
}

// unknownFormat is the error for a file no reader recognises.
func unknownFormat(head []byte, extension string) error {
	problem := "the format of this file was not recognised"
	if bytes.IndexByte(head, 0) >= 0 {
		problem = "this is not a text file, as files of 2D tracks are"
	}
	return &track.ParseError{Format: "tracks", Problem: problem, Hint: "Export the 2D tracks from your application as text, or name the format of the file."}
}
