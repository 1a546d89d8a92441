package load

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"convertd/runner/recipe"
)

// update rewrites the golden files with what the code says now.
var update = flag.Bool("update", false, "rewrite golden files")

// TestGolden reads testdata/*.txtar: a declaration (recipe.toml, or the name of a shipped
// one) and parameters (given, one NAME=VALUE a line, and the name of a preset), and what they come to: either the
// problems of the file, or the checked values, the command lines (a word a line) and the
// schema.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := *archive
			got.Files = results(t, archive)
			if *update {
				if err := os.WriteFile(file, txtar.Format(&got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(&got))); diff != "" {
				t.Errorf("result differs from %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// results keeps the inputs of the archive and makes the rest anew.
func results(t *testing.T, archive *txtar.Archive) []txtar.File {
	t.Helper()
	var files []txtar.File
	var declaration []byte
	given := map[string][]string{}
	preset := ""
	for _, f := range archive.Files {
		switch f.Name {
		case "recipe.toml":
			declaration = f.Data
		case "shipped":
			var err error
			if declaration, err = shipped.ReadFile("shipped/" + strings.TrimSpace(string(f.Data)) + ".toml"); err != nil {
				t.Fatal(err)
			}
		case "given":
			for line := range strings.Lines(string(f.Data)) {
				name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				given[name] = append(given[name], value)
			}
		case "preset":
			preset = strings.TrimSpace(string(f.Data))
		default:
			continue
		}
		files = append(files, f)
	}
	add := func(name, text string) {
		files = append(files, txtar.File{Name: name, Data: []byte(text)})
	}
	d := parse("recipe.toml", declaration)
	if len(d.problems) > 0 {
		var b strings.Builder
		for _, p := range d.problems {
			fmt.Fprintln(&b, p)
		}
		add("problems", b.String())
		return files
	}
	add("commands", commands(t, d.recipe, preset, given))
	if calls := calls(t, d.recipe); calls != "" {
		add("calls.json", calls)
	}
	schema, err := json.MarshalIndent(d.recipe.Schema("de"), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	add("schema.json", string(schema)+"\n")
	return files
}

// calls are the requests that the recipe declares, as they travel to whoever makes them.
func calls(t *testing.T, r recipe.Recipe) string {
	t.Helper()
	all := struct {
		Sources []recipe.Source `json:"sources,omitempty"`
		Cache   recipe.Cache    `json:"cache,omitzero"`
		Steps   []*recipe.HTTP  `json:"steps,omitempty"`
	}{Sources: r.Sources, Cache: r.Cache}
	for _, s := range r.Steps {
		if s.HTTP != nil {
			all.Steps = append(all.Steps, s.HTTP)
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) == "{}" {
		return ""
	}
	return string(text) + "\n"
}

// commands is the checked values and what every step would run, or why not.
func commands(t *testing.T, r recipe.Recipe, preset string, given map[string][]string) string {
	t.Helper()
	given, err := r.WithPreset(preset, given)
	if err != nil {
		return refusal(t, err)
	}
	values, err := r.CheckParams(given)
	if err != nil {
		return refusal(t, err)
	}
	var b strings.Builder
	values, _ = r.Hide(values)
	fmt.Fprintln(&b, "values", recipe.CanonicalParams(values))
	for _, p := range recipe.ParamsOf(r, recipe.File, values) {
		values[p.Name] = recipe.Value{"/job/in/" + p.Name + filepath.Ext(values.Get(p.Name))}
	}
	for _, p := range recipe.ParamsOf(r, recipe.Secret, values) {
		values[p.Name] = recipe.Value{"/box/secrets/" + p.Name}
	}
	vars := recipe.Vars{
		Inputs: []string{"/job/in/1.bin", "/job/in/2.bin"}, Output: "/job/out", Work: "/job/work", State: "/job/state",
		Params: r.Params, Values: values,
	}
	if len(r.Accept) == 0 {
		vars.Inputs = nil
	}
	for i, s := range r.Steps {
		wanted, err := s.Wanted(values)
		if err != nil {
			t.Fatal(err)
		}
		if !wanted {
			fmt.Fprintf(&b, "step %d is left out\n", i+1)
			continue
		}
		for _, c := range []struct {
			what string
			argv []string
		}{{"probe", s.Probe}, {"command", s.Command}} {
			if len(c.argv) == 0 {
				continue
			}
			words, err := recipe.Fill(c.argv, vars)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "step %d %s\n", i+1, c.what)
			for _, word := range words {
				fmt.Fprintf(&b, "\t%q\n", word)
			}
		}
	}
	return b.String()
}
