package exporter

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// nastyNames are names that would end a string, start code or break a line somewhere.
func nastyNames() []string {
	return []string{
		`"); evil(`, `'; drop`, `\`, `a\`, `\"`, `#{system("id")}`, "#$0", "#@x", "$(id)", "`id`", "[exec id]", "{", "}",
		"a;b", "a,b", "--", "*/", "//", "<!--", "</script>", "%s", "x\ny", "x\r\ny", "\x00", "\x1b", "\u2028", "\u0085",
		"Träger", "トラック", "😀", "\xff\xfe", "", "1a", "-a", "#", "_", "__a", "a__", "a/b", "/", "a:b",
	}
}

func TestQuoteJavaScript(t *testing.T) {
	t.Parallel()
	// What this function writes is JSON too, whose decoder shows what the program reads.
	rapid.Check(t, func(t *rapid.T) {
		name := drawName(t)
		quoted := quoteJavaScript(name)
		if strings.IndexFunc(quoted, func(r rune) bool { return r < ' ' || r >= 0x7f }) >= 0 {
			t.Fatalf("%q holds a character outside printable ASCII", quoted)
		}
		var back string
		if err := json.Unmarshal([]byte(quoted), &back); err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		if want := strings.ToValidUTF8(name, "\ufffd"); back != want && utf8.ValidString(name) {
			t.Fatalf("got back %q, want %q", back, want)
		}
	})
}

func TestQuoteRuby(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := drawName(t)
		if back, ok := unquoteRuby(quoteRuby(name)); !ok || back != name {
			t.Fatalf("%q is read as %q", quoteRuby(name), back)
		}
	})
}

func TestQuoteMaxScript(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := drawName(t)
		back, ok := unquoteMaxScript(quoteMaxScript(name))
		if want := strings.ToValidUTF8(name, "\ufffd"); !ok || utf8.ValidString(name) && back != want {
			t.Fatalf("%q is read as %q", quoteMaxScript(name), back)
		}
	})
}

func TestQuotedForms(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, ruby, javaScript, maxScript string }{
		{`trk 1`, `"trk 1"`, `"trk 1"`, `"trk 1"`},
		{`"); evil(`, `"\"); evil("`, `"\"); evil("`, `"\"); evil("`},
		{`a\`, `"a\\"`, `"a\\"`, `"a\\"`},
		{`#{x} #a`, `"\#{x} #a"`, `"#{x} #a"`, `"#{x} #a"`},
		{`é1`, `"\xC3\xA91"`, `"\u00E91"`, `"\xe9\x31"`},
		{`😀`, `"\xF0\x9F\x98\x80"`, `"\uD83D\uDE00"`, `"\x1f600"`},
	}
	for _, row := range rows {
		if got := quoteRuby(row.name); got != row.ruby {
			t.Errorf("Ruby: got %s, want %s", got, row.ruby)
		}
		if got := quoteJavaScript(row.name); got != row.javaScript {
			t.Errorf("JavaScript: got %s, want %s", got, row.javaScript)
		}
		if got := quoteMaxScript(row.name); got != row.maxScript {
			t.Errorf("MaxScript: got %s, want %s", got, row.maxScript)
		}
	}
}

// drawName draws a nasty name or any string.
func drawName(t *rapid.T) string {
	if rapid.Bool().Draw(t, "nasty") {
		return rapid.SampledFrom(nastyNames()).Draw(t, "name")
	}
	return rapid.String().Draw(t, "any")
}

// unquoteRuby reads a double-quoted Ruby literal as Ruby does, without interpolation,
// which is a failure.
func unquoteRuby(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		switch {
		case s[i] == '"', s[i] == '#' && strings.IndexByte("{$@", s[i+1]) >= 0:
			return "", false
		case s[i] != '\\':
			b.WriteByte(s[i])
		case s[i+1] == 'x':
			n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(n))
			i += 3
		default:
			i++
			b.WriteByte(s[i])
		}
	}
	return b.String(), s[len(s)-1] == '"'
}

// unquoteMaxScript reads a MaxScript literal; \x takes all hexadecimal digits behind it.
func unquoteMaxScript(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s)-1; i++ {
		switch {
		case s[i] == '"':
			return "", false
		case s[i] != '\\':
			b.WriteByte(s[i])
		case s[i+1] == 'x':
			end := i + 2
			for isHexDigit(rune(s[end])) {
				end++
			}
			n, err := strconv.ParseUint(s[i+2:end], 16, 32)
			if err != nil {
				return "", false
			}
			b.WriteRune(rune(n))
			i = end - 1
		default:
			i++
			b.WriteByte(s[i])
		}
	}
	return b.String(), s[len(s)-1] == '"'
}
