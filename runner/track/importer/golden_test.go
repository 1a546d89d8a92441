package importer

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/track"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// example is the small file that stands for a format in the tests.
type example struct {
	id   string
	name string
	data []byte
}

// examples returns one file for every reader.
func examples(t testing.TB) []example {
	t.Helper()
	var all []example
	for _, imp := range All() {
		id := imp.Format().ID
		matches, err := filepath.Glob(filepath.Join("testdata", id+".*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range matches {
			if strings.HasSuffix(path, ".golden") {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, example{id: id, name: filepath.Base(path), data: data})
		}
	}
	if len(all) < len(All()) {
		t.Fatalf("%d examples for %d readers", len(all), len(All()))
	}
	return all
}

// readAs reads data with the reader of an id, with a frame size given where the format
// needs one.
func readAs(t testing.TB, id string, data []byte) (track.Shot, error) {
	t.Helper()
	imp, ok := ByID(id)
	if !ok {
		t.Fatalf("there is no reader %q", id)
	}
	in := NewSource(bytes.NewReader(data), nil)
	if imp.Format().NeedsSize {
		in.Width, in.Height = 1920, 1080
	}
	return imp.Read(context.Background(), in)
}

// dump writes a shot in a form that shows every value exactly.
func dump(shot track.Shot) string {
	var b strings.Builder
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	b.WriteString("size " + strconv.Itoa(shot.Width) + " x " + strconv.Itoa(shot.Height) + "\n")
	for _, tr := range shot.Trackers {
		b.WriteString("tracker " + strconv.Quote(tr.Name) + "\n")
		for _, k := range tr.Keyframes {
			b.WriteString("  " + strconv.Itoa(k.Frame) + ": " + number(k.X) + " " + number(k.Y) + " " + number(k.Residual) + "\n")
		}
	}
	return b.String()
}

func TestReadExamples(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			shot, err := readAs(t, e.id, e.data)
			if err != nil {
				t.Fatal(err)
			}
			checkShot(t, shot)
			golden := filepath.Join("testdata", e.name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(dump(shot)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), dump(shot)); diff != "" {
				t.Errorf("read differently (-want +got):\n%s", diff)
			}
		})
	}
}
