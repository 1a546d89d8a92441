// Package handbook owns the handbook: its chapters in Markdown, their order, and the
// pages made of them. The commands that a chapter shows are run by a test of cmd.
//
// It does not own showing them (webui). It may import goldmark and the standard library.
package handbook

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
)

//go:embed *.md
var files embed.FS

// Chapter is one page.
type Chapter struct {
	// Name is its file's without .md, and its address below /help.
	Name  string
	Title string
	Body  template.HTML
	// Markdown is what Body was made of.
	Markdown string
}

// order is the order of the chapters, the way a newcomer needs them.
func order() []string {
	return []string{"first", "writing", "recipe", "button", "services", "access", "api", "calls", "commands", "settings", "proxy", "languages", "operate", "backup", "upgrade", "security", "trouble", "life"}
}

// Chapters returns all chapters in order. An error means that the program was built
// wrongly.
func Chapters() ([]Chapter, error) {
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	// What is too wide for a phone scrolls by itself, with the keyboard too.
	scrolling := strings.NewReplacer("<pre>", `<pre tabindex="0">`,
		"<table>", `<div class="broad" tabindex="0"><table>`, "</table>", "</table></div>")
	var all []Chapter
	for _, name := range order() {
		text, err := files.ReadFile(name + ".md")
		if err != nil {
			return nil, fmt.Errorf("read handbook: %w", err)
		}
		var body bytes.Buffer
		if err := markdown.Convert(text, &body); err != nil {
			return nil, fmt.Errorf("read chapter %s of the handbook: %w", name, err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		title, headed := strings.CutPrefix(first, "# ")
		if !headed {
			return nil, fmt.Errorf("chapter %s of the handbook has no title in its first line", name)
		}
		all = append(all, Chapter{Name: name, Title: title, Body: template.HTML(scrolling.Replace(body.String())), Markdown: string(text)})
	}
	return all, nil
}
