package load

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
	"convertd/runner/track/exporter"
	"convertd/runner/track/filter"
	"convertd/runner/track/importer"
)

func TestShippedRecipesHaveNoProblem(t *testing.T) {
	t.Parallel()
	set, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	if problems := set.Problems(); len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	if got, want := len(set.All()), len(shippedFiles()); got != want {
		t.Errorf("%d recipes in force of %d files", got, want)
	}
	for _, r := range set.All() {
		if "shipped/"+r.Name+".toml" != r.Source || !r.Shipped {
			t.Errorf("recipe %s comes from %s", r.Name, r.Source)
		}
		if len(r.Version) != 12 || r.Description.In("") == "" || r.Limits.Time == 0 || r.Limits.Memory == 0 || len(r.Outputs) == 0 {
			t.Errorf("%s lacks a version, a description, limits or outputs: %+v", r.Name, r)
		}
		if text, err := Source(r); err != nil || !strings.Contains(string(text), r.Name) {
			t.Errorf("source of %s: %v", r.Name, err)
		}
		for _, s := range r.Steps {
			if s.Title.In("") == "" || s.Name == "" {
				t.Errorf("a step of %s has no title or name", r.Name)
			}
			if s.Builtin == "" && len(r.Needs.Packages) == 0 {
				t.Errorf("%s does not say what to install", r.Name)
			}
		}
	}
}

// sameEverywhere are the texts of shipped recipes that are the same in every language.
func sameEverywhere() []string {
	return []string{"$1", "A3", "A4", "Letter", "JPEG", "PNG", "MP3", "M4A (AAC)", "Opus", "OpenDocument (ODT)", "JSON (.json)"}
}

// TestShippedRecipesSpeakGerman looks at every text for people in the declarations.
func TestShippedRecipesSpeakGerman(t *testing.T) {
	t.Parallel()
	set, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set.All() {
		seen := 0
		eachText(reflect.ValueOf(r), r.Name, func(place string, text recipe.Text) {
			seen++
			if one, neutral := text[""]; neutral && len(text) == 1 && slices.Contains(sameEverywhere(), one) {
				return
			}
			if len(text) != 2 || text["en"] == "" || text["de"] == "" {
				t.Errorf("%s is not said in English and German: %q", place, text)
			}
		})
		if seen < 5 {
			t.Errorf("%s has only %d texts for people", r.Name, seen)
		}
	}
}

// eachText finds the texts for people in a value, wherever they are.
func eachText(v reflect.Value, place string, found func(string, recipe.Text)) {
	switch {
	case v.Type() == reflect.TypeFor[recipe.Text]():
		if v.Len() > 0 {
			found(place, v.Interface().(recipe.Text))
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			eachText(v.Field(i), place+"."+v.Type().Field(i).Name, found)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			eachText(v.Index(i), fmt.Sprintf("%s[%d]", place, i), found)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		eachText(v.Elem(), place, found)
	}
}

// The choices of the tracks recipe are what the converter can do.
func TestTracksRecipeKnowsTheConverter(t *testing.T) {
	t.Parallel()
	set, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	r, ok := set.Find("tracks")
	if !ok {
		t.Fatal("no recipe tracks")
	}
	readers, extensions := []string{"auto"}, map[string]bool{}
	for _, i := range importer.All() {
		readers = append(readers, i.Format().ID)
		for _, ext := range i.Format().Extensions {
			extensions[ext] = true
		}
	}
	var writers []string
	for _, f := range exporter.All() {
		writers = append(writers, f.ID)
	}
	if diff := cmp.Diff(readers, choicesOf(r, "from")); diff != "" {
		t.Errorf("readers (-converter +recipe):\n%s", diff)
	}
	// The recipe orders them for people: the likely ones first.
	if diff := cmp.Diff(slices.Sorted(slices.Values(writers)), slices.Sorted(slices.Values(choicesOf(r, "to")))); diff != "" {
		t.Errorf("writers (-converter +recipe):\n%s", diff)
	}
	for ext := range extensions {
		if !slices.Contains(r.Accept, ext) {
			t.Errorf("the converter reads %s, the recipe does not accept it", ext)
		}
	}
	for _, tool := range filter.All() {
		if _, err := r.CheckParams(map[string][]string{"tools": {tool.Name, tool.Name + "=1,-2.5"}}); err != nil {
			t.Errorf("tool %s: %v", tool.Name, err)
		}
	}
	for _, wrong := range []string{"crp", "crop=1\n", "Crop", "crop ", "=1"} {
		if _, err := r.CheckParams(map[string][]string{"tools": {wrong}}); err == nil {
			t.Errorf("tool %q is taken", wrong)
		}
	}
}

func choicesOf(r recipe.Recipe, param string) []string {
	var values []string
	for _, p := range r.Params {
		if p.Name == param {
			for _, c := range p.Choices {
				values = append(values, c.Value)
			}
		}
	}
	return values
}

func TestOwnRecipesGoOverShippedOnes(t *testing.T) {
	t.Parallel()
	own := strings.Replace(minimal, `"minimal"`, `"tracks"`, 1)
	set := loaded(t, map[string]string{
		"a.toml":          own,
		"b.toml":          "name = \"video-to-mp4\"\nenabled = false\n",
		"c.toml":          "name = \"document-to-pdf\"\naccept = 5\n",
		"my-webp.toml":    "name = \"to-webp\"\naccept = [\"image/*\"]\nto = [\"webp\"]\ncommand = [\"cwebp\", \"-progress\", \"{input}\", \"-o\", \"{output}/{stem}.webp\"]\n",
		"notes.txt":       "not a recipe",
		".hidden.toml":    "nor this",
		"disabled.toml":   strings.Replace(minimal, `"minimal"`, `"off"`, 1) + "enabled = false\n",
		"subfolder.other": "",
	})
	if r, ok := set.Find("tracks"); !ok || r.Shipped || !slices.Equal(r.Accept, []string{".in"}) {
		t.Errorf("tracks is %+v, want the one of the folder", r)
	}
	for _, gone := range []string{"video-to-mp4", "document-to-pdf", "off"} {
		if r, ok := set.Find(gone); ok {
			t.Errorf("%s is in force: %+v", gone, r)
		}
	}
	if target, err := set.Choose("webp", "image/png", ".png"); err != nil || target.Recipe != "to-webp" {
		t.Errorf("webp of a PNG is made by %q, %v, want the recipe of the folder", target.Recipe, err)
	}
	var broken []string
	for _, p := range set.Problems() {
		if !p.Warning {
			broken = append(broken, filepath.Base(p.File))
		}
	}
	if !slices.Contains(broken, "c.toml") || slices.ContainsFunc(broken, func(f string) bool { return f != "c.toml" }) {
		t.Errorf("files with errors: %q, want c.toml alone", broken)
	}
}

func TestLoadOfAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load: %v, want an error that wraps fs.ErrNotExist", err)
	}
	file := filepath.Join(t.TempDir(), "large.toml")
	must(t, os.WriteFile(file, make([]byte, maxFileBytes+1), 0o600))
	if _, problems := File(file); len(problems) != 1 || !strings.Contains(problems[0].Message, "larger than") {
		t.Errorf("a file of more than a MiB: %v", problems)
	}
	if _, problems := File(filepath.Dir(file)); len(problems) != 1 || !strings.Contains(problems[0].Message, "not a regular file") {
		t.Errorf("a folder: %v", problems)
	}
	if _, problems := File(file + "x"); len(problems) != 1 || problems[0].Remedy == "" {
		t.Errorf("no file: %v", problems)
	}
}

// The version changes with what is declared, not with how it is written.
func TestVersion(t *testing.T) {
	t.Parallel()
	versionOf := func(text string) string { return parse("r.toml", []byte(text)).recipe.Version }
	base := versionOf(minimal)
	if got := versionOf("# a comment\n" + strings.ReplaceAll(minimal, " = ", "=")); got != base {
		t.Errorf("another way of writing it changes the version: %s, %s", base, got)
	}
	for _, change := range []string{minimal + "slots = 2", minimal + "[limits]\ntime = \"5m\"", strings.Replace(minimal, ".in", ".out", 1), strings.Replace(minimal, `"true"`, `"false"`, 1)} {
		if got := versionOf(change); got == base || len(got) != 12 {
			t.Errorf("the version of\n%s\nis %q, want another one than %q", change, got, base)
		}
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	const text = `# comment = 1
a = 1
"quoted key" = "]["

b = [ # [x]
  "c = 1", 'd',
  "]",
]
c = """
d = 1
\"""
"""
d = '''
e = 1'''
[table] # x
a = { x = 1, y = [1,
 2] }
b.c = 5
[table.inner]
a = "x" # "
[[list]]
a = 1
[list.inner]
b = 1
[[list.sub]]
c = 1
[[list.sub]]
c = 1
[[ list ]]
a = 2
  [[list.sub]]
  c = 1
`
	got := linesOf(text)
	want := lines{
		"a": 2, "quoted key": 3, "b": 5, "c": 9, "d": 13, "table": 15, "table.a": 16, "table.b.c": 18, "table.inner": 19, "table.inner.a": 20,
		"list.0": 21, "list.0.a": 22, "list.0.inner": 23, "list.0.inner.b": 24, "list.0.sub.0": 25, "list.0.sub.0.c": 26, "list.0.sub.1": 27, "list.0.sub.1.c": 28,
		"list.1": 29, "list.1.a": 30, "list.1.sub.0": 31, "list.1.sub.0.c": 32,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	for path, line := range map[string]int{"table.a.x": 16, "list.1.none": 29, "none": 0, "list.0.sub.1.c.d": 28} {
		if got.of(path) != line {
			t.Errorf("line of %s is %d, want %d", path, got.of(path), line)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, bytes := range []int64{0, 1, 1023, 1 << 10, 3 << 20, 5 << 40, 1e9, 1e9 + 1} {
		if got, err := ParseSize(FormatSize(bytes)); err != nil || got != bytes {
			t.Errorf("%d bytes as %s are %d, %v", bytes, FormatSize(bytes), got, err)
		}
	}
	for _, text := range []string{"1s", "1m", "90m", "1h30m", "2d", "1ms", "36h"} {
		d, err := ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Errorf("%s as %s is %s, %v", text, FormatDuration(d), again, err)
		}
	}
}

// FuzzRecipe: no text crashes the reader, and what it says is about lines of that text.
func FuzzRecipe(f *testing.F) {
	f.Add(minimal)
	f.Add("a = '''\n''''\n[[b]]\nc.d=1\n[b.e]\n[[b.f]]\n\"g\"=[1,\n2]")
	for _, name := range shippedFiles() {
		text, err := shipped.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := strings.Count(text, "\n") + 1
		d := parse("r.toml", []byte(text))
		for _, p := range d.problems {
			if p.Line < 0 || p.Line > last || p.Message == "" || p.Remedy == "" {
				t.Fatalf("problem %+v in a text of %d lines", p, last)
			}
		}
		values := map[string]any{}
		if _, err := toml.Decode(text, &values); err != nil {
			return
		}
		found := linesOf(text)
		for key, v := range values {
			_, isTable := v.(map[string]any)
			_, isList := v.([]map[string]any)
			if line := found.of(key); line == 0 && !isTable && !isList && !strings.ContainsAny(key, ".\\\"'") && strings.TrimSpace(key) != "" {
				t.Fatalf("no line for key %q of\n%s", key, text)
			}
		}
	})
}
