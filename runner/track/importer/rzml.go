package importer

import (
	"bytes"

	"convertd/runner/track"
)

// MatchMover's XML (.rzml):
//
//	<L i="1" n="Track 01"/>
//	<SHOT w="2048" h="1152">
//	  <IPLN><IFRM t="2"><M i="1" x="626.68" y="488.56" tt="0.8"/></IFRM></IPLN>
//	</SHOT>
//
// Within IPLN, M is a keyframe of the track with the id i, in the frame of the IFRM around
// it, which is the first one if it says none. y counts from the top. Unlike in the
// reference, trackers have the names that L gives them, the residual is 0 because tt is
// the threshold of tracking and not its result, and a cut file is an error.

// rzml reads MatchMover's .rzml files.
func rzml() Importer {
	return reader{
		format: Format{
			ID: "rzml", Application: "MatchMover", Variant: "scene (.rzml)",
			Extensions: []string{".rzml"},
		},
		detect:  detectRZML,
		read:    readRZML,
		nothing: "Save a MatchMover scene that has 2D tracks.",
	}
}

func detectRZML(head []byte) int {
	if i := indexFold(head, "<RZML"); i >= 0 && trim(head)[0] == '<' {
		return 100
	}
	return 0
}

// indexFold finds an upper-case ASCII word in any case.
func indexFold(text []byte, word string) int {
	for i := 0; i+len(word) <= len(text); i++ {
		j := bytes.IndexByte(text[i:], word[0])
		if j < 0 || i+j+len(word) > len(text) {
			return -1
		}
		i += j
		if bytes.EqualFold(text[i:i+len(word)], []byte(word)) {
			return i
		}
	}
	return -1
}

// rzmlReader collects trackers while the elements go by.
type rzmlReader struct {
	in  *Source
	out *builder
	tag tagReader

	names  map[string]string // of tracks, by id
	plane  bool              // within IPLN
	frame  int
	closed bool // </RZML> was there
}

func readRZML(in *Source, out *builder) error {
	r := &rzmlReader{in: in, out: out, tag: tagReader{in: in}, names: map[string]string{}}
	for {
		ok, err := r.tag.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := r.element(); err != nil {
			return err
		}
	}
	if !r.closed {
		return in.Fail("the file ends before </RZML>", hintTruncated)
	}
	return nil
}

// element takes the next tag.
func (r *rzmlReader) element() error {
	switch string(r.tag.name) {
	case "SHOT":
		r.shot()
	case "L":
		r.label()
	case "IPLN":
		r.plane = !r.tag.empty
	case "/IPLN":
		r.plane = false
	case "/RZML":
		r.closed = true
	case "IFRM":
		return r.setFrame()
	case "M":
		if r.plane {
			return r.marker()
		}
	}
	return nil
}

// shot takes the frame size.
func (r *rzmlReader) shot() {
	width, _ := track.ParseFrame(r.tag.attribute("w"))
	height, _ := track.ParseFrame(r.tag.attribute("h"))
	r.out.size(width, height)
}

// label takes the name of a track.
func (r *rzmlReader) label() {
	id := string(r.tag.attribute("i"))
	name := track.CleanName(unescapeXML(r.tag.attribute("n")))
	if _, known := r.names[id]; !known && name != "" {
		r.names[id] = name
	}
}

// setFrame takes the frame of the markers that follow.
func (r *rzmlReader) setFrame() error {
	t := r.tag.attribute("t")
	if len(t) == 0 {
		return nil
	}
	frame, ok := track.ParseFrame(t)
	if !ok {
		return r.in.Fail("the frame number is "+quote(t)+", which is not a usable number", hintDamaged)
	}
	r.frame = frame
	return nil
}

// marker takes a keyframe.
func (r *rzmlReader) marker() error {
	if r.out.height <= 0 {
		return sizeMissing(r.in.format)
	}
	x, okX := r.coordinate("x")
	y, okY := r.coordinate("y")
	if !okX || !okY {
		return r.in.Fail("a marker has no usable position", hintDamaged)
	}
	id := r.tag.attribute("i")
	if r.out.sort(id) {
		if name, ok := r.names[string(id)]; ok {
			r.out.rename(name)
		}
	}
	return r.out.add(r.frame, x, float64(r.out.height)-y, 0)
}

// coordinate reads an attribute of a marker. MatchMover leaves out attributes that are 0.
func (r *rzmlReader) coordinate(name string) (v float64, ok bool) {
	value := r.tag.attribute(name)
	if value == nil {
		return 0, true
	}
	return track.ParseFloat(value)
}
