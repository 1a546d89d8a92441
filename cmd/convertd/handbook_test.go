package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/recipe"
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
