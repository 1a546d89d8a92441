package importer

import (
	"context"
	"strings"
	"testing"

	"convertd/runner/track"
)

// readSized reads text with a frame size given by the person.
func readSized(t *testing.T, id, text string, width, height int) track.Shot {
	t.Helper()
	imp, _ := ByID(id)
	in := NewSource(strings.NewReader(text), nil)
	in.Width, in.Height = width, height
	shot, err := imp.Read(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return shot
}

func TestFrameSize(t *testing.T) {
	t.Parallel()
	const (
		tracked = "Tracker3 {\n track1 {{curve x1 1} {curve x1 2}}\n}\n"
		root    = "Root {\n format \"640 480 0 0 640 480 1 PC\"\n}\n"
		plate   = "Read {\n format \"2048 1176 0 0 2048 1176 1 \"\n}\n"
		other   = "Read {\n format \"100 100 0 0 100 100 1 \"\n}\n"
		shake   = "SetDefaultWidth(720);SetDefaultHeight(486);\n"
		inside  = "S = Stabilize(0,0,0,\"1\",Linear(0,700@1),Linear(0,400@1));"
		outside = "S = Stabilize(0,0,0,\"1\",Linear(0,1700@1),Linear(0,400@1));"
		rz2     = "imageSequence\t\"a\"\n{\n\t100\t50\tf( \"b\" )\n}\npointTrack \"t\"\n{\n\t1 2 3\n}\n"
	)
	tests := map[string]struct {
		id, text              string
		givenWidth, givenHigh int
		width, height         int
	}{
		"nuke: root alone":            {"nuke", root + tracked, 0, 0, 640, 480},
		"nuke: picture above":         {"nuke", root + other + plate + tracked, 0, 0, 2048, 1176},
		"nuke: picture below":         {"nuke", root + tracked + plate, 0, 0, 640, 480},
		"nuke: nowhere":               {"nuke", tracked, 0, 0, 0, 0},
		"nuke: given wins":            {"nuke", root + tracked, 1920, 1080, 1920, 1080},
		"one side given":              {"nuke", root + tracked, 1920, 0, 1920, 480},
		"shake: default":              {"shake-script", shake + inside, 0, 0, 720, 486},
		"shake: default never set":    {"shake-script", shake + outside, 0, 0, 0, 0},
		"3de3: title":                 {"3de3", "// 3DE Multiple Tracking Curves Export 2048 x 778 * 275 frames\na\n\t1 2 3\n", 0, 0, 2048, 778},
		"3de3: impossible":            {"3de3", "// 3DE Multiple Tracking Curves Export 0 x 99999999 * 275 frames\na\n\t1 2 3\n", 0, 0, 0, 0},
		"matchmover":                  {"matchmover", rz2, 0, 0, 100, 50},
		"csv: no size":                {"csv", "frame,x,y\n1,2,3\n", 0, 0, 0, 0},
		"csv: other ways to write it": {"csv", "# width=10, height: 20\nframe,x,y\n1,2,3\n", 0, 0, 10, 20},
		"json: impossible":            {"json", `{"width":1e9,"height":-3,"trackers":[{"keyframes":[{"frame":0,"x":1,"y":1}]}]}`, 0, 0, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shot := readSized(t, test.id, test.text, test.givenWidth, test.givenHigh)
			if shot.Width != test.width || shot.Height != test.height {
				t.Errorf("got %d x %d, want %d x %d", shot.Width, shot.Height, test.width, test.height)
			}
		})
	}
}

// Where y counts from the top, the height in force is what turns it round.
func TestGivenHeightTurnsY(t *testing.T) {
	t.Parallel()
	const text = "imageSequence\t\"a\"\n{\n\t100\t50\tf( \"b\" )\n}\npointTrack \"t\"\n{\n\t1 2 3\n}\n"
	for given, want := range map[int]float64{0: 47, 200: 197} {
		if got := readSized(t, "matchmover", text, 0, given).Trackers[0].Keyframes[0].Y; got != want {
			t.Errorf("height %d given: y is %v, want %v", given, got, want)
		}
	}
}

func TestTableVariants(t *testing.T) {
	t.Parallel()
	const want = "size 0 x 0\ntracker \"a\"\n  -1: 2.5 3 0\n  4: 5 6 0.5\n"
	tests := map[string]string{
		"other order":    "y,note,x,frame,residual,tracker\n3,hello,2.5,-1,,a\n6,,5,4,0.5,a\n",
		"semicolons":     "tracker;frame;x;y;residual\na;-1;2,5;3;\na;4;5;6;0,5\n",
		"tabs":           "Tracker\tFrame\tX\tY\tResidual\na\t-1\t2.5\t3\na\t4\t5\t6\t0.5\n",
		"quotes":         "\"tracker\",\"frame\",\"x\",\"y\",\"residual\"\n\"a\",\"-1\",\"2.5\",\"3\",\"0\"\n\"a\",\"4\",\"5\",\"6\",\"0.5\"\n",
		"more cells":     "name,frame,x,y,residual\na,-1,2.5,3,0,9,9\na,4,5,6,0.5,\n",
		"blanks":         "name, frame, x, y, residual\na, -1, 2.5, 3, 0\na, 4, 5, 6, 0.5\n",
		"later wins":     "name,frame,x,y,residual\na,4,0,0,0\na,-1,2.5,3,0\na,4,5,6,0.5\n",
		"nan is nothing": "name,frame,x,y,residual\na,-1,2.5,3,nan\na,0,nan,5,0\na,4,5,6,0.5\n",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := dump(readSized(t, "csv", text, 0, 0)); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}
