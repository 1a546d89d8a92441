package pipeline

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/runner/track"
	"convertd/runner/track/exporter"
)

// twoTracks is a small file of 3DEqualizer 4, which does not say the frame size.
const twoTracks = `2
roof
0
3
1001 100.5 200.25
1002 101.5 201.25
1004 102.5 202.25
door
0
1
1003 7 8
`

// setup writes the input into a folder of its own and returns the request for it.
func setup(t *testing.T, name, content string) Request {
	t.Helper()
	input := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(input, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return Request{Input: input, Width: 1920, Height: 1080, OutDir: t.TempDir()}
}

// listing returns the names in a folder, hidden ones too.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRunWritesAllDefaultTargets(t *testing.T) {
	t.Parallel()
	req := setup(t, "shot.v2.txt", twoTracks)
	req.Preview = filepath.Join(req.OutDir, "preview.svg")
	result, err := Run(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"preview.svg"}
	for _, f := range exporter.All() {
		if f.ID != "ae-keyframes" {
			want = append(want, "shot.v2_"+f.Suffix)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, listing(t, req.OutDir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(result.Files) != 23 || result.Trackers != 2 || result.Keyframes != 4 || result.Width != 1920 || result.Format.ID != "3de4" {
		t.Errorf("got %+v", result)
	}
	if diff := cmp.Diff(twoTracks, zerosCut(content(t, filepath.Join(req.OutDir, "shot.v2_3de_v4.txt")))); diff != "" {
		t.Errorf("written again (-in +out)\n%s", diff)
	}
}

// zerosCut shortens fifteen decimals to those that matter.
func zerosCut(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		words := strings.Fields(line)
		for j, w := range words {
			if strings.Contains(w, ".") {
				words[j] = strings.TrimRight(strings.TrimRight(w, "0"), ".")
			}
		}
		lines[i] = strings.Join(words, " ")
	}
	return strings.Join(lines, "\n")
}

func TestTargets(t *testing.T) {
	t.Parallel()
	req := Request{Input: "/in/shot.0001.nk", OutDir: "/out", To: []string{"csv", "3de4", "csv"}}
	rows := []struct {
		change func(*Request)
		want   []string
	}{
		{func(*Request) {}, []string{"/out/shot.0001_tracks.csv", "/out/shot.0001_3de_v4.txt"}},
		{func(r *Request) { r.InputName = "Röhre 7.nk" }, []string{"/out/Röhre 7_tracks.csv", "/out/Röhre 7_3de_v4.txt"}},
		{func(r *Request) { r.Stem = "out" }, []string{"/out/out_tracks.csv", "/out/out_3de_v4.txt"}},
		{func(r *Request) { r.InputName = "../../etc/x.nk" }, []string{"/out/x_tracks.csv", "/out/x_3de_v4.txt"}},
		{func(r *Request) { r.InputName = ".nk" }, []string{"/out/.nk_tracks.csv", "/out/.nk_3de_v4.txt"}},
	}
	for _, row := range rows {
		changed := req
		row.change(&changed)
		got, err := Targets(changed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name    string
		file    string
		change  func(*Request)
		code    fault.Code
		message string
	}{
		{"unknown reader", twoTracks, func(r *Request) { r.From = "blender" }, fault.Invalid, `There is no input format "blender".`},
		{"unknown writer", twoTracks, func(r *Request) { r.To = []string{"csv", "x"} }, fault.Invalid, `There is no output format "x".`},
		{"unknown tool", twoTracks, func(r *Request) { r.Tools = []string{"sharpen"} }, fault.Invalid, `There is no tool "sharpen".`},
		{"negative size", twoTracks, func(r *Request) { r.Width = -5 }, fault.Invalid, "The frame size -5 x 1080 is not possible."},
		{"half a size", twoTracks, func(r *Request) { r.Width = 0 }, fault.Invalid, "Only one of width and height was given."},
		{"no size", twoTracks, func(r *Request) { r.Width, r.Height = 0, 0 }, fault.Invalid, "The file does not say the frame size, and 3DEqualizer 3 (.txt) needs it."},
		{"huge first frame", twoTracks, func(r *Request) { r.FirstFrame = 2_000_000_000 }, fault.Invalid, "The first frame 2000000000 is out of range."},
		{"missing file", twoTracks, func(r *Request) { r.Input += "x" }, fault.NotFound, "does not exist"},
		{"folder", twoTracks, func(r *Request) { r.Input = filepath.Dir(r.Input) }, fault.Invalid, "is a folder."},
		{"empty file", "", func(*Request) {}, fault.EmptyFile, "The file is empty."},
		{"not tracks", "Dear Sir or Madam,\n", func(*Request) {}, fault.UnsupportedMedia, "."},
		{"wrong format forced", twoTracks, func(r *Request) { r.From = "json" }, fault.Invalid, "could not be read as"},
		{"all removed", twoTracks, func(r *Request) { r.Tools = []string{"length-cutoff"} }, fault.Invalid, "No tracker is left to write"},
		{"moved out of range", twoTracks, func(r *Request) { r.Tools = []string{"slip=1000000000"} }, fault.Invalid, "the frame number is out of range"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			req := setup(t, "shot.txt", row.file)
			row.change(&req)
			_, err := Run(context.Background(), req)
			var refusal *fault.Error
			if !errors.As(err, &refusal) || refusal.Code != row.code || !strings.Contains(refusal.Message, row.message) || refusal.Hint == "" {
				t.Errorf("got %#v, want %s: %s with a hint", err, row.code, row.message)
			}
			if left := listing(t, req.OutDir); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestParseErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	req := setup(t, "shot.txt", strings.Replace(twoTracks, "201.25", "2O1.25", 1))
	_, err := Run(context.Background(), req)
	var refusal *fault.Error
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, "The file could not be read as 3D") || !strings.Contains(refusal.Message, ", line 6") {
		t.Errorf("got %v, want the format and line 6", err)
	}
}

func TestSizeIsNotNeeded(t *testing.T) {
	t.Parallel()
	req := setup(t, "shot.txt", twoTracks)
	req.Width, req.Height = 0, 0
	req.To = []string{"3de4", "csv", "json", "shake", "pftrack5"}
	if _, err := Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	if got := content(t, filepath.Join(req.OutDir, "shot_tracks.csv")); !strings.HasPrefix(got, "tracker,frame,") {
		t.Errorf("the table states a size nobody knows:\n%s", got)
	}
}

func TestToolsInOrder(t *testing.T) {
	t.Parallel()
	req := setup(t, "shot.txt", twoTracks)
	req.To = []string{"csv"}
	req.Tools = []string{"shift=10", "scale=2", "prefix=a", "prefix=b", "length-cutoff=2"}
	if _, err := Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	const want = "# width 3840\n# height 1080\ntracker,frame,x,y,residual\n" +
		"b_a_roof,1000,221,200.25,0\nb_a_roof,1001,223,201.25,0\nb_a_roof,1003,225,202.25,0\n"
	if diff := cmp.Diff(want, content(t, filepath.Join(req.OutDir, "shot_tracks.csv"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestFirstFrame checks both directions: the numbers of the plate in, those of the clip or
// the plate out.
func TestFirstFrame(t *testing.T) {
	t.Parallel()
	rows := []struct {
		first int
		to    string
		want  string
	}{
		{0, "nuke", "x1001 100.5000"},
		{0, "3de4", "\n1001 100.5"},
		{0, "ae-nulls", "(layer0, 1000)"},
		{1001, "nuke", "x1001 100.5000"},
		{1001, "3de4", "\n1 100.5"},
		{1001, "ae-nulls", "(layer0, 0)"},
		{1001, "pftrack4", "\n1001 100.000"},
		{1000, "csv", "roof,1001,"},
	}
	for _, row := range rows {
		req := setup(t, "shot.txt", twoTracks)
		req.FirstFrame, req.To = row.first, []string{row.to}
		result, err := Run(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, result.Files[0]); !strings.Contains(got, row.want) {
			t.Errorf("first frame %d, %s does not say %q:\n%s", row.first, row.to, row.want, got)
		}
	}
}

// TestFirstFrameOfEveryReader gives every format that is read the frame 1001 as the first
// and expects it on the first frame of the clip.
func TestFirstFrameOfEveryReader(t *testing.T) {
	t.Parallel()
	shot := track.Shot{Width: 64, Height: 48, Trackers: []track.Tracker{{Name: "a", Keyframes: []track.Keyframe{{Frame: 0, X: 1, Y: 2}}}}}
	for _, format := range formatsBothWays() {
		f, _ := exporter.ByID(format.writer)
		var file bytes.Buffer
		if _, err := f.Write(context.Background(), &file, shot, exporter.Options{FirstFrame: 1001}); err != nil {
			t.Fatal(err)
		}
		req := setup(t, "shot.txt", file.String())
		req.Width, req.Height, req.To = 64, 48, []string{"3de4"}
		if !f.FromClip {
			req.FirstFrame = 1001
		}
		result, err := Run(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, result.Files[0]); !strings.Contains(got, "\n0\n1\n1 ") {
			t.Errorf("%s: the first frame is not the first:\n%s\nfrom\n%s", format.writer, got, file.String())
		}
	}
}

// TestNothingPartial makes the way end at every stage and expects the folder as before.
func TestNothingPartial(t *testing.T) {
	t.Parallel()
	const kept = "shot_tracks.csv"
	rows := []struct {
		name   string
		spoil  func(t *testing.T, req *Request)
		remain []string
	}{
		{"preview cannot be created", func(_ *testing.T, r *Request) { r.Preview = filepath.Join(r.OutDir, "none", "p.svg") }, []string{kept}},
		{"a target is a folder", func(t *testing.T, r *Request) {
			r.To = []string{"3de4", "shake", "json"}
			if err := os.MkdirAll(filepath.Join(r.OutDir, "shot_shake_trackers.txt", "x"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"shot_shake_trackers.txt", kept}},
		{"the input breaks off", func(t *testing.T, r *Request) {
			if err := os.Truncate(r.Input, 40); err != nil {
				t.Fatal(err)
			}
		}, []string{kept}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			req := setup(t, "shot.txt", twoTracks)
			if err := os.WriteFile(filepath.Join(req.OutDir, kept), []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			row.spoil(t, &req)
			if _, err := Run(context.Background(), req); err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(row.remain, listing(t, req.OutDir)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := content(t, filepath.Join(req.OutDir, kept)); got != "mine" {
				t.Errorf("an existing file was changed to %q", got)
			}
		})
	}
}

func TestCancelledWhileReading(t *testing.T) {
	t.Parallel()
	req := setup(t, "shot.txt", twoTracks)
	ctx, cancel := context.WithCancel(context.Background())
	req.Progress = func(float64, string) { cancel() }
	if _, err := Run(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if left := listing(t, req.OutDir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCancelledWhileWriting(t *testing.T) {
	t.Parallel()
	req := setup(t, "shot.txt", twoTracks)
	ctx, cancel := context.WithCancel(context.Background())
	p, err := newPlan(req)
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, _, err := p.write(ctx, in.shot); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if left := listing(t, req.OutDir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestProgressOfRun checks that the percentage never falls and ends at 100.
func TestProgressOfRun(t *testing.T) {
	t.Parallel()
	req := setup(t, "shot.txt", twoTracks)
	var told []float64
	var phrases []string
	req.Progress = func(percent float64, message string) {
		told, phrases = append(told, percent), append(phrases, message)
	}
	if _, err := Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(told) || told[len(told)-1] != 100 || told[0] >= 100 {
		t.Errorf("got %v", told)
	}
	if phrases[0] != "Opening the file" || phrases[len(phrases)-1] != "Wrote 2 trackers with 4 keyframes" {
		t.Errorf("got %q", phrases)
	}
}
