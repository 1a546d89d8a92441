package importer

import (
	"bytes"
	"strconv"
	"strings"

	"convertd/runner/track"
)

// The keyframe text of After Effects, which Mocha and others export too:
//
//	Adobe After Effects 8.0 Keyframe Data
//
//		Units Per Second	24
//		Source Width	1920
//		Source Height	1080
//
//	Transform	Position
//		Frame	X pixels	Y pixels	Z pixels
//		0	960	540	0
//
//	End of Keyframe Data
//
// A line without a tab before it starts a block, the next one names its columns. Blocks
// with X and Y in pixels that stand for a point in the picture become trackers: the
// position of a layer, points of effects (the corners of a corner pin), attach points of
// the tracker panel. Frames count from 0, y from the top. The format has no names: those
// of the trackers say what the block was; a number is added where they are equal.

const (
	aeTitle = "Adobe After Effects"
	aeEnd   = "End of Keyframe Data"
)

// aeKeyframes reads After Effects keyframe text.
func aeKeyframes() Importer {
	return reader{
		format: Format{
			ID: "ae-keyframes", Application: "After Effects", Variant: "keyframe text, also from Mocha (.txt)",
			Extensions: []string{".txt"},
		},
		detect:  detectAEKeyframes,
		read:    readAEKeyframes,
		nothing: "Copy animated positions, corner pins or tracker data. Scale and rotation alone are no tracks.",
	}
}

func detectAEKeyframes(head []byte) int {
	line, _ := firstLine(head)
	if bytes.HasPrefix(trim(line), []byte(aeTitle)) && bytes.Contains(line, []byte("Keyframe Data")) {
		return 100
	}
	return 0
}

// aeReader reads keyframe text line by line.
type aeReader struct {
	in    *Source
	out   *builder
	names map[string]int // how often each name was used

	block   string // name of the tracker of the block, empty if it is none
	inBlock bool
	points  bool // the columns of the block are frame, x and y
	ended   bool
}

func readAEKeyframes(in *Source, out *builder) error {
	r := &aeReader{in: in, out: out, names: map[string]int{}}
	for {
		line, ok := filledLine(in)
		if !ok {
			break
		}
		if err := r.line(line); err != nil {
			return err
		}
	}
	if !r.ended {
		return in.Fail("the file ends before "+aeEnd, hintTruncated)
	}
	return nil
}

// line takes the next line that is not blank.
func (r *aeReader) line(line []byte) error {
	if line[0] != '\t' {
		r.open(line)
		return nil
	}
	row := tabbed{in: r.in, line: line, pos: 1}
	first := row.next()
	switch {
	case string(first) == "Frame":
		r.points = string(row.next()) == "X pixels" && string(row.next()) == "Y pixels"
		if r.points && r.block != "" {
			r.out.begin(r.unique(r.block))
		}
	case !r.inBlock:
		r.setting(string(first), row.next())
	case r.points && r.block != "" && len(first) > 0:
		return r.keyframe(first, row)
	}
	return nil
}

// open takes a line that starts a block or ends the text.
func (r *aeReader) open(line []byte) {
	r.inBlock, r.points, r.block = true, false, ""
	switch {
	case bytes.HasPrefix(line, []byte(aeEnd)):
		r.ended = true
	case bytes.HasPrefix(line, []byte(aeTitle)):
		r.inBlock, r.ended = false, false
	default:
		r.block = aeName(strings.Split(strings.TrimRight(string(line), "\t "), "\t"))
	}
}

// setting takes a line of the preamble.
func (r *aeReader) setting(name string, value []byte) {
	n, _ := track.ParseFrame(value)
	switch name {
	case "Source Width":
		r.out.size(n, 0)
	case "Source Height":
		r.out.size(0, n)
	}
}

// unique makes name different from all names before.
func (r *aeReader) unique(name string) string {
	r.names[name]++
	if n := r.names[name]; n > 1 {
		return name + "_" + strconv.Itoa(n)
	}
	return name
}

// keyframe adds the keyframe of a row whose first cell is read.
func (r *aeReader) keyframe(first []byte, row tabbed) error {
	if r.out.height <= 0 {
		return sizeMissing(r.in.format)
	}
	frame, err := r.in.frame(first, row.start)
	if err != nil {
		return err
	}
	cell := row.next()
	x, err := r.in.float(cell, row.start, "x")
	if err != nil {
		return err
	}
	cell = row.next()
	y, err := r.in.float(cell, row.start, "y")
	if err != nil {
		return err
	}
	return r.out.add(frame, x, float64(r.out.height)-y, 0)
}

// aeName returns the name for the tracker of a block with this heading, empty if the
// block is no point in the picture.
func aeName(heading []string) string {
	last := heading[len(heading)-1]
	switch {
	case heading[0] == "Transform" && last == "Position":
		return "Position"
	case heading[0] == "Motion Trackers" && len(heading) >= 4:
		if !strings.HasPrefix(last, "Attach Point") || strings.HasPrefix(last, "Attach Point Offset") {
			return ""
		}
		return aeWords(heading[1]) + "_" + aeWords(heading[2])
	case heading[0] == "Effects" && len(heading) >= 3:
		return aeEffectName(heading[1], last)
	}
	return ""
}

// aeEffectName returns the name for a point of an effect. Matchnames of corners become
// the words of the interface; the number behind # only tells effects of a kind apart.
func aeEffectName(effect, property string) string {
	switch property {
	case "ADBE Corner Pin-0001", "CC Power Pin-0002":
		return "Upper_Left"
	case "ADBE Corner Pin-0002", "CC Power Pin-0003":
		return "Upper_Right"
	case "ADBE Corner Pin-0003", "CC Power Pin-0004":
		return "Lower_Left"
	case "ADBE Corner Pin-0004", "CC Power Pin-0005":
		return "Lower_Right"
	}
	kind, _, _ := strings.Cut(effect, " #")
	if parameter, ok := strings.CutPrefix(property, kind+"-"); ok {
		if parameter == "0001" {
			return aeWords(effect)
		}
		return aeWords(effect) + "_" + aeWords(parameter)
	}
	property, _, _ = strings.Cut(property, " #")
	return aeWords(property)
}

// aeWords makes a name of a heading: without the maker and the number sign.
func aeWords(heading string) string {
	heading = strings.TrimPrefix(heading, "ADBE ")
	return track.CleanName([]byte(strings.ReplaceAll(heading, "#", "")))
}

// tabbed walks over the cells of a line with tabs between them.
type tabbed struct {
	in    *Source
	line  []byte
	pos   int
	start int // of the cell returned last
}

// next returns the next cell; it is empty behind the last one.
func (t *tabbed) next() []byte {
	t.start = min(t.pos, len(t.line))
	rest := t.line[t.start:]
	if end := bytes.IndexByte(rest, '\t'); end >= 0 {
		rest = rest[:end]
	}
	t.pos = t.start + len(rest) + 1
	return trim(rest)
}
