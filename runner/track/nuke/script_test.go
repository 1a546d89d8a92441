package nuke

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pieces is a script that comes in windows of a fixed size.
type pieces struct {
	text string
	size int
}

func (p *pieces) Window() []byte { return []byte(p.text[:min(p.size, len(p.text))]) }
func (p *pieces) Advance(n int)  { p.text = p.text[n:] }

// recorder writes down what it is told.
type recorder struct{ lines []string }

func (r *recorder) Format(class string, width, height int) {
	r.lines = append(r.lines, fmt.Sprintf("format %s %dx%d", class, width, height))
}

func (r *recorder) Point(name string, x, y Curve) error {
	r.lines = append(r.lines, fmt.Sprintf("point %q %v %v", name, x, y))
	return nil
}

func (r *recorder) EndNode(class, name string) {
	r.lines = append(r.lines, fmt.Sprintf("end %s %q", class, name))
}

// read returns what a script holds, the same for any size of windows.
func read(t *testing.T, script string) ([]string, error) {
	t.Helper()
	var want []string
	var wantErr error
	for i, size := range []int{1 << 20, 7, 2, 1} {
		r := &recorder{}
		err := Read(&pieces{text: script, size: size}, r)
		if i == 0 {
			want, wantErr = r.lines, err
		}
		if diff := cmp.Diff(want, r.lines); diff != "" || (err == nil) != (wantErr == nil) {
			t.Fatalf("windows of %d bytes read differently (%v, %v):\n%s", size, wantErr, err, diff)
		}
	}
	return want, wantErr
}

func TestCurves(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"curve x1 1 2 3 x10 4 x11 5 6": "[{1 1} {2 2} {3 3} {10 4} {11 5} {12 6}]",
		"curve x1 1 x3 2 3 4":          "[{1 1} {3 2} {5 3} {7 4}]",
		"curve 1 2":                    "[{1 1} {2 2}]",
		"curve i x-5 1e-05 -2.5E1":     "[{-5 1e-05} {-4 -25}]",
		"curve x1.5 1 2":               "[{1.5 1} {2.5 2}]",
		"curve K x1 1 s0.5 t0.1 L 2":   "[{1 1} {2 2}]",
		"curve x5 1 x3 2 x5 3":         "[{3 2} {5 3}]",
		"curve x1 {1 2} 3":             "[{1 3}]",
		"curve":                        "[]",
	}
	for curve, want := range tests {
		t.Run(curve, func(t *testing.T) {
			t.Parallel()
			got, err := read(t, "CornerPin2D {\n to1 {{"+curve+"} {curve x0 0}}\n name A\n}\n")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{`point "to1" ` + want + " [{0 0}]", `end CornerPin2D "A"`}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	const xy = "{{curve x1 1} {curve x1 2}}"
	tests := map[string]struct {
		script string
		want   []string
	}{
		"apostrophe":         {"Text {\n message it's\n}\nTransform {\n translate " + xy + "\n}\n", []string{`point "translate" [{1 1}] [{1 2}]`, `end Transform ""`}},
		"one line":           {"Transform {name A center " + xy + "}", []string{`point "center" [{1 1}] [{1 2}]`, `end Transform "A"`}},
		"tabs":               {"Transform\t{\n\tcenter\t" + xy + "\n\tname\tA\n}", []string{`point "center" [{1 1}] [{1 2}]`, `end Transform "A"`}},
		"one axis":           {"Transform {\n center {{curve x1 1} 5}\n name A\n}", []string{`end Transform "A"`}},
		"not animated":       {"Transform {\n center {100 200}\n translate 5\n name A\n}", []string{`end Transform "A"`}},
		"expression":         {"Transform {\n center {{\"curve+5\" x1 1} {curve+5 x1 1}}\n name A\n}", []string{`end Transform "A"`}},
		"control characters": {"\x00Transform\x01{\x02center\x00" + xy + "\x03}\x00", []string{`point "center" [{1 1}] [{1 2}]`, `end Transform ""`}},
		"other class":        {"Blur {\n center " + xy + "\n}", nil},
		"knob of a clone":    {"clone $C1 {\n center " + xy + "\n}", nil},
		"comment":            {"# Transform {\n#! Transform {\nversion 5", nil},
		"quoted name":        {"Transform {\n center " + xy + "\n name \"My \\\"Trk\\\"\"\n}", []string{`point "center" [{1 1}] [{1 2}]`, `end Transform "My \"Trk\""`}},
		"braces in strings":  {"Transform {\n label \"\\{ a \\\" b\"\n center " + xy + "\n name A\n}", []string{`point "center" [{1 1}] [{1 2}]`, `end Transform "A"`}},
		"knob without value": {"Transform {\n selected\n center " + xy + "\n name A\n}", []string{`point "center" [{1 1}] [{1 2}]`, `end Transform "A"`}},
		"root":               {"Root {\n format \"1920 1080 0 0 1920 1080 1 HD\"\n}", []string{"format Root 1920x1080"}},
		"bad format":         {"Root {\n format HD\n}\nRead {\n format {640 480}\n}\nRead {\n format \"-1 5\"\n}", []string{"format Read 640x480"}},
		"disabled track":     {"Tracker3 {\n enable1 false\n track1 " + xy + "\n enable2 true\n track2 " + xy + "\n}", []string{`point "track2" [{1 1}] [{1 2}]`, `end Tracker3 ""`}},
		"empty table":        {"Tracker4 {\n tracks {}\n}\nTracker4 {\n}", []string{`end Tracker4 ""`, `end Tracker4 ""`}},
		"rows": {"Tracker4 { tracks { {1} {h} { {1 {name here} {curve x1 1} {\"curve \" x1 2} 5 {x}} {0 off {curve x1 1} {curve x1 1}} { {curve K x1 0} off {curve x1 1} {curve x1 1} } } } name T }",
			[]string{`point "name here" [{1 1}] [{1 2}]`, `end Tracker4 "T"`}},
		"row names": {"Tracker4 { tracks { {1} {h} { { {curve K x1 1} {name here} {curve-2.5 x1 1} {\"curve \" x1 2} 5 {x} } { 1 \"b\" {curve x2 1} {curve x2 1} } } } name T }",
			[]string{`point "name here" [{1 -1.5}] [{1 2}]`, `point "b" [{2 1}] [{2 1}]`, `end Tracker4 "T"`}},
		"group": {"Group {\n name G\n}\nTransform {\n center " + xy + "\n name A\n}\nend_group\n", []string{`point "center" [{1 1}] [{1 2}]`, `end Transform "A"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(t, test.script)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"open node":    "Transform {\n center {{curve x1 1}",
		"open string":  "Transform {\n label \"abc",
		"open table":   "Tracker4 { tracks { {} {} { {",
		"skipped node": "Blur {\n size {",
		"huge value":   "Transform { center {{curve x1 1e999} {curve x1 1}} }",
		"huge frame":   "Transform { center {{curve x1e99 1} {curve x1 1}} }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, script)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Error() == "" {
				t.Errorf("got %v, want a *SyntaxError", err)
			}
		})
	}
}

func TestHandlerErrorsStopReading(t *testing.T) {
	t.Parallel()
	r := &stopper{err: errors.New("enough")}
	err := Read(&pieces{text: strings.Repeat("Transform {center {{curve x1 1} {curve x1 1}}}\n", 3), size: 100}, r)
	if !errors.Is(err, r.err) || r.points != 1 {
		t.Errorf("got %v behind %d points, want the handler's error behind 1", err, r.points)
	}
}

// stopper refuses the first point.
type stopper struct {
	recorder
	err    error
	points int
}

func (s *stopper) Point(string, Curve, Curve) error {
	s.points++
	return s.err
}
