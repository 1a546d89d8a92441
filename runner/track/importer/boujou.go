package importer

import (
	"bytes"
)

// The 2D tracks of boujou:
//
//	# boujou 2d tracks export: text
//	# track_id    view      x    y
//	Target_track_1  5  252.046  171.677
//
// The line that starts with # track_id names the columns. Views count from 1: real files
// start there. y counts rows of pixels from the top, hence height - y - 1; convertd's
// writer is the inverse of this, the reference's is one frame and two pixels off. An id that
// comes again behind other lines is another tracker, as in real files, unless its frames
// go on where they ended: files ordered by view are understood too. Unlike in the
// reference, blank lines mean nothing.

// boujou reads boujou's text export of feature tracks.
func boujou() Importer {
	return reader{
		format: Format{
			ID: "boujou", Application: "boujou", Variant: "feature tracks (.txt)",
			Extensions: []string{".txt"}, NeedsSize: true,
		},
		detect:  detectBoujou,
		read:    readBoujou,
		nothing: "In boujou select the tracks before you export them.",
	}
}

func detectBoujou(head []byte) int {
	line, _ := firstLine(head)
	switch {
	case bytes.HasPrefix(line, []byte("# boujou 2d tracks export")):
		return 100
	case hasLine(head, "# track_id"):
		return 90
	}
	return 0
}

// boujouColumns says which word of a line is what, counting from 0; -1 is nowhere.
type boujouColumns struct {
	id, view, x, y int
}

func readBoujou(in *Source, out *builder) error {
	columns := boujouColumns{}
	known := false
	for {
		line, ok := filledLine(in)
		if !ok && !known {
			return in.Fail("there is no line that starts with # track_id", "Choose the right format, or export the tracks again as text.")
		}
		if !ok {
			return nil
		}
		if line[0] == '#' && (len(line) == 1 || isBlank(line[1])) {
			if bytes.HasPrefix(trim(line[1:]), []byte("track_id")) {
				columns, known = boujouHeading(line[1:]), true
			}
			continue
		}
		if !known {
			continue
		}
		if err := columns.keyframe(in, out, line); err != nil {
			return err
		}
	}
}

// boujouHeading reads the names of the columns.
func boujouHeading(line []byte) boujouColumns {
	c := boujouColumns{id: -1, view: -1, x: -1, y: -1}
	f := fields{line: line}
	for i := 0; ; i++ {
		switch string(f.next()) {
		case "":
			return c
		case "track_id":
			c.id = i
		case "view":
			c.view = i
		case "x":
			c.x = i
		case "y":
			c.y = i
		}
	}
}

// keyframe adds the keyframe of a line.
func (c boujouColumns) keyframe(in *Source, out *builder, line []byte) error {
	var id, view, x, y wordAt
	f := in.words(line)
	for i := 0; ; i++ {
		word := wordAt{text: f.next(), start: f.start}
		if len(word.text) == 0 {
			break
		}
		switch i {
		case c.id:
			id = word
		case c.view:
			view = word
		case c.x:
			x = word
		case c.y:
			y = word
		}
	}
	frame, err := in.frame(view.text, view.start)
	if err != nil {
		return err
	}
	left, err := in.float(x.text, x.start, "x")
	if err != nil {
		return err
	}
	top, err := in.float(y.text, y.start, "y")
	if err != nil {
		return err
	}
	out.resume(id.text, frame-1)
	return out.add(frame-1, left, float64(out.height)-top-1, 0)
}

// wordAt is a word and where in the line it starts.
type wordAt struct {
	text  []byte
	start int
}
