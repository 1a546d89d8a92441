package exporter

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoteRuby returns s as a double-quoted Ruby literal: quote and backslash escaped, the
// interpolations #{ #$ #@ defused, bytes outside ASCII in hexadecimal, so that the script
// does not depend on the encoding Ruby assumes.
func quoteRuby(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '#' && i+1 < len(s) && strings.IndexByte("{$@", s[i+1]) >= 0:
			b.WriteString(`\#`)
		case c < ' ' || c >= 0x7f:
			writeHex(&b, `\x`, uint64(c), 2)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteJavaScript returns s as a double-quoted literal of JavaScript as After Effects
// runs it (ECMAScript 3): characters outside ASCII as UTF-16 units, because the program
// guesses the encoding of script files.
func quoteJavaScript(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			writeHex(&b, `\u`, uint64(0xd800+r>>10), 4)
			writeHex(&b, `\u`, uint64(0xdc00+r&0x3ff), 4)
		default:
			writeHex(&b, `\u`, uint64(r), 4)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteMaxScript returns s as a MaxScript literal. Its escapes are \" \\ and \x with as
// many hexadecimal digits as follow, so a digit after a \x escape is escaped too.
func quoteMaxScript(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	afterHex := false
	for _, r := range s {
		hex := r < ' ' || r >= 0x7f || afterHex && isHexDigit(r)
		switch {
		case hex:
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatInt(int64(r), 16))
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
		afterHex = hex
	}
	b.WriteByte('"')
	return b.String()
}

// commentText returns s so that it cannot end a comment that goes to the end of the
// line, nor continue it on the next one: printable characters only, no backslash.
func commentText(s string) string {
	return replaceRunes(s, func(r rune) bool {
		return r >= ' ' && r != '\\' && r != 0x7f && r != utf8.RuneError && r != '\u0085' && r != '\u2028' && r != '\u2029'
	})
}

// writeHex appends a prefix and n in upper-case hexadecimal with leading zeros.
func writeHex(b *strings.Builder, prefix string, n uint64, width int) {
	digits := strings.ToUpper(strconv.FormatUint(n, 16))
	b.WriteString(prefix)
	b.WriteString(strings.Repeat("0", width-len(digits)))
	b.WriteString(digits)
}

func isHexDigit(r rune) bool {
	return isDigit(r) || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
}
