package spool

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNames_Unique(t *testing.T) {
	t.Parallel()
	var n Names
	long := strings.Repeat("x", 196) + ".mov"
	for _, tt := range []struct{ name, want string }{
		{"a.txt", "a.txt"}, {"a.txt", "a (2).txt"}, {"A.TXT", "A (3).TXT"}, {"a (2).txt", "a (2) (2).txt"}, {"a", "a"}, {"a", "a (2)"},
		{long, long}, {long, strings.Repeat("x", 192) + " (2).mov"},
	} {
		if got := n.Unique(tt.name); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestExtension(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.PNG": "png", "a.tar.gz": "gz", "a": "", "a.": "", ".htaccess": "htaccess", "a.b c": "", "a.ü": "", "a./b": "",
		"a.abcdefghijkl": "abcdefghijkl", "a.abcdefghijklm": "",
	} {
		if got := Extension(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestCleanName_of_anything_is_harmless also holds for names that are cleaned again.
func TestCleanName_of_anything_is_harmless(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.OneOf(rapid.String(), rapid.StringN(150, 300, -1),
			rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) }),
			rapid.StringMatching(`[./\\ \x00-\x1f\x{202e}]{0,8}[a-z.]{0,8}`)).Draw(t, "name")
		name := CleanName(given)
		switch {
		case name == "" || name == "." || name == ".." || len(name) > 200 || !utf8.ValidString(name):
			t.Fatalf("%q became %q", given, name)
		case strings.ContainsAny(name, "/\x00\r\n\x1b\u202e\u2066\u200f"), strings.Contains(name, `\`):
			t.Fatalf("%q became %q", given, name)
		case CleanName(name) != name:
			t.Fatalf("%q became %q and then %q", given, name, CleanName(name))
		}
	})
}
