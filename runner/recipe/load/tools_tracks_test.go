//go:build recipes

package load_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
)

// points is a 3DEqualizer point export of two trackers.
const points = "2\ntop_left\n0\n3\n1 10.5 20.25\n2 11.5 21.25\n3 12.5 22.25\nbottom\n0\n2\n1 100 200\n3 102 202\n"

func TestTracks(t *testing.T) {
	t.Parallel()
	res := convert(t, "tracks", map[string][]string{"to": {"nuke", "csv", "json"}, "width": {"1920"}, "height": {"1080"}, "tools": {"shift=1,2"}},
		input{written(t, "x.txt", points), "shot.v2.txt"})
	if res.Class != fault.Succeeded {
		t.Fatalf("%s: %s", res.Class, res.Detail)
	}
	var names []string
	for _, o := range res.Outputs {
		names = append(names, o.Name)
	}
	if got := strings.Join(names, " "); got != "shot.v2_nuke.nk shot.v2_tracks.csv shot.v2_tracks.json" && got != "shot.v2_tracks.csv shot.v2_tracks.json shot.v2_nuke.nk" {
		t.Errorf("outputs are named %s", got)
	}
	found := false
	for _, o := range res.Outputs {
		text, err := os.ReadFile(filepath.Join(res.job.Out(1), o.File))
		must(t, err)
		found = found || strings.Contains(string(text), "11.5") && strings.Contains(string(text), "top_left")
	}
	if !found || len(res.Previews) != 1 {
		t.Errorf("no output has the moved tracker, or there are previews %+v", res.Previews)
	}
	if all := convert(t, "tracks", map[string][]string{"width": {"1920"}, "height": {"1080"}}, input{written(t, "x.txt", points), hostile + ".txt"}); all.Class != fault.Succeeded || len(all.Outputs) < 20 {
		t.Errorf("all formats: %s: %s, %d outputs", all.Class, all.Detail, len(all.Outputs))
	}
}

func TestTracksRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about, name, content string
		given                map[string][]string
		want                 string
	}{
		{"random bytes", "a.nk", garbage(3000), nil, "."},
		{"nothing", "a.txt", "", nil, "empty"},
		{"half a file", "a.txt", points[:len(points)/2], nil, "."},
		{"a forced format", "a.txt", points, map[string][]string{"from": {"nuke"}}, "."},
		{"a tool without its values", "a.txt", points, map[string][]string{"tools": {"slip=x"}}, "slip"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			convert(t, "tracks", tt.given, input{written(t, "x.txt", tt.content), tt.name}).fails(t, tt.want)
		})
	}
}
