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
// extension of its name decides only between readers that are equally sure, and where
// none of them recognises a text: the reader the extension belongs to can then say best
// what is wrong with it.
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
	if best == nil && bytes.IndexByte(head, 0) < 0 {
		best = ownerOf(extension)
	}
	if best == nil {
		return nil, unknownFormat(head, extension)
	}
	return best, nil
}

// ownerOf returns the only reader that has this extension, nil if there are none or more.
func ownerOf(extension string) Importer {
	var owner Importer
	for _, imp := range All() {
		if !slices.Contains(imp.Format().Extensions, extension) {
			continue
		}
		if owner != nil {
			return nil
		}
		owner = imp
	}
	return owner
}

// unknownFormat is the error for a file no reader recognises.
func unknownFormat(head []byte, extension string) error {
	e := &track.ParseError{
		Format:  "tracks",
		Problem: "the format of this file was not recognised",
		Hint:    "Export the 2D tracks from your application as text, or name the format of the file.",
	}
	if bytes.IndexByte(head, 0) >= 0 {
		e.Problem = "this is not a text file, as files of 2D tracks are"
	}
	if hint := hintFor(extension); hint != "" {
		e.Hint = hint
	}
	return e
}

// hintFor says what to do with files people take for tracks; empty for other extensions.
func hintFor(extension string) string {
	switch extension {
	case ".ma", ".mb", ".c4d", ".fbx", ".abc", ".usd", ".usda", ".usdc":
		return "This is a 3D scene. Export the 2D tracks from the application that tracked them."
	case ".3de":
		return "This is a 3D-Equalizer project. Open it there and export the points as text."
	case ".bpj":
		return "This is a boujou project. Open it there and export the feature tracks as text."
	case ".pfb", ".pfmp", ".ptp", ".pts":
		return "This is a PFTrack project. Open it there and export the 2D tracks as .2dt."
	case ".mmf":
		return "This is a MatchMover project. Open it there and export the tracks as .rz2 or .rzml."
	case ".sni":
		return "This is a SynthEyes project. Open it there and export the tracker 2-D paths."
	case ".aep", ".mocha":
		return "This is a project. Copy or export the keyframe data of the tracks as text."
	case ".mov", ".mp4", ".avi", ".mxf", ".r3d", ".dpx", ".exr", ".tif", ".tiff", ".jpg", ".jpeg", ".png", ".gif", ".tga":
		return "This is a picture or video. Track it first, then export the 2D tracks as text."
	}
	return ""
}
