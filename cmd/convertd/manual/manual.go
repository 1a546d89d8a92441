// Package manual owns the language of manual pages, man(7): texts escaped for it, the head
// of a page, and Markdown said in it.
//
// It does not own what the pages say (cmd/convertd, handbook). It may import goldmark and
// the standard library.
package manual

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Page is the head of a page: what comes before its first section.
type Page struct {
	// Name is what man is asked for, Section the number behind it.
	Name    string
	Section int
	// Date is when the page was made, Version what its program is called.
	Date    time.Time
	Version string
	// Title is what the page is about, in a few words.
	Title string
}

// Head writes the title line and the section NAME.
func (p Page) Head() string {
	return fmt.Sprintf(".TH %s %d %s %q convertd\n.SH NAME\n%s \\- %s\n",
		Text(strings.ToUpper(p.Name)), p.Section, p.Date.UTC().Format(time.DateOnly), p.Version, Text(p.Name), Text(strings.TrimSuffix(p.Title, ".")))
}

// Item writes a term and what it means.
func Item(term, text string) string {
	return ".TP\n.B " + Text(term) + "\n" + Text(text) + "\n"
}

// Text escapes text: a line of it is no request, a hyphen stays one that can be copied, and
// what is not ASCII is named by its number.
func Text(text string) string {
	var b strings.Builder
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		b.WriteString(`\&`)
	}
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '\n':
			b.WriteByte(' ')
		case r > unicode.MaxASCII:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
