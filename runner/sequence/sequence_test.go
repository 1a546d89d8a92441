package sequence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const png = "\x89PNG\r\n\x1a\n and more"

// files writes a file a name; "name=content" has content of its own.
func files(t *testing.T, names ...string) []File {
	t.Helper()
	dir := t.TempDir()
	var all []File
	for i, name := range names {
		name, content, own := strings.Cut(name, "=")
		if !own {
			content = png
		}
		path := filepath.Join(dir, fmt.Sprint(i+1))
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		all = append(all, File{Path: path, Name: name})
	}
	return all
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about string
		names []string
		want  string // frame numbers and gaps, or what is wrong
	}{
		{"in any order", []string{"shot.1003.png", "shot.1001.png", "shot.1002.png"}, "[1001 1002 1003] []"},
		{"without padding", []string{"f10.png", "f9.png", "f8.png"}, "[8 9 10] []"},
		{"the last number counts", []string{"v2_shot_007_0001.png", "v2_shot_007_0002.png"}, "[1 2] []"},
		{"digits after a point", []string{"shot.0001", "shot.0002"}, "[1 2] []"},
		{"nothing but numbers", []string{"1.png", "2.png"}, "[1 2] []"},
		{"case of the extension", []string{"a1.PNG", "a2.png"}, "[1 2] []"},
		{"gaps", []string{"a1.png", "a3.png", "a7.png", "a8.png"}, "[1 3 7 8] [2 4–6]"},
		{"one", []string{"a1.png"}, "[1] []"},
		{"no number", []string{"a1.png", "last.png"}, `The name "last.png" has no frame number.`},
		{"two sequences", []string{"a1.png", "b2.png"}, "do not belong to one sequence"},
		{"two extensions", []string{"a1.png", "a2.exr"}, "do not belong to one sequence"},
		{"twice", []string{"a1.png", "a01.png"}, `Frame 1 was sent twice: "a1.png" and "a01.png".`},
		{"an empty frame", []string{"a1.png", "a2.png="}, `Frame 2 ("a2.png") is not a picture`},
		{"another kind", []string{"a1.png", "a2.png=\xff\xd8\xff\xe0"}, "is JPEG, the first one is PNG"},
		{"a playlist", []string{"a1.png=#EXTM3U\n", "a2.png"}, "Frame 1 (\"a1.png\") is not a picture"},
		{"a number without end", []string{"a99999999999999999999.png"}, "has no frame number"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			frames, err := Order(files(t, tt.names...))
			var numbers []int
			for _, f := range frames {
				numbers = append(numbers, f.Number)
			}
			got := fmt.Sprint(numbers, Gaps(frames))
			if err != nil {
				got = err.Error()
			}
			if err == nil && got != tt.want || !strings.Contains(got, tt.want) {
				t.Errorf("Order: %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	sent := files(t, "a5.png", "a1.png", "a3.png")
	frames, err := Order(sent)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		hold bool
		want []int // numbers of the frames that are linked
	}{
		{true, []int{1, 1, 3, 3, 5}},
		{false, []int{1, 3, 5}},
	} {
		dir := filepath.Join(t.TempDir(), "frames")
		count, err := Link(frames, dir, tt.hold)
		if err != nil || count != len(tt.want) {
			t.Fatalf("hold %v: %d links, %v", tt.hold, count, err)
		}
		var got []int
		for i := range count {
			to, err := os.Readlink(filepath.Join(dir, fmt.Sprintf("%07d", i+1)))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range frames {
				if f.Path == to {
					got = append(got, f.Number)
				}
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("hold %v (-want +got):\n%s", tt.hold, diff)
		}
	}
}

func TestLinkRefusesFramesFarApart(t *testing.T) {
	t.Parallel()
	frames := []Frame{{Number: 1}, {Number: 900_000_000}}
	dir := filepath.Join(t.TempDir(), "frames")
	if _, err := Link(frames, dir, true); err == nil || !strings.Contains(err.Error(), "frames apart") {
		t.Errorf("Link: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("there is a folder all the same")
	}
}

func TestFew(t *testing.T) {
	t.Parallel()
	var frames []Frame
	for i := range 20 {
		frames = append(frames, Frame{Number: 2 * i})
	}
	if got := Few(Gaps(frames)); got != "1, 3, 5, 7, 9, 11, 13, 15 and more" {
		t.Errorf("Few: %s", got)
	}
}
