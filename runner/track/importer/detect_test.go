package importer

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"convertd/runner/track"
)

func TestDetectEveryExample(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			checkDetected(t, e, e.data)
		})
	}
}

// checkDetected fails unless data is recognised by its content, and with a misleading
// name too.
func checkDetected(t *testing.T, e example, data []byte) {
	t.Helper()
	for _, name := range []string{"", e.name, "upload.txt", "wrong.nk", "wrong.rz2"} {
		imp, err := detectIn(data, name)
		if err != nil {
			t.Fatalf("as %q: %v", name, err)
		}
		if got := imp.Format().ID; got != e.id {
			t.Fatalf("as %q: detected as %s, want %s", name, got, e.id)
		}
	}
}

// detectIn recognises the format of a whole file.
func detectIn(data []byte, name string) (Importer, error) {
	head, err := NewSource(bytes.NewReader(data), nil).Head()
	if err != nil {
		return nil, err
	}
	return Detect(head, name)
}

func TestDetectRefusesWhatIsNoTrackFile(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty":    "",
		"blank":    " \n\t\n",
		"prose":    "Dear all,\nplease find attached the tracks.\n",
		"numbers":  "1 2 3\n4 5 6\n",
		"png":      "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
		"xml":      "<?xml version=\"1.0\"?><html/>",
		"json":     `{"a":[1,2,3]}`,
		"csv":      "a,b,c\n1,2,3\n",
		"one byte": "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			imp, err := Detect([]byte(data), "tracks.txt")
			var parse *track.ParseError
			if !errors.As(err, &parse) || parse.Hint == "" {
				t.Fatalf("got %v, %v, want a *track.ParseError with a hint", imp, err)
			}
		})
	}
}

func TestDetectLeavesUnknownTextToTheOwnerOfItsExtension(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, text, want string }{
		"table":     {"a.csv", "point;time;left;up\n", "csv"},
		"script":    {"a.SHK", "// nothing known yet\n", "shake-script"},
		"ambiguous": {"a.txt", "nothing known\n", ""},
		"binary":    {"a.nk", "\x7fELF\x00\x00", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			imp, err := Detect([]byte(test.text), test.name)
			got := ""
			if err == nil {
				got = imp.Format().ID
			}
			if got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestDetectSaysWhatToDoWithProjects(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"shot.3de": "3D-Equalizer project", "cam.FBX": "3D scene", "plate.mov": "picture or video", "a.sni": "SynthEyes project",
		"a.bpj": "boujou", "a.mmf": "MatchMover", "a.pfb": "PFTrack", "a.aep": "keyframe data", "a.odt": "name the format",
	} {
		_, err := Detect([]byte("no tracks here"), name)
		var parse *track.ParseError
		if !errors.As(err, &parse) || !strings.Contains(parse.Hint, want) {
			t.Errorf("%s: got %v, want a hint with %q", name, err, want)
		}
	}
}
