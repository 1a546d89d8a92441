package importer

import (
	"bytes"

	"convertd/runner/track"
)

// convertd's own document:
//
//	{"format":"convertd tracks","version":1,"width":1920,"height":1080,"trackers":[
//	{"name":"Track_01","keyframes":[
//	{"frame":0,"x":100.5,"y":200.25,"residual":0.01}
//	]}
//	]}
//
// Frame 0 is the first of the clip; x and y are pixels from the lower left corner, y up;
// residual 0 is perfect and may be left out, as may width and height. Keys may come in any
// order, others are ignored. A position that is null means that there is none.

// jsonTracks reads JSON documents.
func jsonTracks() Importer {
	return reader{
		format: Format{
			ID: "json", Application: "JSON", Variant: "trackers with keyframes (.json)",
			Extensions: []string{".json"},
		},
		detect:  detectJSON,
		read:    readJSON,
		nothing: `The document needs a list "trackers" with a list "keyframes" in each.`,
	}
}

func detectJSON(head []byte) int {
	text := trim(head)
	switch {
	case len(text) == 0 || text[0] != '{':
		return 0
	case bytes.Contains(text, []byte(`"convertd tracks"`)):
		return 100
	case bytes.Contains(text, []byte(`"trackers"`)) && bytes.Contains(text, []byte(`"keyframes"`)):
		return 90
	}
	return 0
}

// jsonDocument reads the parts of a document that matter.
type jsonDocument struct {
	jsonScanner
	out *builder
}

func readJSON(in *Source, out *builder) error {
	d := &jsonDocument{jsonScanner: jsonScanner{in: in}, out: out}
	err := d.object(d.member)
	if err == nil && d.skipBlanks() {
		err = d.fail("there is something behind the document")
	}
	d.sync()
	return err
}

// member reads one member of the document.
func (d *jsonDocument) member(key string) error {
	switch key {
	case "width":
		width, err := d.number()
		d.out.size(jsonSide(width), 0)
		return err
	case "height":
		height, err := d.number()
		d.out.size(0, jsonSide(height))
		return err
	case "trackers":
		return d.array(d.tracker)
	}
	return d.skip(0)
}

// jsonSide makes a frame side of a number, 0 of an impossible one.
func jsonSide(v float64) int {
	if v >= 1 && v <= maxSide {
		return int(v)
	}
	return 0
}

// tracker reads one tracker.
func (d *jsonDocument) tracker() error {
	d.out.begin("")
	return d.object(func(key string) error {
		switch key {
		case "name":
			name, err := d.text()
			d.out.rename(track.CleanName(name))
			return err
		case "keyframes":
			return d.array(d.keyframe)
		}
		return d.skip(0)
	})
}

// jsonKeyframe is a keyframe being read.
type jsonKeyframe struct {
	frame                int
	x, y, residual       float64
	hasFrame, hasX, hasY bool
}

// keyframe reads one keyframe.
func (d *jsonDocument) keyframe() error {
	k := jsonKeyframe{}
	err := d.object(func(key string) (err error) {
		switch key {
		case "frame":
			k.frame, err = d.frame()
			k.hasFrame = true
		case "x":
			k.x, err = d.number()
			k.hasX = true
		case "y":
			k.y, err = d.number()
			k.hasY = true
		case "residual":
			k.residual, err = d.number()
		default:
			err = d.skip(0)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !k.hasFrame || !k.hasX || !k.hasY {
		return d.fail("a keyframe needs frame, x and y")
	}
	d.sync()
	return d.out.add(k.frame, k.x, k.y, k.residual)
}
