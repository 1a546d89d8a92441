package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/track"
)

// named returns a shot with one keyframe for each name.
func named(names ...string) track.Shot {
	shot := track.Shot{Width: 100, Height: 50}
	for _, name := range names {
		shot.Trackers = append(shot.Trackers, track.Tracker{Name: name, Keyframes: []track.Keyframe{{X: 1, Y: 2}}})
	}
	return shot
}

func write(t *testing.T, id string, shot track.Shot, o Options) (string, []string) {
	t.Helper()
	f, ok := ByID(id)
	if !ok {
		t.Fatalf("no writer %s", id)
	}
	var out bytes.Buffer
	notes, err := f.Write(context.Background(), &out, shot, o)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), notes
}

// TestNamesAreData writes nasty names in every format and looks for names where only names
// may stand and for nothing else there.
func TestNamesAreData(t *testing.T) {
	t.Parallel()
	rows := []struct {
		id, find string // the group is the name
		legal    string
		unique   bool
	}{
		{"maya-locators", `(?m)^spaceLocator -name "(.*)" -p 0 0 0;$`, `^[A-Za-z_][A-Za-z0-9_]*$`, true},
		{"xsi", `(?m)^Application\.SetValue\("null\.Name", "(.*)", ""\)$`, `^[A-Za-z_][A-Za-z0-9_-]*$`, true},
		{"nuke", `(?m)^     name (.*)$`, `^[A-Za-z0-9_]+$`, false},
		{"boujou", `(?m)^(\S+)  1  1\.000  47\.000$`, `^[^#\s]\S*$`, true},
		{"syntheyes", `(?m)^(\S+) 0 \S+ \S+ 15$`, `^\S+$`, true},
		{"3de3", `(?m)^([^\t/\n].*)$`, `^[A-Za-z0-9_]\S*$`, false},
		{"shake", `(?m)^TrackName (.*)$`, `^\S+$`, false},
		{"mayalive", `(?m)^#  Name (.*)$`, `^\S+$`, false},
		{"matchmover", `(?m)^pointTrack  "(.*)"  rgb\( 255 0 0 \)\t$`, `^[^"\s]+$`, false},
		{"pftrack4", `(?m)^"(.*)"\r$`, `^[^"\s]+$`, false},
	}
	shot := named(append(nastyNames(), nastyNames()...)...)
	for _, row := range rows {
		t.Run(row.id, func(t *testing.T) {
			t.Parallel()
			out, notes := write(t, row.id, shot, Options{})
			legal := regexp.MustCompile(row.legal)
			var found []string
			for _, m := range regexp.MustCompile(row.find).FindAllStringSubmatch(out, -1) {
				found = append(found, m[1])
				if !legal.MatchString(m[1]) {
					t.Errorf("wrote the name %q", m[1])
				}
			}
			if len(found) != len(shot.Trackers) {
				t.Fatalf("found %d names of %d in\n%s", len(found), len(shot.Trackers), out)
			}
			if slices.Sort(found); row.unique && len(slices.Compact(found)) != len(shot.Trackers) {
				t.Error("a name occurs twice")
			}
			if len(notes) != 1 || !strings.Contains(notes[0], "tracker names were changed because") {
				t.Errorf("got notes %q, want one about changed names", notes)
			}
		})
	}
}

// TestLinesOfScripts checks that no name adds a line to a script: line counts depend on
// the number of trackers only.
func TestLinesOfScripts(t *testing.T) {
	t.Parallel()
	nasty := named(nastyNames()...)
	plain := named(make([]string, len(nastyNames()))...)
	for i := range plain.Trackers {
		plain.Trackers[i].Name = fmt.Sprintf("t%d", i)
	}
	for _, f := range All() {
		if f.ID == "csv" { // quoted fields may hold line feeds
			continue
		}
		got, _ := write(t, f.ID, nasty, Options{})
		want, _ := write(t, f.ID, plain, Options{})
		if g, w := strings.Count(got, "\n"), strings.Count(want, "\n"); g != w {
			t.Errorf("%s: %d lines, want %d", f.ID, g, w)
		}
		if strings.ContainsAny(got, "\x00\x1b") {
			t.Errorf("%s holds a control character", f.ID)
		}
	}
}

func TestJSONNames(t *testing.T) {
	t.Parallel()
	out, _ := write(t, "json", named(nastyNames()...), Options{})
	var document struct {
		Trackers []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(out), &document); err != nil {
		t.Fatal(err)
	}
	for i, name := range nastyNames() {
		if got := document.Trackers[i].Name; utf8.ValidString(name) && got != name {
			t.Errorf("got %q, want %q", got, name)
		}
	}
}

func TestCollidingNames(t *testing.T) {
	t.Parallel()
	rows := []struct {
		id    string
		names []string
		want  []string
	}{
		{"syntheyes", []string{"a_b", "aB", "AB"}, []string{"AB", "AB_2", "AB_3"}},
		{"maya-locators", []string{"a.b", "a_b", "top", "a_b_2"}, []string{"a_b", "a_b_2", "top_2", "a_b_2_2"}},
		{"boujou", []string{"x", "x", "#x"}, []string{"x", "x_2", "_#x"}},
		{"xsi", []string{"01", "_01", "a-b"}, []string{"_01", "_01_2", "a-b"}},
	}
	find := map[string]string{
		"syntheyes": `(?m)^(\S+) `, "maya-locators": `Locator -name "(.*)" -p`, "boujou": `(?m)^([^\s]+)  1 `, "xsi": `null.Name", "(.*)", ""`,
	}
	for _, row := range rows {
		out, notes := write(t, row.id, named(row.names...), Options{})
		var got []string
		for _, m := range regexp.MustCompile(find[row.id]).FindAllStringSubmatch(out, -1) {
			got = append(got, m[1])
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", row.id, diff)
		}
		if len(notes) != 1 {
			t.Errorf("%s: got notes %q, want one", row.id, notes)
		}
	}
}

func TestCamelCase(t *testing.T) {
	t.Parallel()
	rows := [][2]string{
		{"trk", "Trk"}, {"a_b", "AB"}, {"a__b", "A_b"}, {"a_", "A_"}, {"_a", "_a"}, {"a/c", "A::C"}, {"Tracker1_track1", "Tracker1Track1"}, {"", ""}, {"é_é", "éé"},
	}
	for _, row := range rows {
		if got := camelCase(row[0]); got != row[1] {
			t.Errorf("%q: got %q, want %q", row[0], got, row[1])
		}
	}
}

// TestStopped checks that a writer gives up with the error of the context or the
// destination.
func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, f := range All() {
		if _, err := f.Write(ctx, io.Discard, named("a"), Options{}); err != context.Canceled {
			t.Errorf("%s: got %v, want the error of the context", f.ID, err)
		}
		if _, err := f.Write(context.Background(), full{}, named("a"), Options{}); err != io.ErrShortWrite {
			t.Errorf("%s: got %v, want the error of the destination", f.ID, err)
		}
	}
}

func TestIncomplete(t *testing.T) {
	t.Parallel()
	empty := named("a", "b")
	empty.Trackers[1].Keyframes = nil
	for _, f := range All() {
		for _, shot := range []track.Shot{{Width: 9, Height: 9}, empty} {
			if _, err := f.Write(context.Background(), io.Discard, shot, Options{}); err != ErrIncomplete {
				t.Errorf("%s: got %v, want ErrIncomplete", f.ID, err)
			}
		}
	}
}

// full is a destination without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
