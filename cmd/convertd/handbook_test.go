package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"convertd/cmd/convertd/config"
	"convertd/cmd/convertd/handbook"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
	"convertd/sql/job"
)

// The page on a job's life knows every state and every outcome class.
func TestHandbookNamesEveryStateAndClass(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("handbook/life.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, state := range job.States() {
		if !strings.Contains(page, "\n| "+string(state)+" |") {
			t.Errorf("no row for the state %s", state)
		}
	}
	_, classes, _ := strings.Cut(page, "## Outcome classes")
	for _, class := range fault.Classes() {
		if !strings.Contains(classes, string(class)) {
			t.Errorf("no row for the class %s", class)
		}
	}
}

// The page on access knows every key of [access].
func TestHandbookNamesEveryKindOfAccess(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("handbook/access.md")
	if err != nil {
		t.Fatal(err)
	}
	access := reflect.TypeFor[recipe.Access]()
	for i := range access.NumField() {
		key, _, _ := strings.Cut(access.Field(i).Tag.Get("json"), ",")
		if !strings.Contains(string(text), "\n| `"+key+"` |") {
			t.Errorf("no row for the key %s", key)
		}
	}
}

// Chapters that are made of the code are what it says now: every command and option of
// --help, every setting, every key of a recipe file, every call of the API.
func TestHandbookSaysWhatTheCodeDoes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if got := convertd(t, "", "man", t.TempDir(), "--handbook", folder); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	for chapter, want := range map[string]string{
		"recipe.md": "| `bad_input_if` | a list of texts", "settings.md": "| `submissions_per_hour` | a whole number | `5000` |",
		"commands.md": "### convertd backup\n", "calls.md": "| `POST /api/v1/jobs/{id}/cancel` |",
	} {
		made, err := os.ReadFile(filepath.Join(folder, chapter))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join("handbook", chapter))
		if err != nil || string(made) != string(kept) {
			t.Errorf("handbook/%s is stale (%v): run `make handbook`", chapter, err)
		}
		if !strings.Contains(string(made), want) {
			t.Errorf("%s has no %q", chapter, want)
		}
	}
	if printed := convertd(t, "", "recipes", "reference"); !strings.HasPrefix(printed.stdout, "# The recipe file\n") {
		t.Errorf("recipes reference prints %.200q", printed.stdout)
	}
}

// Every setting that a chapter shows is one, and every recipe that is shown but not run is
// read without an error.
func TestHandbookShowsSettingsAndRecipesThatAreRight(t *testing.T) {
	t.Parallel()
	chapters, err := handbook.Chapters()
	if err != nil {
		t.Fatal(err)
	}
	secret := testFile(t, "model", []byte("key\n"))
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, c := range chapters {
		for _, b := range blocksOf(c.Markdown) {
			count[b.mark]++
			file := testFile(t, "shown.toml", []byte(strings.ReplaceAll(b.text, "/etc/convertd/secret/model", secret)))
			switch b.mark {
			case "toml settings":
				if _, err := config.Load(config.Input{Path: file, Explicit: true}); err != nil {
					t.Errorf("%s: %v\n%s", c.Name, err, b.text)
				}
			case "toml checked":
				_, problems := load.File(file)
				for _, p := range problems {
					if !p.Warning {
						t.Errorf("%s: %s", c.Name, p)
					}
				}
			}
		}
	}
	if count["toml settings"] < 2 || count["toml checked"] < 1 || count["toml recipe"] < 2 {
		t.Errorf("blocks: %v", count)
	}
}
