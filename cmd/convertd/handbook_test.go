package main

import (
	"os"
	"strings"
	"testing"

	"convertd/runner/fault"
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
