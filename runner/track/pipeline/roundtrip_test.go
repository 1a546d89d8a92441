package pipeline

import (
	"bytes"
	"context"
	"math"
	"regexp"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"convertd/runner/track"
	"convertd/runner/track/exporter"
	"convertd/runner/track/importer"
)

// roundTrip says what a format keeps.
type roundTrip struct {
	writer, reader string
	// position is the largest error of a position that the digits of the format allow.
	position func(shot track.Shot) float64
	// residual is that of a residual; negative if the format has none.
	residual float64
	// name is what becomes of the name of tracker i.
	name func(i int, name string) string
	// trackers limits their number, because the reader of Flame setups sorts trackers by
	// their names as words, the tenth behind the first; 0 means the usual limit.
	trackers int
}

// formatsBothWays lists the formats that are both written and read.
func formatsBothWays() []roundTrip {
	const none = -1
	decimals := func(n int) func(track.Shot) float64 {
		return func(track.Shot) float64 { return 0.5 * math.Pow10(-n) }
	}
	exact := func(track.Shot) float64 { return 0 }
	half := 0.5e-3 // of the last of three decimals
	same := func(_ int, name string) string { return name }
	with := func(suffix string) func(int, string) string {
		return func(_ int, name string) string { return name + suffix }
	}
	counted := func(prefix string, first int) func(int, string) string {
		return func(i int, _ string) string { return prefix + strconv.Itoa(i+first) }
	}
	twoRounded := func(track.Shot) float64 { return 1e-3 } // reference point and shift are rounded
	// Positions of SynthEyes are fractions of half the frame, those of Maya Live of half
	// its height.
	synthEyes := func(shot track.Shot) float64 { return 0.5e-6 * float64(max(shot.Width, shot.Height)) / 2 }
	mayaLive := func(shot track.Shot) float64 { return 0.5e-10*float64(shot.Height)/2 + 1e-9 }
	return []roundTrip{
		{writer: "3de3", reader: "3de3", position: decimals(3), residual: none, name: same},
		{writer: "3de4", reader: "3de4", position: decimals(15), residual: none, name: same},
		{writer: "boujou", reader: "boujou", position: decimals(3), residual: none, name: same},
		{writer: "flame", reader: "flame", position: twoRounded, residual: none, name: counted("tracker", 1), trackers: 9},
		{writer: "flame2014", reader: "flame", position: twoRounded, residual: none, name: counted("tracker", 1), trackers: 9},
		{writer: "matchmover", reader: "matchmover", position: decimals(3), residual: 0.5e-6, name: same},
		{writer: "mayalive", reader: "mayalive", position: mayaLive, residual: 0.5e-10, name: same},
		{writer: "nuke", reader: "nuke", position: decimals(4), residual: none, name: with("_track1")},
		{writer: "nuke-camera-tracks", reader: "shake", position: decimals(3), residual: half, name: counted("autotrack", 0)},
		{writer: "pftrack4", reader: "pftrack", position: decimals(3), residual: 8 * half, name: same},
		{writer: "pftrack5", reader: "pftrack", position: decimals(3), residual: 8 * half, name: with("_Primary")},
		{writer: "pfmatchit", reader: "pftrack", position: decimals(3), residual: 8 * half, name: with("_1")},
		{writer: "shake", reader: "shake", position: decimals(3), residual: half, name: same},
		{writer: "syntheyes", reader: "syntheyes", position: synthEyes, residual: none, name: same},
		{writer: "csv", reader: "csv", position: exact, residual: 0, name: same},
		{writer: "json", reader: "json", position: exact, residual: 0, name: same},
		{writer: "ae-keyframes", reader: "ae-keyframes", position: decimals(5), residual: none},
	}
}

// TestRoundTrips writes random tracks, detects the format of what was written, reads it and
// expects the same tracks to the precision of the format.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for _, format := range formatsBothWays() {
		t.Run(format.writer, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				shot := drawTracks(t)
				if format.trackers > 0 && len(shot.Trackers) > format.trackers {
					shot.Trackers = shot.Trackers[:format.trackers]
				}
				format.compare(t, shot, thereAndBack(t, format, shot))
			})
		})
	}
}

// drawTracks draws a shot with gaps, lone keyframes, negative frames, positions around the
// frame and names every format can hold.
func drawTracks(t *rapid.T) track.Shot {
	shot := track.Shot{Width: rapid.IntRange(2, 8192).Draw(t, "width"), Height: rapid.IntRange(2, 8192).Draw(t, "height")}
	for i := range rapid.IntRange(1, 12).Draw(t, "trackers") {
		tr := track.Tracker{Name: "T" + strconv.Itoa(i) + rapid.StringMatching(`[A-Z][a-zA-Z0-9]{0,5}`).Draw(t, "name")}
		frame := rapid.IntRange(-20, 2000).Draw(t, "start")
		for range rapid.IntRange(1, 8).Draw(t, "keyframes") {
			tr.Keyframes = append(tr.Keyframes, track.Keyframe{
				Frame:    frame,
				X:        rapid.Float64Range(-0.5, 1.5).Draw(t, "x") * float64(shot.Width),
				Y:        rapid.Float64Range(-0.5, 1.5).Draw(t, "y") * float64(shot.Height),
				Residual: rapid.Float64Range(0, 1).Draw(t, "residual"),
			})
			frame += rapid.SampledFrom([]int{1, 1, 1, 2, 7}).Draw(t, "step")
		}
		shot.Trackers = append(shot.Trackers, tr)
	}
	return shot
}

func thereAndBack(t *rapid.T, format roundTrip, shot track.Shot) track.Shot {
	f, ok := exporter.ByID(format.writer)
	if !ok {
		t.Fatalf("no writer %s", format.writer)
	}
	var file bytes.Buffer
	notes, err := f.Write(context.Background(), &file, shot, exporter.Options{})
	if err != nil || len(notes) > 0 && format.name != nil {
		t.Fatalf("write: notes %q, error %v", notes, err)
	}
	text := file.String()
	source := importer.NewSource(&file, nil)
	head, err := source.Head()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := importer.Detect(head, "tracks.txt")
	if err != nil {
		t.Fatalf("detect: %v in\n%s", err, text)
	}
	if got := reader.Format().ID; got != format.reader {
		t.Fatalf("detected as %s, want %s, in\n%s", got, format.reader, text)
	}
	source.Width, source.Height = shot.Width, shot.Height
	back, err := reader.Read(context.Background(), source)
	if err != nil {
		t.Fatalf("read: %v in\n%s", err, text)
	}
	return back
}

func (format roundTrip) compare(t *rapid.T, want, got track.Shot) {
	if len(got.Trackers) != len(want.Trackers) {
		t.Fatalf("%d trackers came back of %d", len(got.Trackers), len(want.Trackers))
	}
	for i, w := range want.Trackers {
		g := got.Trackers[i]
		if format.name != nil && g.Name != format.name(i, w.Name) {
			t.Fatalf("%q came back as %q", w.Name, g.Name)
		}
		if len(g.Keyframes) != len(w.Keyframes) {
			t.Fatalf("%s: %d keyframes came back of %d", w.Name, len(g.Keyframes), len(w.Keyframes))
		}
		for j := range w.Keyframes {
			format.compareKeyframe(t, want, w.Keyframes[j], g.Keyframes[j])
		}
	}
}

func (format roundTrip) compareKeyframe(t *rapid.T, shot track.Shot, want, got track.Keyframe) {
	// Floating point arithmetic on the way adds a little to what the digits allow.
	const arithmetic = 1e-12
	slack := format.position(shot)
	if slack > 0 {
		slack += arithmetic * math.Max(float64(shot.Width), float64(shot.Height)) * 4
	}
	if got.Frame != want.Frame || math.Abs(got.X-want.X) > slack || math.Abs(got.Y-want.Y) > slack {
		t.Fatalf("%+v came back as %+v", want, got)
	}
	residual, slack := want.Residual, format.residual
	if slack < 0 {
		residual, slack = 0, 0
	}
	if slack > 0 {
		slack += arithmetic
	}
	if math.Abs(got.Residual-residual) > slack {
		t.Fatalf("residual %v came back as %v", residual, got.Residual)
	}
}

// TestNastyNamesKeepTracks gives trackers any name, also equal ones, and expects their
// keyframes back: whatever a format does to a name, no track may be lost, merged or cut.
func TestNastyNamesKeepTracks(t *testing.T) {
	t.Parallel()
	for _, format := range formatsBothWays() {
		t.Run(format.writer, func(t *testing.T) {
			t.Parallel()
			format.name = nil
			rapid.Check(t, func(t *rapid.T) {
				shot := drawTracks(t)
				shot.Trackers = shot.Trackers[:min(len(shot.Trackers), 9)]
				for i := range shot.Trackers {
					shot.Trackers[i].Name = drawAnyName(t)
				}
				format.compare(t, shot, thereAndBack(t, format, shot))
			})
		})
	}
}

// drawAnyName draws what a reader could have made of any bytes.
func drawAnyName(t *rapid.T) string {
	nasty := []string{
		"", "a", "a", "#", "# track_id", "//", "TrackName x", "}", "{", "1", "12 3", "1 2 3 4", `"`, `a"b`, `""`, "Tracker3 {", "#  Name", "0.5",
		"x,y", ";", "tracker", "-", "- 1", "é", "End", "Channel a/ref/x", "Effects", "pointTrack", "\\", "null", "nan", "🎬", "Primary", "_",
	}
	name := rapid.OneOf(rapid.SampledFrom(nasty), rapid.String()).Draw(t, "name")
	return track.CleanName([]byte(name))
}

// TestNamesComeBack checks the formats that can hold any name.
func TestNamesComeBack(t *testing.T) {
	t.Parallel()
	controls := regexp.MustCompile(`[\x00-\x20\x7f-\x{9f}]`)
	for _, id := range []string{"json", "csv"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				name := "n" + controls.ReplaceAllString(rapid.String().Draw(t, "name"), "")
				shot := track.Shot{Width: 9, Height: 9, Trackers: []track.Tracker{{Name: track.CleanName([]byte(name)), Keyframes: []track.Keyframe{{}}}}}
				got := thereAndBack(t, roundTrip{writer: id, reader: id}, shot)
				if got.Trackers[0].Name != shot.Trackers[0].Name {
					t.Fatalf("%q came back as %q", shot.Trackers[0].Name, got.Trackers[0].Name)
				}
			})
		})
	}
}
