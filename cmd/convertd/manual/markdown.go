package manual

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Body says Markdown in the language of manual pages: the text before the first heading is
// the DESCRIPTION; the title of the document is left to the head of the page. A row of a
// table is an item: its first cell the term, the last the meaning, between them what kind
// it is of.
func Body(markdown string) string {
	source := []byte(markdown)
	document := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(source))
	w := writer{source: source}
	w.b.WriteString(".SH DESCRIPTION\n")
	for block := document.FirstChild(); block != nil; block = block.NextSibling() {
		w.block(block)
	}
	return w.b.String()
}

// writer makes a page of the blocks of a document.
type writer struct {
	b      strings.Builder
	source []byte
	// headed says that a heading stands right before, after which no paragraph is begun.
	headed bool
}

func (w *writer) block(n ast.Node) {
	headed := w.headed
	w.headed = false
	switch n := n.(type) {
	case *ast.Heading:
		if n.Level > 1 {
			fmt.Fprintf(&w.b, ".SH %s\n", w.inline(n))
		}
		w.headed = true
	case *ast.FencedCodeBlock:
		w.code(n)
	case *ast.List:
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			w.b.WriteString(".IP \\(bu 2\n" + w.inline(item) + "\n")
		}
	case *east.Table:
		w.table(n)
	default:
		if !headed && w.b.Len() > len(".SH DESCRIPTION\n") {
			w.b.WriteString(".PP\n")
		}
		w.b.WriteString(w.inline(n) + "\n")
	}
}

// code writes lines as they stand.
func (w *writer) code(n ast.Node) {
	w.b.WriteString(".PP\n.nf\n")
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		w.b.WriteString(Text(strings.TrimRight(string(line.Value(w.source)), "\n")) + "\n")
	}
	w.b.WriteString(".fi\n")
}

// table writes an item for each row.
func (w *writer) table(n *east.Table) {
	var heads []string
	for cell := n.FirstChild().FirstChild(); cell != nil; cell = cell.NextSibling() {
		heads = append(heads, w.inline(cell))
	}
	for row := n.FirstChild().NextSibling(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, w.inline(cell))
		}
		w.b.WriteString(".TP\n.B " + cells[0] + between(heads, cells) + "\n" + cells[len(cells)-1] + "\n")
	}
}

// between is what the cells between the first and the last say, the second by itself, the
// others with the head of their column.
func between(heads, cells []string) string {
	var words []string
	for i := 1; i < len(cells)-1; i++ {
		if i > 1 {
			words = append(words, heads[i]+" "+cells[i])
			continue
		}
		words = append(words, cells[i])
	}
	if len(words) == 0 {
		return ""
	}
	return `\fR (` + strings.Join(words, "; ") + ")"
}

// inline is the text of a block, with code and names in bold; a link is its words.
func (w *writer) inline(n ast.Node) string {
	text := w.words(n)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func (w *writer) words(n ast.Node) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		switch child := child.(type) {
		case *ast.Text:
			b.WriteString(strings.TrimPrefix(Text(w.plain(child)), `\&`))
			if child.SoftLineBreak() || child.HardLineBreak() {
				b.WriteString(" ")
			}
		case *ast.CodeSpan, *ast.Emphasis:
			b.WriteString(`\fB` + w.words(child) + `\fR`)
		default:
			b.WriteString(w.words(child))
		}
	}
	return b.String()
}

// plain is a text without the backslashes that Markdown needs.
func (w *writer) plain(n *ast.Text) string {
	value := n.Value(w.source)
	if n.IsRaw() || n.Parent().Kind() == ast.KindCodeSpan {
		return string(value)
	}
	return string(util.UnescapePunctuations(util.ResolveEntityNames(value)))
}
