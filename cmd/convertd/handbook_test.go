package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

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

// The page on recipe files is what the code that reads them asks for: `convertd recipes
// reference > cmd/convertd/handbook/recipe.md` writes it anew.
func TestHandbookOnRecipesIsFresh(t *testing.T) {
	t.Parallel()
	want, err := load.Reference()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("handbook/recipe.md")
	if err != nil || string(got) != want {
		t.Errorf("handbook/recipe.md is stale (%v): run `convertd recipes reference > cmd/convertd/handbook/recipe.md`", err)
	}
	printed := convertd(t, "", "recipes", "reference")
	if printed.stdout != want || !strings.Contains(want, "| `bad_input_if` | a list of texts") || !strings.Contains(want, "`ocrmypdf`") {
		t.Errorf("recipes reference prints %.200q", printed.stdout)
	}
}
