package pipeline

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/track"
)

// draw returns the drawing of a shot and fails if it is not well-formed XML.
func draw(t *testing.T, shot track.Shot) string {
	t.Helper()
	var out bytes.Buffer
	if err := drawPreview(&out, shot); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(out.Bytes()))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return out.String()
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, out.String())
		}
	}
}

func line(name string, keys ...track.Keyframe) track.Shot {
	return track.Shot{Width: 1000, Height: 500, Trackers: []track.Tracker{{Name: name, Keyframes: keys}}}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		shot track.Shot
		want []string
	}{
		{"a run is one path", line("a", track.Keyframe{Frame: 0, X: 10, Y: 20}, track.Keyframe{Frame: 1, X: 30, Y: 40}),
			[]string{`<path stroke="#4cc9f0" d="M10.0 -20.0L30.0 -40.0"/>`, `d="M10.0 -20.0h0"`, "1 track, 2 keyframes"}},
		{"a gap starts another", line("a", track.Keyframe{Frame: 0, X: 10, Y: 20}, track.Keyframe{Frame: 5, X: 30, Y: 40}),
			[]string{`d="M10.0 -20.0"/><path stroke="#4cc9f0" d="M30.0 -40.0"/>`}},
		{"a worse residual changes the colour", line("a", track.Keyframe{Frame: 0, X: 10, Y: 20}, track.Keyframe{Frame: 1, X: 30, Y: 40, Residual: 0.9}, track.Keyframe{Frame: 2, X: 50, Y: 60, Residual: 0.9}),
			[]string{`d="M10.0 -20.0L30.0 -40.0"/><path stroke="#f94144" d="M30.0 -40.0L50.0 -60.0"/>`, "residual", "&lt; 0.02"}},
		{"names are text", line(`</title><script>"&`, track.Keyframe{}), []string{`<title>&lt;/title&gt;&lt;script&gt;&quot;&amp;</title>`}},
		{"far points stay numbers", line("a", track.Keyframe{X: 1e12, Y: -1e12}), []string{`d="M2090.0 659.4"/>`}},
		{"a wide frame has ground above and below", line("a", track.Keyframe{}), []string{`viewBox="-30.0 -533.1 1060.0 596.2"`}},
		{"a tall frame has ground on both sides", track.Shot{Width: 500, Height: 1000, Trackers: line("a", track.Keyframe{}).Trackers},
			[]string{`viewBox="-718.9 -1030.0 1937.8 1090.0"`}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := draw(t, row.shot)
			for _, want := range row.want {
				if !strings.Contains(got, want) {
					t.Errorf("does not hold %s:\n%s", want, got)
				}
			}
		})
	}
}

func TestPreviewWithoutFrameSize(t *testing.T) {
	t.Parallel()
	shot := line("a", track.Keyframe{X: 100, Y: 100}, track.Keyframe{Frame: 1, X: 300, Y: 200})
	shot.Width, shot.Height = 0, 0
	if got := draw(t, shot); !strings.Contains(got, `viewBox="94.0000 -206.6250 212.0000 119.2500"`) {
		t.Errorf("does not show where the tracks are:\n%s", got[:200])
	}
	if got := draw(t, line("a", track.Keyframe{})); strings.Contains(got, "residual") {
		t.Error("explains colours of residuals that are not there")
	}
}

// TestPreviewIsThinned checks that a huge shot gives a small drawing that says so.
func TestPreviewIsThinned(t *testing.T) {
	t.Parallel()
	shot := track.Shot{Width: 4096, Height: 2160}
	for i := range 5000 {
		tr := track.Tracker{Name: strconv.Itoa(i)}
		for f := range 100 {
			tr.Keyframes = append(tr.Keyframes, track.Keyframe{Frame: f, X: float64(i % 4096), Y: 1000 + 500*math.Sin(float64(f+i))})
		}
		shot.Trackers = append(shot.Trackers, tr)
	}
	got := draw(t, shot)
	if len(got) > 2<<20 {
		t.Errorf("%d bytes are slow to draw", len(got))
	}
	for _, want := range []string{"5000 tracks, 500000 keyframes", "1667 tracks drawn", "one keyframe of 3 drawn"} {
		if !strings.Contains(got, want) {
			t.Errorf("the legend does not say %q", want)
		}
	}
	if points := strings.Count(got, "L") + strings.Count(got, "M"); points > maxDrawnPoints+3*maxDrawnTrackers {
		t.Errorf("%d points drawn", points)
	}
}
