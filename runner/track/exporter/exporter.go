// Package exporter owns the writers of track files: one file per format, in registry
// order in registry.go.
//
// It does not own reading (importer), changing a shot (filter) or files on disk and the
// order of the work (pipeline): a writer gets a finished shot and an io.Writer. It may
// import the standard library and runner/track.
//
// Numbers are printed with correct rounding. The reference tool rounds values that lie
// within a small error band around a decimal tie to the even digit; ours may therefore
// differ from it by one unit of the last printed digit.
//
// Strings written into scripts are escaped for the language of the script: the name of a
// tracker is data, whatever it contains.
package exporter

import (
	"context"
	"errors"
	"io"
	"time"

	"convertd/runner/track"
)

// ErrIncomplete means that a shot lacks trackers, keyframes or the frame size. Callers check
// that before, in words for people.
var ErrIncomplete = errors.New("the shot lacks trackers, keyframes or the frame size")

// Format describes a writer to people and programs.
type Format struct {
	// ID is the word used on the command line and in the parameter `to`.
	ID string
	// Application and Variant name it for people: "Nuke", "script (.nk)".
	Application, Variant string
	// Suffix follows the stem and an underscore in the name of the output file.
	Suffix string
	// NeedsSize says that the frame size stands in the output or decides its numbers.
	NeedsSize bool
	// FromClip says that the application counts frames from the start of the clip, so
	// that Options.FirstFrame does not change the numbers written.
	FromClip bool

	// base is the number of the clip's first frame in this format.
	base int
	// names are the rules for tracker names; nil where names are not written.
	names *nameRules
	// write writes the whole output.
	write func(t *text, shot track.Shot)
}

// Options change what a writer writes.
type Options struct {
	// Created is the date that some formats carry; the zero value means the start of
	// 1970 (UTC), so that equal input gives equal output.
	Created time.Time
	// FirstFrame is the number of the clip's first frame in the formats that carry the
	// numbers of the plate (see Format.FromClip); 0 means each format's own first number.
	FirstFrame int
	// Progress, if not nil, is called from time to time with the number of keyframes
	// written since its last call.
	Progress func(keyframes int)
}

// Write writes the shot to w. The shot must have a frame size if NeedsSize is set, at
// least one tracker and no tracker without keyframes; else the error is ErrIncomplete and
// nothing is written. It returns what a person should know about the result: names that
// had to be changed, trackers that did not fit. Other errors are those of ctx and w.
func (f Format) Write(ctx context.Context, w io.Writer, shot track.Shot, o Options) (notes []string, err error) {
	if !f.complete(shot) {
		return nil, ErrIncomplete
	}
	t := newText(ctx, w, o)
	t.first = f.base
	if o.FirstFrame != 0 && !f.FromClip {
		t.first = o.FirstFrame
		t.plate = true
	}
	if f.names != nil {
		shot = f.names.apply(t, shot)
	}
	f.write(t, shot)
	return t.close()
}

// complete reports whether the shot has what every writer relies on.
func (f Format) complete(shot track.Shot) bool {
	if f.NeedsSize && (shot.Width <= 0 || shot.Height <= 0) {
		return false
	}
	for _, tr := range shot.Trackers {
		if len(tr.Keyframes) == 0 {
			return false
		}
	}
	return len(shot.Trackers) > 0
}
