package spool

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxName bounds a shown name in bytes; file systems and mail programs take this much.
	maxName = 200
	// maxExtension bounds an extension in bytes, the dot not counted.
	maxExtension = 12
	// nameless is the shown name of a file whose name nothing is left of.
	nameless = "file"
)

// CleanName makes a name that people gave harmless to show: the last component only,
// valid UTF-8, no control characters, no marks that reorder text, not "." or "..", at
// most 200 bytes with the extension kept. It is never empty. What is left is shown and
// offered as a download name; it never becomes a path.
func CleanName(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	name = lastComponent(name)
	name = cut(strings.TrimSpace(strings.Map(dropUnseen, name)), maxName)
	if strings.Trim(name, ". ") == "" {
		return nameless
	}
	return name
}

// lastComponent takes both kinds of separator, because the sender's system is unknown.
func lastComponent(name string) string {
	name = strings.TrimRight(name, `/\`)
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	return name
}

// dropUnseen removes control characters, line and paragraph separators, and the marks by
// which a name can be made to look like another one. Joiners stay: scripts and emoji
// need them.
func dropUnseen(c rune) rune {
	switch {
	case unicode.IsControl(c), c == '\u2028', c == '\u2029':
		return -1
	case c == '\u061C', c == '\u200E', c == '\u200F', c >= '\u202A' && c <= '\u202E', c >= '\u2066' && c <= '\u2069':
		return -1
	case c == '\u200B', c == '\u2060', c == '\uFEFF':
		return -1
	}
	return c
}

// cut shortens a name to size bytes at a rune border and keeps its extension.
func cut(name string, size int) string {
	if len(name) <= size {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > maxExtension+1 {
		ext = ""
	}
	end := size - len(ext)
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return strings.TrimRightFunc(name[:end], unicode.IsSpace) + ext
}

// Extension returns the extension of a name in the form we use on disk and for choosing
// a recipe: without dot, lower case, letters and digits only; "" if there is none.
func Extension(name string) string {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	odd := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') }
	if len(ext) > maxExtension || strings.ContainsFunc(ext, odd) {
		return ""
	}
	return ext
}

// Names makes shown names of one collection unique, case ignored, because they will be
// saved side by side on systems that ignore it.
type Names struct{ taken map[string]bool }

// Unique returns the name, with " (2)" or a higher number before its extension when it
// was handed out before.
func (n *Names) Unique(name string) string {
	if n.taken == nil {
		n.taken = map[string]bool{}
	}
	unique := name
	ext := path.Ext(name)
	for i := 2; n.taken[strings.ToLower(unique)]; i++ {
		mark := " (" + strconv.Itoa(i) + ")"
		unique = cut(strings.TrimSuffix(name, ext), maxName-len(ext)-len(mark)) + mark + ext
	}
	n.taken[strings.ToLower(unique)] = true
	return unique
}
