package exporter

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/track"
)

var update = flag.Bool("update", false, "write the golden files")

// smallShot has a gap, a lone keyframe, a negative frame and every kind of residual.
func smallShot() track.Shot {
	return track.Shot{Width: 1920, Height: 1080, Trackers: []track.Tracker{
		{Name: "roof_left", Keyframes: []track.Keyframe{
			{Frame: -1, X: 0.5, Y: 0.5, Residual: 0.25},
			{Frame: 0, X: 100.125, Y: 1079.5, Residual: 0},
			{Frame: 1, X: 101.0625, Y: 1078.0004, Residual: 0.0375},
			{Frame: 7, X: 1919.5, Y: -3.25, Residual: 1},
			{Frame: 8, X: 1920.25, Y: -4.5, Residual: 0.5},
			{Frame: 9, X: 1e-7, Y: 1234567.875, Residual: -2},
		}},
		{Name: "lone", Keyframes: []track.Keyframe{{Frame: 41, X: 960, Y: 540}}},
		{Name: "07", Keyframes: []track.Keyframe{{Frame: 3, X: 1, Y: 2}, {Frame: 5, X: 3, Y: 4}}},
	}}
}

// TestGolden keeps one small output of every format.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, f := range All() {
		t.Run(f.ID, func(t *testing.T) {
			t.Parallel()
			got, _ := write(t, f.ID, smallShot(), Options{})
			path := filepath.Join("testdata", "golden", f.Suffix)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-golden +got)\n%s", diff)
			}
		})
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	const want = "3de3 3de4 ae-nulls 3dsmax xsi ruby flame flame2014 flame-cornerpin flame2014-cornerpin matchmover maya-locators " +
		"mayalive nuke nuke-camera-tracks pftrack4 pftrack5 pfmatchit shake syntheyes boujou ae-keyframes csv json"
	suffixes := map[string]bool{}
	for _, id := range strings.Fields(want) {
		f, ok := ByID(id)
		if !ok {
			t.Errorf("no writer %s", id)
		}
		if suffixes[f.Suffix] {
			t.Errorf("%s: another writer has the suffix %s too", id, f.Suffix)
		}
		suffixes[f.Suffix] = true
		if f.Application == "" || f.Variant == "" {
			t.Errorf("%s has no name for people", id)
		}
	}
	if got, want := len(All()), len(strings.Fields(want)); got != want {
		t.Errorf("%d writers, want %d", got, want)
	}
	if _, ok := ByID("nonsense"); ok {
		t.Error("found a writer that does not exist")
	}
}

func TestCreated(t *testing.T) {
	t.Parallel()
	when := time.Date(2024, 3, 5, 7, 8, 9, 0, time.FixedZone("", 3600))
	for id, want := range map[string]string{
		"boujou":              "# Creation date : Tue Mar 05 06:08:09 2024\n",
		"flame":               "CreationDate Tue Mar 05 06:08:09 2024\n",
		"flame2014":           "CreationDate Tue Mar 05 06:08:09 2024\n",
		"flame-cornerpin":     "CreationDate Tue Mar 05 06:08:09 2024\n",
		"flame2014-cornerpin": "CreationDate Tue Mar 05 06:08:09 2024\n",
	} {
		if got, _ := write(t, id, smallShot(), Options{Created: when}); !strings.Contains(got, want) {
			t.Errorf("%s does not say %q", id, want)
		}
		if got, _ := write(t, id, smallShot(), Options{}); !strings.Contains(got, "Thu Jan 01 00:00:00 1970") {
			t.Errorf("%s without a date does not say 1970", id)
		}
	}
}

// TestFirstFrame checks that plate numbers replace a format's own first number only where
// the application knows plate numbers.
func TestFirstFrame(t *testing.T) {
	t.Parallel()
	shot := track.Shot{Width: 64, Height: 48, Trackers: []track.Tracker{{Name: "a", Keyframes: []track.Keyframe{{Frame: 0, X: 1, Y: 2}}}}}
	for id, want := range map[string]string{
		"nuke":       "x1001 1.0000",
		"shake":      "   1001.00   1.000",
		"boujou":     "a  1001  1.000",
		"pftrack4":   "\n1001 0.500",
		"pfmatchit":  "\n1001 0.500",
		"matchmover": "b( 1001 1001 1 )\t\n}\npointTrack  \"a\"  rgb( 255 0 0 )\t\n{\n\t1001\t",
		"csv":        "\na,1001,1,2,0\n",
		"3de4":       "\n1 1.000000000000000",
		"ae-nulls":   "(layer0, 0)",
		"syntheyes":  "A 0 ",
		"flame":      "\t\tFrame 1\n\t\tValue 0\n\t\tInterpolation linear",
	} {
		if got, _ := write(t, id, shot, Options{FirstFrame: 1001}); !strings.Contains(got, want) {
			t.Errorf("%s does not say %q:\n%s", id, want, got)
		}
	}
}

func TestCornerpin(t *testing.T) {
	t.Parallel()
	point := func(x, y float64) track.Tracker {
		return track.Tracker{Name: "p", Keyframes: []track.Keyframe{{X: x, Y: y}}}
	}
	shot := track.Shot{Width: 100, Height: 100, Trackers: []track.Tracker{point(90, 90), point(10, 10), point(90, 10), point(10, 90), point(50, 50)}}
	order := func(id string) (values []string, notes []string) {
		out, notes := write(t, id, shot, Options{})
		for _, part := range strings.Split(out, "/ref/")[1:] {
			if rest, ok := strings.CutPrefix(part, "x\n\tExtrapolation constant\n\tValue "); ok {
				values = append(values, rest[:2])
			}
			if rest, ok := strings.CutPrefix(part, "y\n\tExtrapolation constant\n\tValue "); ok {
				values = append(values, rest[:2])
			}
		}
		return values, notes
	}
	// Top left, top right, bottom left, bottom right; x before y of each.
	values, notes := order("flame-cornerpin")
	if diff := cmp.Diff([]string{"10", "90", "90", "90", "10", "10", "90", "10"}, values); diff != "" {
		t.Errorf("flame-cornerpin (-want +got)\n%s", diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "only the first four of 5 trackers were written, 1 were left out") {
		t.Errorf("got notes %q", notes)
	}
	// Bottom left, top left, bottom right, top right.
	values, _ = order("flame2014-cornerpin")
	if diff := cmp.Diff([]string{"10", "10", "10", "90", "90", "10", "90", "90"}, values); diff != "" {
		t.Errorf("flame2014-cornerpin (-want +got)\n%s", diff)
	}
}

// TestSizes checks the smallest frame and that formats that do not need a frame size do
// without.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, f := range All() {
		shot := named("a", "b", "c", "d")
		shot.Width, shot.Height = 1, 1
		if !f.NeedsSize {
			shot.Width, shot.Height = 0, 0
		}
		if got, _ := write(t, f.ID, shot, Options{}); strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
			t.Errorf("%s wrote something that is not a number:\n%s", f.ID, got)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	shot := bigShot(50, 2000)
	for _, f := range All() {
		written := 0
		_, _ = write(t, f.ID, shot, Options{Progress: func(n int) { written += n }})
		want := 50 * 2000
		if strings.Contains(f.ID, "cornerpin") {
			want = 4 * 2000
		}
		if written != want {
			t.Errorf("%s reported %d keyframes, want %d", f.ID, written, want)
		}
	}
}
