// Package page owns what people see: the HTML templates, the view models they are
// filled from, the catalogue of all visible texts, and the style sheet, scripts and
// pictures that go with them, embedded and named by their hash.
//
// It does not own routes, HTTP headers, jobs or recipes: webui fills the view models.
// It may import the standard library and golang.org/x/text, and nothing of ours.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"

	"golang.org/x/text/language"
)

//go:embed templates
var templateFiles embed.FS

// Pages renders every page in every language of the catalogue.
type Pages struct {
	assets *Assets
	books  map[string]book
	// langs are the languages in order of preference; the first is the default.
	langs   []string
	matcher language.Matcher
}

// book is one language: its texts, and its templates by page name.
type book struct {
	texts Texts
	pages map[string]*template.Template
}

// New parses all templates and texts and names the static files by their hash. An
// error means that the program was built wrongly, or wraps ErrColour.
func New(house House) (*Pages, error) {
	texts, err := loadTexts()
	if err != nil {
		return nil, err
	}
	own, err := house.files()
	if err != nil {
		return nil, err
	}
	assets, err := newAssets(texts, own)
	if err != nil {
		return nil, err
	}
	p := &Pages{assets: assets, books: map[string]book{}}
	choices := languages(texts)
	var tags []language.Tag
	for _, t := range texts {
		named := funcs(t, assets)
		named["languages"] = func() []Language { return choices }
		maps.Copy(named, houseFuncs(house))
		pages, err := parse(named)
		if err != nil {
			return nil, fmt.Errorf("parse pages in %q: %w", t.Lang, err)
		}
		p.books[t.Lang] = book{texts: t, pages: pages}
		p.langs, tags = append(p.langs, t.Lang), append(tags, t.tag)
	}
	p.matcher = language.NewMatcher(tags)
	return p, nil
}

// parse reads templates/parts/*.html into every templates/*.html.
func parse(funcs template.FuncMap) (map[string]*template.Template, error) {
	parts, err := template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, file := range files {
		whole, err := parts.Clone()
		if err != nil {
			return nil, err
		}
		if _, err := whole.ParseFS(templateFiles, file); err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(path.Base(file), ".html")] = whole
	}
	return pages, nil
}

// Page is one filled view model; its Template names the file it is shown with.
type Page interface{ Template() string }

// Fragment is a view model that is shown alone as a part of a page: Template names
// the page it belongs to and Part the template within it.
type Fragment interface {
	Page
	Part() string
}

// Render writes the page in the language (a key of the catalogue; any other falls
// back to the default). Nothing is written on error.
func (p *Pages) Render(w io.Writer, lang string, page Page) error {
	b, ok := p.books[lang]
	if !ok {
		b = p.books[p.langs[0]]
	}
	name := "page"
	if f, ok := page.(Fragment); ok {
		name = f.Part()
	}
	t := b.pages[page.Template()]
	if t == nil {
		return fmt.Errorf("render page: no template %q", page.Template())
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, name, page); err != nil {
		return fmt.Errorf("render page %q: %w", page.Template(), err)
	}
	_, err := buf.WriteTo(w)
	return err
}

// Assets returns the static files.
func (p *Pages) Assets() *Assets { return p.assets }

// Texts returns the catalogue of the language, or of the default language.
func (p *Pages) Texts(lang string) Texts {
	if b, ok := p.books[lang]; ok {
		return b.texts
	}
	return p.books[p.langs[0]].texts
}
