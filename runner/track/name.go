package track

import (
	"strings"
	"unicode/utf8"
)

// CleanName makes a tracker name of the bytes found in a file: every run of white
// space becomes one underscore, also at the ends, control characters are dropped, and
// bytes that are not UTF-8 are taken as Latin-1, so that the name can be written into
// any format. Readers trim the blanks that belong to their format, not to the name,
// before they call it.
func CleanName(raw []byte) string {
	if isCleanName(raw) {
		return string(raw)
	}
	var b strings.Builder
	b.Grow(len(raw))
	inSpace := false
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if r == utf8.RuneError && size == 1 {
			r = rune(raw[0])
		}
		raw = raw[size:]
		space := r == ' ' || (r >= '\t' && r <= '\r')
		switch {
		case space && !inSpace:
			b.WriteByte('_')
		case !space && isControl(r):
			continue
		case !space:
			b.WriteRune(r)
		}
		inSpace = space
	}
	return b.String()
}

// isCleanName reports whether raw is printable ASCII without blanks: nearly all names.
func isCleanName(raw []byte) bool {
	for _, c := range raw {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isControl reports whether r is a C0 or C1 control character.
func isControl(r rune) bool {
	return r < ' ' || (r >= 0x7f && r < 0xa0)
}
