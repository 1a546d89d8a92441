package importer

import (
	"bytes"
	"errors"
	"math"

	"convertd/runner/track"
	"convertd/runner/track/shake"
)

// Shake scripts: the tracks of Tracker, Stabilize and MatchMove nodes that are animated
// in x and y. A tracker is named NODE_TRACK. Frames count from 1, positions from the
// lower left corner, residual = 1 - correlation. In a script whose time range starts
// before 0 frames count from that start.
//
// Unlike in the reference, strings may hold commas, parentheses and slashes, numbers may
// have exponents, CSpline is a curve like the others, and a key without correlation has
// the residual 0, not the worst one. The default size of the script is taken for the
// frame size unless most of the keyframes lie outside it: Shake writes 720 x 486 as long
// as nobody sets it.

// shakeScript reads Shake scripts.
func shakeScript() Importer {
	return reader{
		format: Format{
			ID: "shake-script", Application: "Shake", Variant: "script with Tracker, Stabilize and MatchMove nodes (.shk)",
			Extensions: []string{".shk"},
		},
		detect:  detectShakeScript,
		read:    readShakeScript,
		nothing: "Save a script with a Tracker, Stabilize or MatchMove node that is animated in x and y.",
	}
}

func detectShakeScript(head []byte) int {
	for _, mark := range []string{"SetTimeRange(", "SetDefaultWidth(", "SetUseProxy(", "SetFieldRendering("} {
		if hasLine(head, mark) {
			return 100
		}
	}
	if hasLine(head, "// Shake v") {
		return 100
	}
	for _, node := range []string{"Tracker", "Stabilize", "MatchMove"} {
		if assigns(head, node) {
			return 90
		}
	}
	if hasLine(head, "image ") && bytes.Contains(head, []byte("(image ")) {
		return 50
	}
	return 0
}

// assigns reports whether text has an assignment of a call: NAME = call(
func assigns(text []byte, call string) bool {
	for {
		i := bytes.Index(text, []byte(call))
		if i < 0 {
			return false
		}
		before, after := trim(text[:i]), trim(text[i+len(call):])
		if len(before) > 0 && before[len(before)-1] == '=' && len(after) > 0 && after[0] == '(' {
			return true
		}
		text = text[i+len(call):]
	}
}

func readShakeScript(in *Source, out *builder) error {
	n := &shakeNodes{out: out}
	err := shake.Read(in, n)
	var syntax *shake.SyntaxError
	if errors.As(err, &syntax) {
		return in.Fail(syntax.Problem, hintTruncated)
	}
	if err != nil {
		return err
	}
	out.finish()
	if sizeFits(out.done, n.width, n.height) {
		out.size(n.width, n.height)
	}
	return nil
}

// shakeNodes collects trackers while a script is read.
type shakeNodes struct {
	out           *builder
	first         int // of the time range, if negative
	width, height int
}

// TimeRange notes the first frame of the script.
func (n *shakeNodes) TimeRange(first int) {
	n.first = min(first, 0)
}

// DefaultSize notes the size of pictures the script makes.
func (n *shakeNodes) DefaultSize(width, height int) {
	n.width = max(n.width, width)
	n.height = max(n.height, height)
}

// Track makes a tracker.
func (n *shakeNodes) Track(node, name string, x, y, correlation shake.Curve) error {
	n.out.begin(track.CleanName([]byte(node + "_" + name)))
	for len(x) > 0 && len(y) > 0 {
		frame := x[0].Frame
		if frame < y[0].Frame {
			x = x[1:]
			continue
		}
		if frame > y[0].Frame {
			y = y[1:]
			continue
		}
		for len(correlation) > 0 && correlation[0].Frame < frame {
			correlation = correlation[1:]
		}
		residual := 0.0
		if len(correlation) > 0 && correlation[0].Frame == frame {
			residual = 1 - correlation[0].Value
		}
		if err := n.out.add(frame-n.first-1, x[0].Value, y[0].Value, residual); err != nil {
			return err
		}
		x, y = x[1:], y[1:]
	}
	return nil
}

// sizeFits reports whether at least half of the keyframes lie in a frame of this size.
func sizeFits(trackers []track.Tracker, width, height int) bool {
	inside, all := 0, 0
	for _, t := range trackers {
		all += len(t.Keyframes)
		for _, k := range t.Keyframes {
			if math.Abs(2*k.X-float64(width)) <= float64(width) && math.Abs(2*k.Y-float64(height)) <= float64(height) {
				inside++
			}
		}
	}
	return 2*inside >= all
}
