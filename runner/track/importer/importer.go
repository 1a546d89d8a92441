// Package importer owns the readers of track files: one file per format, each with
// its detection by content.
//
// It does not own writing (exporter) or the order of reading, filtering and writing
// (pipeline). It may import the standard library and runner/track.
package importer

import (
	"context"
	"io"

	"convertd/runner/track"
)

// Importer reads one format.
type Importer interface {
	// Format describes the reader.
	Format() Format
	// Detect says how surely head, the first bytes of a file (up to 64 KiB, as UTF-8
	// with LF line ends), is of this format: 0 certainly not, 100 certainly.
	Detect(head []byte) int
	// Read parses the whole file. It returns *track.ParseError for anything wrong with
	// the content. It never panics, whatever the bytes.
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
	// NeedsSize says that this format cannot be read without the frame size; for the
	// other formats it is only needed by the writers.
	NeedsSize bool
}

// Source is the file being read: decoded to UTF-8, with LF line ends, counting lines
// for messages and bytes for progress.
type Source struct {
	// Width and Height are the frame size given by the person; 0 if none was.
	Width, Height int

	r io.Reader
}
