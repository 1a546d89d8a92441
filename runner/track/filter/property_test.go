package filter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"convertd/runner/track"
)

// drawShot draws a shot with positions in and around its frame.
func drawShot(t *rapid.T) track.Shot {
	shot := track.Shot{Width: rapid.IntRange(2, 5000).Draw(t, "width"), Height: rapid.IntRange(2, 5000).Draw(t, "height")}
	for range rapid.IntRange(1, 4).Draw(t, "trackers") {
		tr := track.Tracker{Name: rapid.StringMatching(`[a-z_]{0,6}`).Draw(t, "name")}
		frame := rapid.IntRange(-10, 10).Draw(t, "start")
		for range rapid.IntRange(1, 6).Draw(t, "keyframes") {
			tr.Keyframes = append(tr.Keyframes, track.Keyframe{
				Frame:    frame,
				X:        rapid.Float64Range(-1, 2).Draw(t, "x") * float64(shot.Width),
				Y:        rapid.Float64Range(-1, 2).Draw(t, "y") * float64(shot.Height),
				Residual: rapid.Float64Range(0, 1).Draw(t, "residual"),
			})
			frame += rapid.IntRange(1, 4).Draw(t, "gap")
		}
		shot.Trackers = append(shot.Trackers, tr)
	}
	return shot
}

// TestInverses checks pairs of tools that undo each other.
func TestInverses(t *testing.T) {
	t.Parallel()
	rows := [][2]string{
		{"flip", "flip"}, {"flop", "flop"}, {"shift=3.5,-8", "shift=-3.5,8"}, {"slip=12", "slip=-12"},
		{"crop=1,2,-3,-4", "crop=-1,-2,3,4"}, {"scale=2,4", "scale=0.5,0.25"}, {"scale=-1,-1", "scale=-1,-1"},
		{"lens=0.1,0.02", "lens=0.1,0.02,true"}, {"lens=0.05", "lens=0.05,0,true"},
	}
	for _, row := range rows {
		t.Run(row[0], func(t *testing.T) {
			t.Parallel()
			there, err := Parse(row[0])
			if err != nil {
				t.Fatal(err)
			}
			back, err := Parse(row[1])
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(t *rapid.T) {
				shot := drawShot(t)
				moved, err := there.Apply(shot)
				if err != nil {
					t.Skip("the frame would become too small")
				}
				got, err := back.Apply(moved)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(shot, got, cmpopts.EquateApprox(1e-9, 1e-6)); diff != "" {
					t.Fatalf("(-before +after)\n%s", diff)
				}
			})
		})
	}
}

// TestLerpFillsAllGaps checks that no gap is left and that no keyframe is lost.
func TestLerpFillsAllGaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		shot := drawShot(t)
		step, _ := Parse("lerp")
		got, err := step.Apply(shot)
		if err != nil {
			t.Fatal(err)
		}
		for i, tr := range shot.Trackers {
			filled := got.Trackers[i].Keyframes
			if len(filled) != span(tr.Keyframes) {
				t.Fatalf("%d keyframes, want %d", len(filled), span(tr.Keyframes))
			}
			for _, k := range tr.Keyframes {
				if at := filled[k.Frame-filled[0].Frame]; at != k {
					t.Fatalf("keyframe %v became %v", k, at)
				}
			}
		}
	})
}
