package recipe

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
)

func kitchen() *Set {
	tracks := []ParamChoice{{Value: "nuke", Group: "Nuke"}, {Value: "3de4", Title: Text{"": "3DE 4"}, Group: "3DEqualizer"}}
	formats := []ParamChoice{{Value: "png"}, {Value: "webp", Title: Text{"": "WebP"}}}
	return NewSet([]Recipe{
		{Name: "zip", Accept: []string{"*/*"}, To: []string{"zip"}, Shipped: true},
		{Name: "tracks", Accept: []string{".nk", ".txt"}, To: []string{"tracks"}, Params: []Param{{Name: ToParam, Type: List, Choices: tracks}}, Shipped: true},
		{Name: "image", Accept: []string{"image/*"}, To: []string{"png", "webp"}, Params: []Param{{Name: ToParam, Type: Choice, Choices: formats}}, Shipped: true},
		{Name: "png-crush", Accept: []string{"image/png"}, To: []string{"png"}, Shipped: true},
		{Name: "script", Accept: []string{".txt"}},
		{Name: "button", Accept: []string{}},
	}, nil)
}

func names(recipes []Recipe) string {
	var all []string
	for _, r := range recipes {
		all = append(all, r.Name)
	}
	return strings.Join(all, " ")
}

func TestFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ media, ext, want string }{
		{"image/png", ".png", "png-crush image zip"},
		{"IMAGE/PNG; charset=x", "", "png-crush image zip"},
		{"image/jpeg", ".txt", "script image tracks zip"},
		{"text/plain; charset=utf-8", ".NK", "tracks zip"},
		{"text/plain", "txt", "script tracks zip"},
		{"", "", "zip"},
		{"application/octet-stream", ".", "zip"},
	} {
		if got := names(kitchen().For(tt.media, tt.ext)); got != tt.want {
			t.Errorf("For(%q, %q) = %s, want %s", tt.media, tt.ext, got, tt.want)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	to := func(value string) map[string][]string { return map[string][]string{ToParam: {value}} }
	for _, tt := range []struct {
		media, ext string
		want       []Target
	}{
		{"image/png", ".png", []Target{
			{ID: "png", Recipe: "png-crush"}, {ID: "webp", Recipe: "image", Title: Text{"": "WebP"}, Given: to("webp")}, {ID: "zip", Recipe: "zip"},
		}},
		{"text/plain", ".txt", []Target{
			{Recipe: "script"}, {ID: "tracks", Recipe: "tracks"},
			{ID: "nuke", Recipe: "tracks", Title: Text{"": "nuke"}, Group: "Nuke", Given: to("nuke")},
			{ID: "3de4", Recipe: "tracks", Title: Text{"": "3DE 4"}, Group: "3DEqualizer", Given: to("3de4")},
			{ID: "zip", Recipe: "zip"},
		}},
	} {
		if diff := cmp.Diff(tt.want, kitchen().Targets(tt.media, tt.ext)); diff != "" {
			t.Errorf("Targets(%q, %q) (-want +got):\n%s", tt.media, tt.ext, diff)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ to, media, ext, want string }{
		{"png", "image/png", ".png", "png-crush"},
		{"png", "image/jpeg", ".jpg", "image"},
		{"3de4", "text/plain", ".nk", "tracks"},
		{"tracks", "text/plain", ".nk", "tracks"},
		{"zip", "", "", "zip"},
	} {
		if got, err := kitchen().Choose(tt.to, tt.media, tt.ext); err != nil || got.Recipe != tt.want {
			t.Errorf("Choose(%q, %q, %q) = %+v, %v, want recipe %s", tt.to, tt.media, tt.ext, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		to, media, ext string
		code           fault.Code
		hint           string
	}{
		{"wbep", "image/png", ".png", fault.NotFound, "Did you mean webp?"},
		{"", "image/png", ".png", fault.NotFound, "The list of recipes names what can be made."},
		{"tracks", "image/png", ".png", fault.UnsupportedMedia, "This file can become: png, webp, zip."},
	} {
		_, err := kitchen().Choose(tt.to, tt.media, tt.ext)
		if f, ok := err.(*fault.Error); !ok || f.Code != tt.code || f.Hint != tt.hint {
			t.Errorf("Choose(%q): %#v, want %s with %q", tt.to, err, tt.code, tt.hint)
		}
	}
}

func TestCheckFile(t *testing.T) {
	t.Parallel()
	set := kitchen()
	for _, tt := range []struct {
		recipe, media, ext string
		want               fault.Code
	}{
		{"image", "image/gif", "", ""}, {"image", "text/plain", ".txt", fault.UnsupportedMedia}, {"image", "", "png", fault.UnsupportedMedia}, {"button", "image/png", "", fault.TooManyFiles},
	} {
		r, _ := set.Find(tt.recipe)
		if err := r.CheckFile(tt.media, tt.ext); fault.CodeOf(err) != tt.want {
			t.Errorf("%s takes %s %s: %v, want %q", tt.recipe, tt.media, tt.ext, err, tt.want)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	set := kitchen()
	for _, r := range set.All() {
		if got, ok := set.Find(r.Name); !ok || got.Name != r.Name {
			t.Errorf("Find(%q) = %q, %v", r.Name, got.Name, ok)
		}
	}
	for _, name := range []string{"", "aaa", "zzz", "imag"} {
		if got, ok := set.Find(name); ok {
			t.Errorf("Find(%q) = %q, want none", name, got.Name)
		}
	}
}

// A program that is installed later is noticed, but nobody looks more than once a minute.
func TestAvailable(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "tool")
	set := NewSet([]Recipe{
		{Name: "tool", Steps: []Step{{Command: []string{program, "{input}"}}}, Needs: Needs{Packages: []string{"toolkit"}, Binaries: []string{"sh"}}, Source: "x.toml"},
		{Name: "plain", Steps: []Step{{Command: []string{"sh"}, Probe: []string{"no-such-program"}}, {Builtin: "tracks"}}, Source: "y.toml"},
	}, nil)
	now := time.Unix(0, 0)
	set.now = func() time.Time { return now }
	check := func(recipe, missing, remedy string) {
		t.Helper()
		if a := set.Available(recipe); strings.Join(a.Missing, " ") != missing || a.Remedy != remedy || a.OK() != (missing == "") {
			t.Errorf("Available(%q) = %+v, want missing %q, remedy %q", recipe, a, missing, remedy)
		}
	}
	check("plain", "no-such-program", "Install no-such-program, or name it by its full path in y.toml.")
	check("tool", program, "apt-get install toolkit")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookAgain - time.Second)
	check("tool", program, "apt-get install toolkit")
	now = now.Add(time.Second)
	check("tool", "", "")
}

func TestFindProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := FindProgram("sh"); err != nil || !filepath.IsAbs(got) {
		t.Errorf("sh: %q, %v", got, err)
	}
	for _, name := range []string{"", "no-such-program", "./sh", "bin/sh", dir, file, "/dev/null", filepath.Join(dir, "none")} {
		if got, err := FindProgram(name); err == nil {
			t.Errorf("FindProgram(%q) = %q, want an error", name, got)
		}
	}
}

func TestShownName(t *testing.T) {
	t.Parallel()
	outputs := []Output{{Match: "*.mp4"}, {Match: "1.pdf", Show: "{stem}.pdf"}, {Match: "*.csv", Show: "table.csv"}}
	for _, tt := range []struct{ file, want string }{
		{"stem.mp4", "My film.mp4"}, {"stem-01.png", "My film-01.png"}, {"stem", "My film"}, {"other.mp4", "other.mp4"},
		{"1.pdf", "My film.pdf"}, {"2.pdf", "2.pdf"}, {"stem.csv", "table.csv"}, {"system.txt", "system.txt"},
	} {
		if got := ShownName(outputs, tt.file, "My film"); got != tt.want {
			t.Errorf("ShownName(%q) = %q, want %q", tt.file, got, tt.want)
		}
	}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	values := Values{"sound": {"true"}, "parts": {"a", "b"}, "empty": {}}
	for _, tt := range []struct {
		when string
		want bool
	}{
		{"", true}, {"param.sound = true", true}, {"param.sound=false", false}, {"param.sound != false", true}, {" param.sound  !=  true ", false},
		{"param.parts = b", true}, {"param.parts = c", false}, {"param.absent = x", false}, {"param.absent != x", true}, {"param.empty != x", true},
	} {
		if got, err := (Step{When: tt.when}).Wanted(values); err != nil || got != tt.want {
			t.Errorf("Wanted(%q) = %v, %v, want %v", tt.when, got, err, tt.want)
		}
	}
	for _, when := range []string{"sound = true", "param.sound", "param. = x", "param.sound =", "= x", "!="} {
		if _, err := (Step{When: when}).Wanted(values); err == nil {
			t.Errorf("Wanted(%q) has no error", when)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"command", "accept", "output", "mp4", "webm"}
	for _, tt := range []struct{ name, want string }{
		{"comand", "command"}, {"acecpt", "accept"}, {"ouput", "output"}, {"mp3", "mp4"}, {"wbem", "webm"}, {"quality", ""}, {"", ""}, {strings.Repeat("x", 1<<20), ""},
	} {
		if got := Nearest(tt.name, known); got != tt.want {
			t.Errorf("Nearest(%.20q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTextOfKeptDeclarations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Text{`"More"`: {"": "More"}, `{"en":"More","de":"Mehr"}`: {"en": "More", "de": "Mehr"}, `""`: nil, `null`: nil} {
		got := Text{"": "before"}
		if err := json.Unmarshal([]byte(text), &got); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s is read as %v, %v, want %v", text, got, err, want)
		}
	}
	var bad Text
	if err := json.Unmarshal([]byte(`["More"]`), &bad); err == nil {
		t.Errorf("a list is read as %v", bad)
	}
}

func TestTextIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text       Text
		lang, want string
	}{
		{Text{"": "a", "de": "b"}, "de", "b"}, {Text{"": "a", "de": "b"}, "fr", "a"}, {Text{"en": "a", "de": "b"}, "fr", "a"}, {Text{"fr": "c", "de": "b"}, "", "b"}, {nil, "de", ""},
	} {
		if got := tt.text.In(tt.lang); got != tt.want {
			t.Errorf("%v in %q is %q, want %q", tt.text, tt.lang, got, tt.want)
		}
	}
}
