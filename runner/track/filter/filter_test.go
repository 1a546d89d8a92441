package filter

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"convertd/runner/fault"
	"convertd/runner/track"
)

// key is a keyframe in few letters.
func key(frame int, x, y, residual float64) track.Keyframe {
	return track.Keyframe{Frame: frame, X: x, Y: y, Residual: residual}
}

func shotOf(width, height int, trackers ...track.Tracker) track.Shot {
	return track.Shot{Width: width, Height: height, Trackers: trackers}
}

func tracker(name string, keys ...track.Keyframe) track.Tracker {
	return track.Tracker{Name: name, Keyframes: keys}
}

// small is 200 x 100 with one tracker at (50, 20) and (60, 30).
func small() track.Shot {
	return shotOf(200, 100, tracker("a", key(0, 50, 20, 0.1), key(1, 60, 30, 0.2)))
}

func apply(t *testing.T, spec string, shot track.Shot) track.Shot {
	t.Helper()
	step, err := Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := step.Apply(shot)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return got
}

// TestTools compares with numbers computed by hand.
func TestTools(t *testing.T) {
	t.Parallel()
	rows := []struct {
		spec     string
		in, want track.Shot
	}{
		{"crop=10,20,30,40", small(), shotOf(150, 50, tracker("a", key(0, 30, -20, 0.1), key(1, 40, -10, 0.2)))},
		{"crop=0,-20", small(), shotOf(220, 100, tracker("a", key(0, 70, 20, 0.1), key(1, 80, 30, 0.2)))},
		{"pad=0.1,0.25,0.25,0.5", small(), shotOf(300, 160, tracker("a", key(0, 100, 70, 0.1), key(1, 110, 80, 0.2)))},
		{"pad=0,-0.1,-0.1,0", small(), shotOf(160, 100, tracker("a", key(0, 30, 20, 0.1), key(1, 40, 30, 0.2)))},
		{"pad", small(), small()},
		{"pad=0,0.1,0.1,0", shotOf(1920, 1080, tracker("a", key(0, 0, 0, 0))), shotOf(2304, 1080, tracker("a", key(0, 192, 0, 0)))},
		{"flip", small(), shotOf(200, 100, tracker("a", key(0, 150, 20, 0.1), key(1, 140, 30, 0.2)))},
		{"flop", small(), shotOf(200, 100, tracker("a", key(0, 50, 80, 0.1), key(1, 60, 70, 0.2)))},
		{"golden", small(), shotOf(200, 100, tracker("a", key(0, 50, 20, 0), key(1, 60, 30, 0)))},
		{"scale=2,0.5", small(), shotOf(400, 50, tracker("a", key(0, 100, 10, 0.1), key(1, 120, 15, 0.2)))},
		{"scale=-2", small(), shotOf(400, 100, tracker("a", key(0, 300, 20, 0.1), key(1, 280, 30, 0.2)))},
		{"scale=1.007", small(), shotOf(201, 100, tracker("a", key(0, 50.35, 20, 0.1), key(1, 60.42, 30, 0.2)))},
		{"reformat=100,200", small(), shotOf(100, 200, tracker("a", key(0, 25, 40, 0.1), key(1, 30, 60, 0.2)))},
		{"reformat=100", small(), shotOf(100, 100, tracker("a", key(0, 25, 20, 0.1), key(1, 30, 30, 0.2)))},
		{"reformat=,200", small(), shotOf(200, 200, tracker("a", key(0, 50, 40, 0.1), key(1, 60, 60, 0.2)))},
		{"shift=1.5,-2", small(), shotOf(200, 100, tracker("a", key(0, 51.5, 18, 0.1), key(1, 61.5, 28, 0.2)))},
		{"slip=-5", small(), shotOf(200, 100, tracker("a", key(-5, 50, 20, 0.1), key(-4, 60, 30, 0.2)))},
		{"prefix=cam", small(), shotOf(200, 100, tracker("cam_a", key(0, 50, 20, 0.1), key(1, 60, 30, 0.2)))},
		{"prefix=cam__", small(), shotOf(200, 100, tracker("cam_a", key(0, 50, 20, 0.1), key(1, 60, 30, 0.2)))},
		{"prefix", small(), shotOf(200, 100, tracker("trk_a", key(0, 50, 20, 0.1), key(1, 60, 30, 0.2)))},
		{"prefix=_", small(), small()},
		{"prefix=c", shotOf(0, 0, tracker("", key(0, 1, 1, 0))), shotOf(0, 0, tracker("c", key(0, 1, 1, 0)))},
		{"prefix=my cam", shotOf(0, 0, tracker("a", key(0, 1, 1, 0))), shotOf(0, 0, tracker("my_cam_a", key(0, 1, 1, 0)))},
		{"lint", small(), small()},
		{"length-cutoff=2", shotOf(0, 0, tracker("a", key(0, 1, 1, 0)), tracker("b", key(0, 1, 1, 0), key(1, 1, 1, 0))), shotOf(0, 0, tracker("b", key(0, 1, 1, 0), key(1, 1, 1, 0)))},
		{"length-cutoff=0", small(), small()},
		{"length-cutoff", small(), shotOf(200, 100)},
		{"move-to-first", shotOf(0, 0, tracker("a", key(12, 1, 1, 0)), tracker("b", key(10, 2, 2, 0))), shotOf(0, 0, tracker("a", key(2, 1, 1, 0)), tracker("b", key(0, 2, 2, 0)))},
		{"move-to-first", shotOf(0, 0, tracker("a", key(-7, 1, 1, 0))), shotOf(0, 0, tracker("a", key(0, 1, 1, 0)))},
		{"start-trim", shotOf(0, 0, tracker("a", key(-2, 1, 1, 0), key(-1, 1, 1, 0)), tracker("b", key(-1, 2, 2, 0), key(0, 3, 3, 0))), shotOf(0, 0, tracker("b", key(0, 3, 3, 0)))},
		{"lerp", shotOf(0, 0, tracker("a", key(-1, 0, 10, 0), key(3, 8, 2, 0.4), key(4, 0, 0, 0))), shotOf(0, 0, tracker("a", key(-1, 0, 10, 0), key(0, 2, 8, 0.1), key(1, 4, 6, 0.2), key(2, 6, 4, 0.3), key(3, 8, 2, 0.4), key(4, 0, 0, 0)))},
		{"lens", small(), small()},
		// 201 x 101: u = (150.5 - 100.5) / 100 = 0.5, v = 0, r = 0.5 * 201 / 101 = 0.995049505,
		// f = 1 + r*r * (0.1 + 0.05 * r) = 1.148271..., x = 100.5 + 50 * f.
		{"lens=0.1,0.05", shotOf(201, 101, tracker("a", key(0, 150.5, 50.5, 0))), shotOf(201, 101, tracker("a", key(0, 157.9137, 50.5, 0)))},
		// The middle of the frame stays, a corner pixel at r = hypot(aspect, 1) does not.
		{"lens=0.5", shotOf(101, 101, tracker("a", key(0, 50.5, 50.5, 0), key(1, 100.5, 100.5, 0))), shotOf(101, 101, tracker("a", key(0, 50.5, 50.5, 0), key(1, 150.5, 150.5, 0)))},
		{"lens=0.5,0,true", shotOf(101, 101, tracker("a", key(0, 150.5, 150.5, 0))), shotOf(101, 101, tracker("a", key(0, 100.5, 100.5, 0)))},
	}
	for _, row := range rows {
		t.Run(row.spec, func(t *testing.T) {
			t.Parallel()
			before := apply(t, "lint", row.in) // shares the keyframes of row.in
			got := apply(t, row.spec, row.in)
			if diff := cmp.Diff(row.want, got, cmpopts.EquateApprox(0, 1e-3), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, row.in); diff != "" {
				t.Errorf("the shot that went in was changed (-before +after)\n%s", diff)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	rows := []struct{ spec, message string }{
		{"sharpen", `There is no tool "sharpen".`},
		{"", `There is no tool "".`},
		{"flip=1", "The tool flip takes at most 0 arguments, not 1."},
		{"shift=1,2,3", "The tool shift takes at most 2 arguments, not 3."},
		{"shift=a", `The tool shift cannot take "a" as x_shift: a number is needed.`},
		{"shift=nan", `The tool shift cannot take "nan" as x_shift: a number is needed.`},
		{"shift=1e400", `The tool shift cannot take "1e400" as x_shift: a number is needed.`},
		{"slip=1.5", `The tool slip cannot take "1.5" as frames: a whole number is needed.`},
		{"slip=99999999999999999999", `The tool slip cannot take "99999999999999999999" as frames: a whole number is needed.`},
		{"lens=0,0,maybe", `The tool lens cannot take "maybe" as remove: true or false is needed.`},
	}
	for _, row := range rows {
		_, err := Parse(row.spec)
		var said *fault.Error
		if !errors.As(err, &said) || said.Code != fault.Invalid || !strings.HasPrefix(said.Message, row.message) {
			t.Errorf("%q: got %v, want %s", row.spec, err, row.message)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	unsized := shotOf(0, 0, tracker("a", key(0, 1, 1, 0)))
	far := shotOf(0, 0, tracker("a", key(0, 1, 1, 0), key(track.MaxFrame, 1, 1, 0)))
	rows := []struct {
		spec    string
		in      track.Shot
		message string
	}{
		{"flip", unsized, "The tool flip needs the frame size"},
		{"crop=50,0,0,50", small(), "The tool crop would make a frame of 200 x 0 pixels out of 200 x 100."},
		{"pad=-1", small(), "The tool pad would make a frame of 200 x 0 pixels"},
		{"scale=0", small(), "The tool scale would make a frame of 0 x 100 pixels"},
		{"scale=1e9", small(), "The tool scale would make a frame of 200000000000 x 100 pixels"},
		{"reformat=-5", small(), "The tool reformat would make a frame of -5 x 100 pixels"},
		{"lerp", far, "The tool lerp would make more than 20000000 keyframes"},
		{"lens=-1,0,true", shotOf(101, 101, tracker("a", key(3, 100.5, 50.5, 0))), "The lens distortion cannot be removed at frame 3, point (100.5, 50.5)"},
		{"lint", shotOf(9, 9), "No tracker is left to write"},
		{"lint", shotOf(9, 9, tracker("a")), `The tracker "a" has no keyframes.`},
		{"lint", shotOf(9, 9, tracker("a", key(1, 0, 0, 0), key(1, 0, 0, 0))), `The tracker "a" at frame 1: this keyframe does not come after`},
		{"lint", shotOf(9, 9, tracker("a", key(2, 0, 0, 0), key(1, 0, 0, 0))), `The tracker "a" at frame 1: this keyframe does not come after`},
		{"lint", shotOf(9, 9, tracker("a", key(0, math.NaN(), 0, 0))), `The tracker "a" at frame 0: the position is not a number`},
		{"lint", shotOf(9, 9, tracker("a", key(0, 0, math.Inf(-1), 0))), `The tracker "a" at frame 0: the position is not a number`},
		{"lint", shotOf(9, 9, tracker("a", key(0, 0, 0, math.NaN()))), `The tracker "a" at frame 0: the residual is not a number`},
		{"lint", shotOf(9, 9, tracker("a", key(track.MaxFrame+1, 0, 0, 0))), `the frame number is out of range`},
	}
	for _, row := range rows {
		step, err := Parse(row.spec)
		if err != nil {
			t.Fatal(err)
		}
		_, err = step.Apply(row.in)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), row.message) {
			t.Errorf("%q: got %v, want %s", row.spec, err, row.message)
		}
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	const want = "crop pad flip flop golden length-cutoff lens lerp lint move-to-first prefix reformat scale shift slip start-trim"
	var got []string
	for _, tool := range All() {
		got = append(got, tool.Name)
		if tool.Summary == "" {
			t.Errorf("%s has no summary", tool.Name)
		}
		for _, a := range tool.Arguments {
			if a.Default == "" {
				t.Errorf("%s: argument %s has no default", tool.Name, a.Name)
			}
		}
	}
	if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	pad, _ := ByName("pad")
	if got := pad.Usage(); got != "pad=top,left,right,bottom" {
		t.Errorf("got usage %q", got)
	}
}
