// Package importer owns the readers of track files: one file per format, each with
// its detection by content.
//
// All readers agree on what the formats leave open:
//   - A later value for the same frame of the same tracker replaces the earlier one.
//   - Blank lines mean nothing, except where a format's own file says otherwise.
//   - Numbers may have exponents and signs in every format. A position that is not a
//     number (nan) means that the tracker has none in that frame. Infinite positions and
//     numbers beyond the limits of package track are errors.
//   - Trackers without keyframes are dropped; a file without any tracker is an error.
//   - A frame size given by the person wins over the one in the file.
//
// Two formats are convertd's own: csv, a table with the columns tracker, frame, x, y and
// residual, and json, a document of trackers with their keyframes. Their schemas stand at
// the head of csv.go and json.go, examples of all formats in testdata.
//
// It does not own writing (exporter) or the order of reading, filtering and writing
// (pipeline). It may import the standard library, runner/track and the parsers
// runner/track/nuke and runner/track/shake.
package importer

import (
	"context"

	"convertd/runner/track"
)

// Importer reads one format.
type Importer interface {
	// Format describes the reader.
	Format() Format
	// Detect says how surely head, the first bytes of a file (see Source.Head), is of
	// this format: 0 certainly not, 100 certainly.
	Detect(head []byte) int
	// Read parses the whole file. It returns *track.ParseError for anything wrong with
	// the content, an error of ctx, or one of the file being read. It never panics,
	// whatever the bytes.
	Read(ctx context.Context, in *Source) (track.Shot, error)
}

// Format describes a reader to people and programs.
type Format struct {
	// ID is the word used on the command line and in the parameter `from`.
	ID string
	// Application and Variant name it for people: "PFTrack", "4 and 5 (.2dt)".
	Application, Variant string
	// Extensions are hints for detection, lower case, with the dot.
	Extensions []string
	// NeedsSize says that this format cannot be read without the frame size given by
	// the person; for the other formats it is only needed by the writers.
	NeedsSize bool
}

// reader makes an Importer of the parts that differ between formats.
type reader struct {
	format Format
	detect func(head []byte) int
	read   func(in *Source, out *builder) error
	// nothing is the hint for a file of this format without any tracker.
	nothing string
}

// Format describes the reader.
func (r reader) Format() Format { return r.format }

// Detect says how surely head is of this format.
func (r reader) Detect(head []byte) int { return r.detect(head) }

// Read parses the whole file.
func (r reader) Read(ctx context.Context, in *Source) (track.Shot, error) {
	in.begin(ctx, r.format.ID)
	if r.format.NeedsSize && (in.Width <= 0 || in.Height <= 0) {
		return track.Shot{}, sizeMissing(r.format.ID)
	}
	out := newBuilder(in)
	err := r.read(in, out)
	if broken := in.Err(); broken != nil {
		return track.Shot{}, broken
	}
	if err != nil {
		return track.Shot{}, err
	}
	return out.shot(r.nothing)
}

// sizeMissing is the error for a format whose positions depend on the frame size.
func sizeMissing(format string) error {
	return &track.ParseError{
		Format:  format,
		Problem: "the file does not say the frame size, and its positions depend on it",
		Hint:    "Give the width and height of the frame in pixels.",
	}
}
