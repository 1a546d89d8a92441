package importer

import (
	"bytes"
	"strconv"

	"convertd/runner/track"
)

// The 2D tracks of PFTrack and PFMatchit:
//
//	# comment
//	"Auto_00001"              name
//	"Primary"                 camera: PFTrack 5; PFMatchit has a bare number
//	2                         number of keyframes
//	41 984.611 30.220 0.000   frame, x, y, residual
//
// More cameras of the same feature may follow, each with its own keyframes; every camera
// becomes a tracker of its own, NAME_CAMERA. Positions count from the centre of the lower
// left pixel, hence half a pixel is added; the residual is scaled by 8.
//
// PFTrack 4 and 5 count frames from 0: real files of theirs start with frame 0. PFMatchit
// counts from 1. The reference's writers know that, its reader takes 1 from all of them,
// which shifts PFTrack's own files to frame -1. Names may hold any character, keyframes
// beyond the stated number count too, and a file that ends early is reported.

// pftrack reads the .2dt files of PFTrack and PFMatchit.
func pftrack() Importer {
	return reader{
		format: Format{
			ID: "pftrack", Application: "PFTrack", Variant: "4, 5 and PFMatchit (.2dt)",
			Extensions: []string{".2dt", ".txt"},
		},
		detect:  detectPFTrack,
		read:    readPFTrack,
		nothing: "In PFTrack select the tracks before you export them.",
	}
}

func detectPFTrack(head []byte) int {
	rest, commented := head, 0
	line, rest := firstLine(rest)
	for bytes.HasPrefix(trim(line), []byte("#")) {
		if bytes.Contains(line, []byte("PFTrack")) || bytes.Contains(line, []byte("PFMatchit")) {
			commented = 10
		}
		line, rest = firstLine(rest)
	}
	second, _ := firstLine(rest)
	name, second := trim(line), trim(second)
	if len(name) < 2 || name[0] != '"' || name[len(name)-1] != '"' {
		return 5 * commented
	}
	if isInteger(second) || (len(second) > 0 && second[0] == '"') {
		return 85 + commented
	}
	return 0
}

// pfState is what the next line of a PFTrack file has to be.
type pfState int

const (
	pfName   pfState = iota // a name, or another camera of the same feature
	pfSecond                // behind a name: camera, or number of keyframes
	pfThird                 // behind a bare number: number of keyframes, or keyframe
	pfCount                 // behind a quoted camera: number of keyframes
	pfData                  // a keyframe
)

// pfReader reads PFTrack files line by line. Whether a number behind a name is a camera
// or a count shows only in the line after it.
type pfReader struct {
	in  *Source
	out *builder

	state     pfState
	name      string // of the feature
	firstLine string // quoted line that is either a name or a camera
	number    int    // bare number that is either a camera or a count
	left      int    // keyframes still to come
	shift     int    // of frame numbers
	cameras   bool   // the feature before has quoted cameras
}

func readPFTrack(in *Source, out *builder) error {
	p := &pfReader{in: in, out: out}
	for {
		line, ok := in.Line()
		if !ok {
			return p.end()
		}
		line = trim(line)
		if len(line) == 0 || (line[0] == '#' && p.state != pfData) {
			continue
		}
		if err := p.line(line); err != nil {
			return err
		}
	}
}

// line takes the next line that is not blank.
func (p *pfReader) line(line []byte) error {
	switch p.state {
	case pfName:
		return p.nameLine(line)
	case pfSecond:
		return p.secondLine(line)
	case pfThird:
		return p.thirdLine(line)
	case pfCount:
		return p.countLine(line)
	}
	return p.dataLine(line)
}

// nameLine takes a name, or, behind the keyframes of a camera, maybe the next camera.
func (p *pfReader) nameLine(line []byte) error {
	if numbersIn(line) > 2 && p.out.active() {
		return p.dataLine(line) // more keyframes than the file says
	}
	if p.shift == -1 && isInteger(line) {
		p.camera(line)
		return nil
	}
	p.firstLine = unquoted(line)
	p.state = pfSecond
	return nil
}

// secondLine takes what follows a name.
func (p *pfReader) secondLine(line []byte) error {
	switch {
	case !isInteger(line):
		p.name = p.firstLine
		p.camera(line)
	case p.cameras:
		p.out.begin(p.name + "_" + p.firstLine)
		return p.countLine(line)
	default:
		number, ok := track.ParseFrame(line)
		if !ok || number < 0 {
			return p.in.Fail("the number of keyframes should be here", hintDamaged)
		}
		p.name, p.number, p.state = p.firstLine, number, pfThird
	}
	return nil
}

// camera starts the tracker of one camera of a feature.
func (p *pfReader) camera(line []byte) {
	p.cameras = !isInteger(line)
	p.shift = 0
	if !p.cameras {
		p.shift = -1
		p.in.CountsFromOne = true
	}
	p.out.begin(p.name + "_" + unquoted(line))
	p.state = pfCount
}

// thirdLine takes the line behind a name and a bare number.
func (p *pfReader) thirdLine(line []byte) error {
	if isInteger(line) {
		p.camera(strconv.AppendInt(nil, int64(p.number), 10))
		return p.countLine(line)
	}
	p.cameras, p.shift = false, 0
	p.out.begin(p.name)
	p.expect(p.number)
	return p.line(line)
}

// countLine takes the number of keyframes.
func (p *pfReader) countLine(line []byte) error {
	n, ok := track.ParseFrame(line)
	if !ok || !isInteger(line) || n < 0 {
		return p.in.Fail("the number of keyframes should be here", hintDamaged)
	}
	p.expect(n)
	return nil
}

// expect sets how many keyframes follow.
func (p *pfReader) expect(keyframes int) {
	p.left, p.state = keyframes, pfData
	if keyframes <= 0 {
		p.state = pfName
	}
}

// dataLine takes a keyframe.
func (p *pfReader) dataLine(line []byte) error {
	f := p.in.words(p.in.current)
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
	residual := 0.0
	if word := f.next(); len(word) > 0 {
		if residual, err = p.in.float(word, f.start, "the residual"); err != nil {
			return err
		}
	}
	p.expect(p.left - 1)
	return p.out.add(frame+p.shift, x+0.5, y+0.5, residual*8)
}

// end checks that the file does not end within a feature.
func (p *pfReader) end() error {
	if p.state == pfName || (p.state == pfThird && p.number == 0) {
		return nil
	}
	return p.in.Fail("the file ends within a track", hintTruncated)
}

// unquoted returns a name without the quotes around it.
func unquoted(line []byte) string {
	if len(line) > 0 && line[0] == '"' {
		line = line[1:]
	}
	if len(line) > 0 && line[len(line)-1] == '"' {
		line = line[:len(line)-1]
	}
	return track.CleanName(trim(line))
}
