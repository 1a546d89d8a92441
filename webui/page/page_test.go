package page_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"convertd/webui/page"
)

// write names a folder into which all pages are written, to be looked at.
var write = flag.String("write", "", "write all pages in all states into this folder")

func newPages(t *testing.T) *page.Pages {
	t.Helper()
	p, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func render(t *testing.T, p *page.Pages, lang string, view page.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Render(&b, lang, view); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRender(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	for name, view := range samples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			html := render(t, p, "en", view)
			if *write != "" {
				if err := os.WriteFile(filepath.Join(*write, name+".html"), []byte(html), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
