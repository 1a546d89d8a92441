package importer

import (
	"bytes"
	"context"
)

// Peeked is what the beginning of a file tells.
type Peeked struct {
	Format Format
	// Width and Height are the frame size that stands there, 0 when none does.
	Width, Height int
}

// Peek looks at the first bytes of a file, as it was sent, without its end. The error is
// that of Detect; what is wrong with the content is left to Read.
func Peek(ctx context.Context, beginning []byte, name string) (Peeked, error) {
	in := NewSource(bytes.NewReader(beginning), nil)
	head, err := in.Head()
	if err != nil {
		return Peeked{}, err
	}
	imp, err := Detect(head, name)
	if err != nil {
		return Peeked{}, err
	}
	found := Peeked{Format: imp.Format()}
	if shot, err := imp.Read(ctx, in); err == nil {
		found.Width, found.Height = shot.Width, shot.Height
		return found, nil
	}
	found.Width, found.Height = in.statedWidth, in.statedHeight
	return found, nil
}

// state remembers what the file says about its frame size, for Peek: a file that is cut
// off says it all the same.
func (s *Source) state(width, height int) {
	if width > 0 && width <= maxSide {
		s.statedWidth = width
	}
	if height > 0 && height <= maxSide {
		s.statedHeight = height
	}
}
