package load

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// refusal is a fault.Error as text: its code, and each field with its sentence.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("error is %v, want a fault.Error", err)
	}
	var b strings.Builder
	fmt.Fprintln(&b, "refused", f.Code)
	for _, field := range f.Fields {
		fmt.Fprintf(&b, "\t%s %s\n", field.Pointer, field.Detail)
	}
	return b.String()
}

// folder makes a folder of recipe files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// loaded is the set of a folder of such files.
func loaded(t *testing.T, files map[string]string) *recipe.Set {
	t.Helper()
	set, err := Load(folder(t, files))
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return set
}

// problems are those of one recipe text, errors and warnings.
func problemsOf(text string) []string {
	var lines []string
	for _, p := range parse("r.toml", []byte(text)).problems {
		lines = append(lines, p.String())
	}
	return lines
}

// minimal is a recipe without fault, to which lines can be added.
const minimal = `name = "minimal"
accept = [".in"]
command = ["true", "{input}", "{output}"]
`
