package mail

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSuccessMailIsInTheLanguageOfItsReader(t *testing.T) {
	t.Parallel()
	c := Config{BaseURL: "https://convert.example"}
	done := Success{
		Job: "J", Recipe: "to-webp", KeptUntil: time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC),
		Inputs: []File{{Name: "a.png", Size: 3_210_000}}, Outputs: []File{{Name: "a.webp", Size: 999}, {Name: "b.webp", Size: 45_600_000}},
	}
	english := text{subject: "[convertd] Your file is ready (to-webp)", body: `Your files are ready.

From:         “a.png” (3.2 MB)
Result:       “a.webp” (999 B)
Result:       “b.webp” (46 MB)
Download:     https://convert.example/jobs/J
Kept until:   2026-01-31 18:00 UTC
`}
	german := text{subject: "[convertd] Die Datei ist fertig (to-webp)", body: `Die Dateien sind fertig.

Aus:          “a.png” (3,2 MB)
Ergebnis:     “a.webp” (999 B)
Ergebnis:     “b.webp” (46 MB)
Abholen:      https://convert.example/jobs/J
Bleibt bis:   2026-01-31 18:00 UTC
`}
	for lang, want := range map[string]text{"": english, "en": english, "de": german, "tlh": english, "../text/de": english} {
		done.Lang = lang
		got, err := c.successText(done)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(text{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", lang, diff)
		}
	}
}

func TestWordsAreWholeInEveryLanguage(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("text/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("the languages are %v (%v)", files, err)
	}
	pages, err := filepath.Glob("../../webui/page/text/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := bases(files), bases(pages); !slices.Equal(got, want) {
		t.Errorf("mails are written in %v, pages in %v", got, want)
	}
	english, err := wordsIn("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range bases(files) {
		w, err := wordsIn(lang)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Sorted(maps.Keys(w)), slices.Sorted(maps.Keys(english)); !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", lang, got, want)
		}
	}
}

func bases(files []string) (names []string) {
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names
}
