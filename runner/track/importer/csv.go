package importer

import (
	"bytes"
	"slices"
	"strings"

	"convertd/runner/track"
)

// convertd's own table, one line per keyframe:
//
//	# width 1920
//	# height 1080
//	tracker,frame,x,y,residual
//	Track_01,0,100.5,200.25,0.01
//
// Lines before the heading that start with # may state the frame size. Frame 0 is the first
// of the clip; x and y are pixels from the lower left corner, y up; residual 0 is
// perfect. A field that has a separator or a quote stands in quotes, in which a quote is
// doubled. The reader also takes columns in any order and more of them, a missing residual
// (0) or tracker (one for all lines), semicolons or tabs as separators and, with
// semicolons, decimal commas.

// csv reads tables of keyframes.
func csv() Importer {
	return reader{
		format: Format{
			ID: "csv", Application: "Table", Variant: "one line per keyframe (.csv)",
			Extensions: []string{".csv", ".tsv", ".txt"},
		},
		detect:  detectCSV,
		read:    readCSV,
		nothing: "The table needs a heading with the columns tracker, frame, x and y, and a line for each keyframe.",
	}
}

func detectCSV(head []byte) int {
	line, rest := firstLine(head)
	for len(line) > 0 && line[0] == '#' {
		line, rest = firstLine(rest)
	}
	if _, ok := csvHeading(line); ok {
		return 95
	}
	return 0
}

// csvColumn is what a column means.
type csvColumn int

const (
	csvIgnored csvColumn = iota
	csvTracker
	csvFrame
	csvX
	csvY
	csvResidual
)

// csvTable is the form of a table.
type csvTable struct {
	separator byte
	columns   []csvColumn
}

// csvHeading understands the line with the names of the columns; ok is false if frame, x
// or y are missing.
func csvHeading(line []byte) (table csvTable, ok bool) {
	const most = 1000 // columns
	for _, separator := range []byte{',', ';', '\t'} {
		table = csvTable{separator: separator}
		for _, cell := range bytes.SplitN(line, []byte{separator}, most) {
			table.columns = append(table.columns, csvColumnOf(cell))
		}
		has := func(c csvColumn) bool { return slices.Contains(table.columns, c) }
		if has(csvFrame) && has(csvX) && has(csvY) {
			return table, true
		}
	}
	return table, false
}

// csvColumnOf returns the meaning of the name of a column.
func csvColumnOf(cell []byte) csvColumn {
	switch strings.ToLower(string(trim(bytes.Trim(trim(cell), `"`)))) {
	case "tracker", "track", "name":
		return csvTracker
	case "frame":
		return csvFrame
	case "x":
		return csvX
	case "y":
		return csvY
	case "residual":
		return csvResidual
	}
	return csvIgnored
}

func readCSV(in *Source, out *builder) error {
	table, err := csvPreamble(in, out)
	if err != nil {
		return err
	}
	r := csvReader{in: in, out: out, table: table}
	for {
		line, ok := filledLine(in)
		if !ok {
			return nil
		}
		if err := r.row(line); err != nil {
			return err
		}
	}
}

// csvPreamble reads up to the heading.
func csvPreamble(in *Source, out *builder) (csvTable, error) {
	for {
		line, ok := filledLine(in)
		if !ok {
			return csvTable{}, in.Fail("there is no heading", "The first line has to name the columns: tracker,frame,x,y,residual.")
		}
		if line[0] != '#' {
			table, ok := csvHeading(line)
			if !ok {
				return table, in.Fail("the heading does not name the columns frame, x and y", "The first line has to name the columns: tracker,frame,x,y,residual.")
			}
			return table, nil
		}
		f := fields{line: bytes.Map(func(r rune) rune {
			if r == ':' || r == '=' || r == ',' || r == ';' {
				return ' '
			}
			return r
		}, line[1:])}
		for word := f.next(); len(word) > 0; word = f.next() {
			switch string(word) {
			case "width":
				width, _ := track.ParseFrame(f.next())
				out.size(width, 0)
			case "height":
				height, _ := track.ParseFrame(f.next())
				out.size(0, height)
			}
		}
	}
}

// csvReader reads the lines of a table.
type csvReader struct {
	in    *Source
	out   *builder
	table csvTable

	cell    []byte // read last, without quotes
	start   int    // where in the line it starts
	scratch []byte // a cell with doubled quotes
	name    []byte // of the tracker
}

// row adds the keyframe of a line.
func (r *csvReader) row(line []byte) error {
	k := track.Keyframe{}
	r.name = append(r.name[:0], "track"...)
	pos := 0
	for i, column := range r.table.columns {
		if pos < 0 {
			if err := r.checkRest(i); err != nil {
				return err
			}
			break
		}
		var err error
		if pos, err = r.next(line, pos); err != nil {
			return err
		}
		if err = r.take(column, &k); err != nil {
			return err
		}
	}
	r.out.sort(r.name)
	return r.out.add(k.Frame, k.X, k.Y, k.Residual)
}

// take puts the current cell where its column says.
func (r *csvReader) take(column csvColumn, k *track.Keyframe) (err error) {
	switch column {
	case csvTracker:
		r.name = append(r.name[:0], trim(r.cell)...)
	case csvFrame:
		k.Frame, err = r.in.frame(trim(r.cell), r.start)
	case csvX:
		k.X, err = r.number("x")
	case csvY:
		k.Y, err = r.number("y")
	case csvResidual:
		if len(trim(r.cell)) > 0 {
			k.Residual, err = r.number("the residual")
		}
	}
	return err
}

// checkRest makes sure that a line may end before its columns from here on.
func (r *csvReader) checkRest(from int) error {
	for _, column := range r.table.columns[from:] {
		if column != csvIgnored && column != csvResidual {
			return r.in.Fail("the line has too few cells", hintTruncated)
		}
	}
	return nil
}

// number reads the current cell as a number.
func (r *csvReader) number(what string) (float64, error) {
	cell := trim(r.cell)
	if r.table.separator == ';' {
		if i := bytes.IndexByte(cell, ','); i >= 0 {
			r.scratch = append(r.scratch[:0], cell...)
			r.scratch[i] = '.'
			cell = r.scratch
		}
	}
	return r.in.float(cell, r.start, what)
}

// next reads the cell that starts at pos and returns where the next one starts, -1 at the
// end of the line.
func (r *csvReader) next(line []byte, pos int) (int, error) {
	r.start = pos
	if pos >= len(line) || line[pos] != '"' {
		end := bytes.IndexByte(line[pos:], r.table.separator)
		if end < 0 {
			r.cell = line[pos:]
			return -1, nil
		}
		r.cell = line[pos : pos+end]
		return pos + end + 1, nil
	}
	r.scratch = r.scratch[:0]
	for pos++; pos < len(line); pos++ {
		if line[pos] == '"' {
			if pos+1 >= len(line) || line[pos+1] != '"' {
				break
			}
			pos++
		}
		r.scratch = append(r.scratch, line[pos])
	}
	if pos >= len(line) {
		return -1, r.in.failAt(r.start, "the quote does not end in this line", "Double the quotes within a field and leave out line breaks.")
	}
	r.cell = r.scratch
	if end := bytes.IndexByte(line[pos:], r.table.separator); end >= 0 {
		return pos + end + 1, nil
	}
	return -1, nil
}
