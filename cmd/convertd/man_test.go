package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
		raw, err := os.ReadFile(filepath.Join(folder, page))
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
	pages, err := filepath.Glob(filepath.Join(folder, "*.1"))
	if err != nil || len(pages) < 20 {
		t.Errorf("%d pages, %v", len(pages), err)
	}
	known := map[string]bool{".TH": true, ".SH": true, ".TP": true, ".B": true, ".BR": true, ".PP": true, ".br": true}
	for _, page := range pages {
		if name := filepath.Base(page); name == "convertd-man.1" || name == "convertd-keeper.1" {
			t.Errorf("%s is of a hidden command", name)
		}
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(word, ".") && !known[word] {
				t.Errorf("%s: %q is no request of man(7)", page, line)
			}
		}
	}
}

func TestTroffKeepsTextText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{".SH x": `\&.SH x`, "'x": `\&'x`, `a\b`: `a\eb`, "--data": `\-\-data`, "a\nb": "a b"} {
		if got := troff(text); got != want {
			t.Errorf("troff(%q) = %q, want %q", text, got, want)
		}
	}
}
