package importer

import (
	"bytes"

	"convertd/runner/track"
)

// The point tracks of MatchMover (.rz2):
//
//	imageSequence  "Sequence 01"
//	{
//	<TAB>2156<TAB>1804<TAB>f( "/path/x.%d.jpg" )<TAB>b( 1001 1256 1 )<TAB>
//	}
//	pointTrack  "Track 01"  rgb( 0 0 0 )<TAB>
//	{
//	<TAB>1120<TAB>    10.715    1342.636    kb( 0.8 )<TAB>    s( 28 28 33 33 )  p( 10 10 8 8 )
//	<TAB>1121<TAB>    15.694    1327.785    p+( 0.96 )<TAB>
//	}
//
// b() has the first frame of the sequence, from which frames count; without it they count
// from 0. y counts from the top. p+() and p*() hold a correlation, residual = 1 -
// correlation; other keys are set by hand and have none. Unlike in the reference, negative
// frames and exponents are understood and a frame that comes twice does not end the
// reading.

// matchMover reads MatchMover's .rz2 files.
func matchMover() Importer {
	return reader{
		format: Format{
			ID: "matchmover", Application: "MatchMover", Variant: "REALVIZ point tracks (.rz2)",
			Extensions: []string{".rz2"},
		},
		detect:  detectMatchMover,
		read:    readMatchMover,
		nothing: "In MatchMover select the tracks before you export them.",
	}
}

func detectMatchMover(head []byte) int {
	line, _ := firstLine(head)
	f := fields{line: line}
	switch string(f.next()) {
	case "imageSequence":
		return 100
	case "pointTrack":
		return 80
	}
	return 0
}

// rz2State is where in the file the reader is.
type rz2State int

const (
	rz2Outside rz2State = iota
	rz2Sequence
	rz2Track
	rz2Skipped // a block of no interest
)

// rz2Reader reads .rz2 files line by line.
type rz2Reader struct {
	in    *Source
	out   *builder
	state rz2State
	sized bool // the line with the frame size has been read
	start int  // first frame of the sequence
}

func readMatchMover(in *Source, out *builder) error {
	r := &rz2Reader{in: in, out: out}
	for {
		line, ok := filledLine(in)
		if !ok {
			break
		}
		if err := r.line(line); err != nil {
			return err
		}
	}
	if r.state != rz2Outside {
		return in.Fail("the file ends within a track", hintTruncated)
	}
	return nil
}

// line takes the next line that is not blank.
func (r *rz2Reader) line(line []byte) error {
	first := trim(line)[0]
	if r.state == rz2Outside {
		r.open(line)
		return nil
	}
	if r.state == rz2Sequence {
		r.sequence(line)
	}
	if first == '}' {
		r.state = rz2Outside
		return nil
	}
	if r.state == rz2Track && (isDigit(first) || first == '-' || first == '+') {
		return r.keyframe(line)
	}
	return nil
}

// open takes the line before a block.
func (r *rz2Reader) open(line []byte) {
	f := fields{line: line}
	switch string(f.next()) {
	case "imageSequence":
		r.state = rz2Sequence
	case "pointTrack":
		r.state = rz2Track
		r.out.begin(track.CleanName(quotedIn(line)))
	default:
		if bytes.IndexByte(line, '{') >= 0 && bytes.IndexByte(line, '}') < 0 {
			r.state = rz2Skipped
		}
	}
}

// sequence takes a line of the block about the image sequence: the frame size stands in
// the first one, the range of frames behind the path, which may go over several lines.
func (r *rz2Reader) sequence(line []byte) {
	f := fields{line: line}
	if !r.sized {
		width, okWidth := track.ParseFrame(f.next())
		height, okHeight := track.ParseFrame(f.next())
		if okWidth && okHeight {
			r.out.size(width, height)
			r.sized = true
		}
	}
	if i := bytes.LastIndex(line, []byte("b( ")); i >= 0 {
		f = fields{line: line[i+3:]}
		if start, ok := track.ParseFrame(f.next()); ok {
			r.start = start
		}
	}
}

// keyframe adds the keyframe of a line.
func (r *rz2Reader) keyframe(line []byte) error {
	if r.out.height <= 0 {
		return sizeMissing(r.in.format)
	}
	f := r.in.words(line)
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
	residual, err := r.residual(f)
	if err != nil {
		return err
	}
	return r.out.add(frame-r.start, x, float64(r.out.height)-y, residual)
}

// residual reads the correlation behind a position.
func (r *rz2Reader) residual(f fields) (float64, error) {
	rest := f.line[f.pos:]
	i := bytes.Index(rest, []byte("p+("))
	if i < 0 {
		i = bytes.Index(rest, []byte("p*("))
	}
	if i < 0 {
		return 0, nil
	}
	start := f.pos + i + 3
	end := bytes.IndexByte(f.line[start:], ')')
	if end < 0 {
		return 0, r.in.failAt(start, "the correlation does not end", hintTruncated)
	}
	for start < len(f.line) && isBlank(f.line[start]) {
		start, end = start+1, end-1
	}
	correlation, err := r.in.float(trim(f.line[start:start+max(end, 0)]), start, "the correlation")
	return 1 - correlation, err
}

// quotedIn returns what stands between the first and the last quote of a line.
func quotedIn(line []byte) []byte {
	first, last := bytes.IndexByte(line, '"'), bytes.LastIndexByte(line, '"')
	if first < 0 || last <= first {
		return nil
	}
	return line[first+1 : last]
}
