package importer

import (
	"strings"
	"testing"
)

func TestPeek(t *testing.T) {
	t.Parallel()
	root := "Root {\n format \"2048 1556 0 0 2048 1556 1 film\"\n}\nTracker3 {\n track1 {{curve x1 1 2} {curve x1 3 4}}\n name T\n}\n"
	for name, c := range map[string]struct {
		text, id      string
		width, height int
	}{
		"whole.nk":   {root, "nuke", 2048, 1556},
		"cut.nk":     {root + strings.Repeat("Tracker3 {\n track1 {{curve x1 1 2} {curve x1 3 4}}\n name T\n}\n", 9) + "Tracker3 {\n track1 {{cur", "nuke", 2048, 1556},
		"nosize.txt": {"1\npoint\n0\n1\n1 2.0 3.0\n", "3de4", 0, 0},
		"table.csv":  {"# width 1920\n# height 1080\ntracker,frame,x,y\na,0,1,2\n", "csv", 1920, 1080},
		"cut.csv":    {"# width 1920\n# height 1080\ntracker,frame,x,y\na,0,1,", "csv", 1920, 1080},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Peek(t.Context(), []byte(c.text), name)
			if err != nil || got.Format.ID != c.id || got.Width != c.width || got.Height != c.height {
				t.Errorf("%s %dx%d, %v; want %s %dx%d", got.Format.ID, got.Width, got.Height, err, c.id, c.width, c.height)
			}
		})
	}
	if _, err := Peek(t.Context(), []byte("hello"), "x.txt"); err == nil {
		t.Error("no error for a file that is none of tracks")
	}
}
