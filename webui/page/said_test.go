package page_test

import "testing"

func TestSaid(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	words := p.Texts("de").With(map[string]string{
		"Nothing is here.":             "Hier ist nichts.",
		"It has {1} of {2}.":           "Von {2} hat es {1}.",
		"It has {1} of {2} (by hand).": "Von {2} hat es {1} (von Hand).",
		"a.b*c {1}":                    "quoted {1}",
		"{#1} files":                   "{1} Dateien",
		"Reading {1}":                  "Liest {1}",
	})
	for _, row := range []struct{ english, want string }{
		{"Nothing is here.", "Hier ist nichts."},
		{"It has 3 of 5.", "Von 5 hat es 3."},
		{"It has 3 of 5 (by hand).", "Von 5 hat es 3 (von Hand)."},
		{"It has {2} of x.", "Von x hat es {2}."},
		{"It has 3\n4 of 5.", "Von 5 hat es 3\n4."},
		{"Nothing is here. It has 3 of 5.", "Hier ist nichts. Von 5 hat es 3."},
		{"Nothing is here. And this nobody knows.", "Nothing is here. And this nobody knows."},
		{"a.b*c d", "quoted d"},
		{"12 files", "12 Dateien"},
		{"a dozen files", "a dozen files"},
		{"Reading 12 files", "Liest 12 Dateien"},
		{"aXbbc d", "aXbbc d"},
		{"", ""},
	} {
		if got := words.Said(row.english); got != row.want {
			t.Errorf("Said(%q) = %q, want %q", row.english, got, row.want)
		}
	}
	if got := p.Texts("en").Said("Nothing is here."); got != "Nothing is here." {
		t.Errorf("English became %q", got)
	}
}
