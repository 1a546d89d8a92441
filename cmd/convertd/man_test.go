package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/recipe/load"
)

func TestManualPagesSayWhatHelpSays(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "man")
	if got := convertd(t, "", "man", folder); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	for page, wanted := range map[string][]string{
		"convertd.1":         {".TH CONVERTD 1 ", ".B backup\nKeep all jobs", `.B \-\-config=FILE`},
		"convertd-backup.1":  {`convertd\-backup \- Keep all jobs and their files`, "Nothing is removed from the spool", "\nconvertd backup <folder> [flags]\n", `.B \-\-data=DIR`, ".B <folder>"},
		"convertd-recipes.1": {".SH COMMANDS", ".B check\n"},
		"convertd-submit.1":  {`.B \-o, \-\-output\-dir=DIR`},
	} {
		raw, err := os.ReadFile(filepath.Join(folder, "man1", page))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, want := range wanted {
			if !strings.Contains(string(raw), want) {
				t.Errorf("%s has no %q:\n%s", page, want, raw)
			}
		}
	}
	pages, err := filepath.Glob(filepath.Join(folder, "man1", "*.1"))
	if err != nil || len(pages) < 20 {
		t.Errorf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		if name := filepath.Base(page); name == "convertd-man.1" || name == "convertd-keeper.1" {
			t.Errorf("%s is of a hidden command", name)
		}
	}
}

// The formatters of manual pages have nothing to say against any of them.
func TestManualPagesAreWellFormed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if got := convertd(t, "", "man", folder); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "man?", "*"))
	if err != nil || len(pages) < 25 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, formatter := range [][]string{{"mandoc", "-T", "lint", "-W", "warning"}, {"groff", "-ww", "-t", "-man", "-Tutf8", "-z"}} {
		out, err := exec.Command(formatter[0], append(formatter[1:], pages...)...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", formatter[0], err, out)
		}
	}
}

// Every setting and every key of a recipe file has an item of its own in section 5.
func TestManualPagesOfFilesNameEveryKey(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if got := convertd(t, "", "man", folder); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	page := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(folder, "man5", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	settings := page("convertd.toml.5")
	for _, line := range strings.Split(strings.TrimSpace(convertd(t, "", "config").stdout), "\n") {
		name, _, _ := strings.Cut(line, " ")
		section, key, _ := strings.Cut(name, ".")
		_, items, found := strings.Cut(settings, "\n.SH ["+section+"]\n")
		items, _, _ = strings.Cut(items, "\n.SH ")
		if !found || !strings.Contains(items, "\n.B \\fB"+key+"\\fR") {
			t.Errorf("no item for %s", name)
		}
	}
	recipe := page("convertd-recipe.5")
	keys, err := load.Keys()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if name := key[strings.LastIndex(key, ".")+1:]; !strings.Contains(recipe, "\n.B \\fB"+name+"\\fR") {
			t.Errorf("no item for %s", key)
		}
	}
}
