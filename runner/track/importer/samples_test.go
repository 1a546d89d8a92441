//go:build samples

package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/track"
)

// sample is one input of the shared set with what the reference made of it.
type sample struct {
	name, input, format string
	width, height       int
	trackers, keyframes int
	equalizer4          string // stored output, "" when only its hash is
}

// readerOf maps the reference's names of readers to ours.
func readerOf(reference string) string {
	return map[string]string{
		"Equalizer3": "3de3", "Equalizer4": "3de4", "Boujou": "boujou", "FlameStabilizer": "flame",
		"MatchMover": "matchmover", "MatchMoverRZML": "rzml", "MayaLive": "mayalive", "NukeScript": "nuke",
		"PFTrack": "pftrack", "ShakeScript": "shake-script", "ShakeText": "shake",
		"Syntheyes": "syntheyes", "SyntheyesAllTrackerPaths": "syntheyes-paths",
	}[reference]
}

// departure says in what our reading differs from the reference's, and why.
type departure struct {
	reason string
	shift  int  // frames ours comes later
	frames bool // frames differ
	names  bool // names differ
	y      bool // y differs
}

// departures lists every sample that is not read as the reference does.
func departures() map[string]departure {
	const pfBase = "PFTrack 4 and 5 count frames from 0, the reference takes 1 from them"
	return map[string]departure{
		"pftrack4/sourcefile_pftrack.2dt": {reason: pfBase, shift: 1},
		"pftrack5/apft.2dt":               {reason: pfBase, shift: 1},
		"pftrack5/stereo.2dt":             {reason: pfBase, shift: 1},
		"syntheyes_all_tracker_paths/shot06_2dTracks.txt": {
			reason: "the reference takes the integer part of x for y and keeps the line end in names", y: true, names: true,
		},
		"nuke/018.nk": {
			reason: "some curves start at a negative frame, which the reference ignores", frames: true,
		},
		"match_mover_rzml/md_145_1070_right_t1.rzml": {
			reason: "trackers get their readable names, the reference uses ids", names: true,
		},
	}
}

func TestSamples(t *testing.T) {
	t.Parallel()
	root := os.Getenv("CONVERTD_SAMPLES")
	if root == "" {
		t.Fatal("CONVERTD_SAMPLES does not name the folder of the samples")
	}
	all := readManifest(t, root)
	if len(all) != 48 {
		t.Fatalf("manifest names %d samples, want 48", len(all))
	}
	compared := 0
	for _, s := range all {
		if s.equalizer4 != "" {
			compared++
		}
	}
	t.Logf("%d samples; the values of %d are compared, %d of all depart from the reference", len(all), compared, len(departures()))
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			checkSample(t, root, s)
		})
	}
}

func checkSample(t *testing.T, root string, s sample) {
	imp, shot, err := readSample(t, root, s)
	if got, want := imp.Format().ID, readerOf(s.format); got != want {
		t.Fatalf("detected as %s, want %s", got, want)
	}
	if s.trackers == 0 {
		var parse *track.ParseError
		if !errors.As(err, &parse) {
			t.Fatalf("got %v, want an error for a file without trackers", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	keyframes := 0
	for _, tr := range shot.Trackers {
		keyframes += len(tr.Keyframes)
	}
	if len(shot.Trackers) != s.trackers || keyframes != s.keyframes {
		t.Fatalf("got %d trackers and %d keyframes, want %d and %d", len(shot.Trackers), keyframes, s.trackers, s.keyframes)
	}
	departure, departs := departures()[s.name]
	if departs {
		t.Log("departs from the reference: " + departure.reason)
	}
	if s.equalizer4 != "" {
		compareShots(t, shot, readExpected(t, filepath.Join(root, s.equalizer4)), departure)
	}
}

// readSample detects and reads the input of a sample.
func readSample(t *testing.T, root string, s sample) (Importer, track.Shot, error) {
	t.Helper()
	in := NewSource(openMaybeGzip(t, filepath.Join(root, s.input)), nil)
	in.Width, in.Height = s.width, s.height
	head, err := in.Head()
	if err != nil {
		t.Fatal(err)
	}
	imp, err := Detect(head, s.name)
	if err != nil {
		t.Fatal(err)
	}
	shot, err := imp.Read(context.Background(), in)
	return imp, shot, err
}

// readExpected reads an output of the reference in the format of 3DEqualizer 4.
func readExpected(t *testing.T, path string) track.Shot {
	t.Helper()
	shot, err := equalizer4().Read(context.Background(), NewSource(openMaybeGzip(t, path), nil))
	if err != nil {
		t.Fatal(err)
	}
	return shot
}

func compareShots(t *testing.T, got, want track.Shot, d departure) {
	t.Helper()
	for i, w := range want.Trackers {
		g := got.Trackers[i]
		if g.Name != w.Name && !d.names {
			t.Fatalf("tracker %d is named %q, want %q", i, g.Name, w.Name)
		}
		if len(g.Keyframes) != len(w.Keyframes) {
			t.Fatalf("tracker %s has %d keyframes, want %d", w.Name, len(g.Keyframes), len(w.Keyframes))
		}
		for j, wk := range w.Keyframes {
			gk := g.Keyframes[j]
			gk.Frame -= d.shift
			sameFrame := gk.Frame == wk.Frame || d.frames
			if !sameFrame || !near(gk.X, wk.X) || (!near(gk.Y, wk.Y) && !d.y) {
				t.Fatalf("tracker %s, keyframe %d: got %+v, want %+v", w.Name, j, gk, wk)
			}
		}
	}
}

// near allows for the order of arithmetic and for the last digit of the expected files.
func near(a, b float64) bool {
	return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a))
}

func openMaybeGzip(t *testing.T, path string) io.Reader {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return bytes.NewReader(data)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// readManifest returns the samples in the order of the manifest.
func readManifest(t *testing.T, root string) []sample {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "manifest.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Scan()
	for lines.Scan() {
		c := strings.Split(lines.Text(), "\t")
		if len(all) == 0 || all[len(all)-1].name != c[0] {
			all = append(all, sample{
				name: c[0], input: c[1], format: c[2],
				width: number(t, c[5]), height: number(t, c[6]), trackers: number(t, c[8]), keyframes: number(t, c[9]),
			})
		}
		if c[10] == "Equalizer4" && strings.HasPrefix(c[12], "expected/") {
			all[len(all)-1].equalizer4 = c[12]
		}
	}
	return all
}

// number reads a column of the manifest; "-" means 0.
func number(t *testing.T, column string) int {
	t.Helper()
	n, err := strconv.Atoi(column)
	if err != nil && column != "-" {
		t.Fatalf("manifest column %q", column)
	}
	return n
}
