package importer

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"

	"convertd/runner/track"
	"convertd/runner/track/nuke"
)

// Nuke scripts: the animated positions of Tracker3, Tracker4, Reconcile3D, PlanarTracker,
// CornerPin2D and Transform nodes, in groups too. A tracker is named NODE_KNOB or, from a
// Tracker4, NODE_ROW. Frames count from 1, positions from the lower left corner; x and y
// are joined where both have a key.
//
// Unlike in the reference, negative and fractional frames and values with exponents are
// understood, an apostrophe is a letter, a node may stand on one line, tracks that are
// never enabled are left out, and the frame size is read: that of the nearest picture
// above the first node with tracks, since tracks are in its pixels, else that of Root.

// nukeScript reads Nuke scripts.
func nukeScript() Importer {
	return reader{
		format: Format{
			ID: "nuke", Application: "Nuke", Variant: "script with tracker, corner pin and transform nodes (.nk)",
			Extensions: []string{".nk", ".nknc", ".gizmo"},
		},
		detect:  detectNuke,
		read:    readNuke,
		nothing: "Save a script with a Tracker, CornerPin2D, PlanarTracker, Reconcile3D or Transform node that is animated in x and y.",
	}
}

func detectNuke(head []byte) int {
	line, _ := firstLine(head)
	if bytes.HasPrefix(line, []byte("#! ")) && bytes.Contains(line, []byte("Nuke")) {
		return 100
	}
	for _, mark := range []string{"set cut_paste_input [stack 0]", "define_window_layout_xml {", "push $cut_paste_input"} {
		if hasLine(head, mark) {
			return 100
		}
	}
	score := 0
	for _, node := range []string{
		"Root {", "Tracker3 {", "Tracker4 {", "CornerPin2D {", "Transform {", "PlanarTracker1_0 {", "PlanarTracker {", "Reconcile3D {",
	} {
		if hasLine(head, node) {
			score = max(score, 60) + 10
		}
	}
	return min(score, 95)
}

// hasLine reports whether a line of text starts with prefix.
func hasLine(text []byte, prefix string) bool {
	for {
		i := bytes.Index(text, []byte(prefix))
		if i < 0 {
			return false
		}
		if i == 0 || text[i-1] == '\n' {
			return true
		}
		text = text[i+len(prefix):]
	}
}

func readNuke(in *Source, out *builder) error {
	n := &nukeNodes{out: out}
	err := nuke.Read(in, n)
	var syntax *nuke.SyntaxError
	if errors.As(err, &syntax) {
		return in.Fail(syntax.Problem, hintTruncated)
	}
	n.chooseSize()
	return err
}

// nukeNodes collects trackers and frame sizes while a script is read.
type nukeNodes struct {
	out   *builder
	named int // trackers that have the name of their node already

	rootWidth, rootHeight int
	width, height         int // of the nearest picture so far
	found                 bool
}

// Format notes a frame size.
func (n *nukeNodes) Format(class string, width, height int) {
	switch {
	case class == "Root":
		n.rootWidth, n.rootHeight = width, height
		n.out.in.state(width, height)
	case !n.found:
		n.width, n.height = width, height
	}
}

// Point makes a tracker of an animated position.
func (n *nukeNodes) Point(name string, x, y nuke.Curve) error {
	n.found = true
	n.out.begin(track.CleanName([]byte(name)))
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0].Frame < y[0].Frame:
			x = x[1:]
		case x[0].Frame > y[0].Frame:
			y = y[1:]
		default:
			if err := n.out.add(int(math.Floor(x[0].Frame))-1, x[0].Value, y[0].Value, 0); err != nil {
				return err
			}
			x, y = x[1:], y[1:]
		}
	}
	n.out.finish()
	return nil
}

// EndNode puts the name of the node before those of its trackers. The corners of a
// PlanarTracker come in the order of their names, whatever their order in the script.
func (n *nukeNodes) EndNode(class, name string) {
	if strings.HasPrefix(class, "PlanarTracker") {
		slices.SortStableFunc(n.out.done[n.named:], func(a, b track.Tracker) int { return strings.Compare(a.Name, b.Name) })
	}
	prefix := track.CleanName([]byte(name)) + "_"
	for i := n.named; i < len(n.out.done); i++ {
		n.out.done[i].Name = prefix + n.out.done[i].Name
	}
	n.named = len(n.out.done)
}

// chooseSize gives the shot the frame size the script states.
func (n *nukeNodes) chooseSize() {
	if n.width > 0 {
		n.out.size(n.width, n.height)
	} else {
		n.out.size(n.rootWidth, n.rootHeight)
	}
}
