//go:build samples

package exporter

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/track"
)

// TestExportSamples compares the writers with the reference outputs for three
// parabolic tracks, byte for byte. boujou and mayalive are left out: there the reference
// is wrong (see the heads of these files), and the sample suite of the pipeline compares
// them with the difference taken into account.
func TestExportSamples(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CONVERTD_SAMPLES")
	if dir == "" {
		t.Fatal("set CONVERTD_SAMPLES to the folder of the track samples")
	}
	dir = filepath.Join(dir, "export_refs")
	flameDate := time.Date(2010, 2, 18, 17, 22, 12, 0, time.UTC)
	rows := []struct {
		id, file string
		created  time.Time
	}{
		{"3de3", "ref_equalizer3.txt", time.Time{}},
		{"3de4", "ref_equalizer.txt", time.Time{}},
		{"ae-nulls", "ref_AfterEffects.jsx", time.Time{}},
		{"3dsmax", "ref_Maxscript.ms", time.Time{}},
		{"xsi", "ref_XSI.py", time.Time{}},
		{"ruby", "ref_Ruby.rb", time.Time{}},
		{"flame", "ref_flame.stabilizer", flameDate},
		{"flame2014", "ref_flame_2014.stabilizer", time.Date(2014, 2, 22, 11, 3, 0, 0, time.UTC)},
		{"flame-cornerpin", "ref_flameCornerpin.stabilizer", flameDate},
		{"matchmover", "ref_matchmover.rz2", time.Time{}},
		{"maya-locators", "ref_MayaLocators.ma", time.Time{}},
		{"nuke", "ref_NukeScript.nk", time.Time{}},
		{"nuke-camera-tracks", "ref_NukeCameraTrackerUsertracks.txt", time.Time{}},
		{"pftrack4", "ref_PFTrack.2dt", time.Time{}},
		{"pftrack5", "ref_PFTrack5.2dt", time.Time{}},
		{"pfmatchit", "ref_PFMatchit.2dt", time.Time{}},
		{"shake", "ref_ShakeText.txt", time.Time{}},
		{"syntheyes", "ref_Syntheyes.txt", time.Time{}},
	}
	shot := readParabolic(t, filepath.Join(dir, "parabolic_input_1920x1080.tsv"))
	for _, row := range rows {
		t.Run(row.id, func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(filepath.Join(dir, row.file))
			if err != nil {
				t.Fatal(err)
			}
			f, ok := ByID(row.id)
			if !ok {
				t.Fatalf("no writer %s", row.id)
			}
			var got bytes.Buffer
			if _, err := f.Write(context.Background(), &got, shot, Options{Created: row.created}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-reference +ours)\n%s", diff)
			}
		})
	}
}

// readParabolic reads the table the reference outputs were made from.
func readParabolic(t *testing.T, path string) track.Shot {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	shot := track.Shot{Width: 1920, Height: 1080}
	lines := bufio.NewScanner(file)
	lines.Scan() // the header
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		n := len(shot.Trackers)
		if n == 0 || shot.Trackers[n-1].Name != f[0] {
			shot.Trackers = append(shot.Trackers, track.Tracker{Name: f[0]})
			n++
		}
		var k track.Keyframe
		k.Frame, _ = strconv.Atoi(f[1])
		k.X, _ = strconv.ParseFloat(f[2], 64)
		k.Y, _ = strconv.ParseFloat(f[3], 64)
		k.Residual, _ = strconv.ParseFloat(f[4], 64)
		shot.Trackers[n-1].Keyframes = append(shot.Trackers[n-1].Keyframes, k)
	}
	return shot
}
