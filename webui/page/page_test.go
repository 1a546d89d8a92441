package page_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"convertd/webui/page"
)

// write names a folder into which all pages are written, to be looked at.
var write = flag.String("write", "", "write all pages in all states into this folder")

func newPages(t *testing.T) *page.Pages {
	t.Helper()
	p, err := page.New(page.House{Name: "Example Studio", Footer: "Room 12", Colour: "#c2185b", Logo: []byte("<svg/>"), LogoType: ".svg"})
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
		t.Run(name+" in German", func(t *testing.T) {
			t.Parallel()
			text := render(t, p, "de", view)
			_, fragment := view.(page.Fragment)
			check(t, text, fragment)
			if !fragment && !strings.Contains(text, `<html lang="de">`) {
				t.Error("the page does not say that it is in German")
			}
		})
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := render(t, p, "en", view)
			if *write != "" {
				if err := os.WriteFile(filepath.Join(*write, name+".html"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(text, "ZgotmplZ") {
				t.Error("a value was refused by the template's escaping")
			}
			balanced(t, text)
			_, fragment := view.(page.Fragment)
			check(t, text, fragment)
		})
	}
}

// balanced reports elements that are not closed in order: the parser would mend them
// in silence.
func balanced(t *testing.T, text string) {
	t.Helper()
	void := map[string]bool{"meta": true, "link": true, "input": true, "img": true, "br": true}
	var open []string
	tokens := html.NewTokenizer(strings.NewReader(text))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if len(open) > 0 {
				t.Errorf("not closed at the end: %v", open)
			}
			return
		case html.StartTagToken:
			if name, _ := tokens.TagName(); !void[string(name)] {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> closes %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// key has the form of a catalogue's key: seen on a page, it has no text.
var key = regexp.MustCompile(`^[a-z]+\.[a-z0-9]+(\.[a-z0-9]+)?$`)

// checker walks a page and knows what was seen.
type checker struct {
	t        *testing.T
	ids      map[string]bool
	headings int
}

func check(t *testing.T, text string, fragment bool) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{t: t, ids: map[string]bool{}}
	c.walk(root)
	if !fragment && c.headings != 1 {
		t.Errorf("%d headings of the first rank, want 1", c.headings)
	}
}

func (c *checker) walk(n *html.Node) {
	if n.Type == html.ElementNode {
		c.element(n)
	}
	if n.Type == html.TextNode && key.MatchString(strings.TrimSpace(n.Data)) {
		c.t.Errorf("text %q looks like a key without a text", n.Data)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		c.walk(child)
	}
}

func (c *checker) element(n *html.Node) {
	attrs := map[string]string{}
	for _, a := range n.Attr {
		attrs[a.Key] = a.Val
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			c.t.Errorf("<%s> has the attribute %s, which the content policy forbids", n.Data, a.Key)
		}
		if a.Key == "id" && c.ids[a.Val] {
			c.t.Errorf("id %q is there twice", a.Val)
		}
		if (a.Key == "src" || a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
			c.t.Errorf("<%s> leads outside: %q", n.Data, a.Val)
		}
	}
	if id, ok := attrs["id"]; ok {
		c.ids[id] = true
	}
	switch n.Data {
	case "h1":
		c.headings++
	case "style":
		c.t.Error("there is a style element, which the content policy forbids")
	case "script":
		if attrs["src"] == "" || n.FirstChild != nil {
			c.t.Error("there is an inline script, which the content policy forbids")
		}
	case "img":
		if class, _ := attr(n.Parent, "class"); class != "brand" { // there the name stands beside it
			c.named(n, attrs["alt"])
		}
	case "button", "a":
		c.named(n, attrs["aria-label"]+words(n))
	case "progress":
		c.named(n, attrs["aria-label"]+attrs["aria-hidden"]+attrs["data-upload"])
	case "input", "select", "textarea":
		c.field(n, attrs)
	}
}

// field wants a label around the field, or one of its own.
func (c *checker) field(n *html.Node, attrs map[string]string) {
	if attrs["type"] == "hidden" {
		return
	}
	for up := n.Parent; up != nil; up = up.Parent {
		if up.Data == "label" || up.Data == "p" && attrs["id"] != "" {
			return
		}
	}
	c.named(n, attrs["aria-label"])
}

func (c *checker) named(n *html.Node, name string) {
	_, script := attr(n, "data-upload") // named by the script
	_, all := attr(n, "data-convertall")
	if strings.TrimSpace(name) == "" && !script && !all {
		c.t.Errorf("<%s %v> has no name for a screen reader", n.Data, n.Attr)
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func words(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	text := ""
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		text += words(child)
	}
	return text
}

func TestRender_escapes_names(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	for name, view := range samples() {
		text := render(t, p, "en", view)
		for _, bad := range []string{"<script>alert", "<img src=x", "onerror='alert"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s: a name came through as markup: %s", name, bad)
			}
		}
	}
}

func TestRender_says_what_matters(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	for _, row := range []struct{ page, want string }{
		{"index", "Results are kept for 7 days"},
		{"index", "A file that fails is sent to the administrator"},
		{"index", "Up to 21\u00a0GB each"},
		{"job-queued", "3rd in line"},
		{"job-queued", "2 jobs are ahead of this one."},
		{"job-queued", "usually 4\u00a0min"},
		{"job-queued", "You can close this page."},
		{"job-next", "Next in line"},
		{"job-running", `value="62.4"`},
		{"job-running", "62\u00a0%"},
		{"job-running", "1\u00a0min\u00a012\u00a0s so far · about 40\u00a0s left"},
		{"job-running", "Converting: writing “SynthEyes”, 28 of 45 trackers"},
		{"job-running", `http-equiv="refresh"`},
		{"job-indeterminate", `<progress data-bar max="100" aria-label`},
		{"job-indeterminate", "attempt 2"},
		{"job-stopping", "Stopping"},
		{"job-done", "Download all (8 files, 1.9\u00a0MB)"},
		{"job-done", "2 more files"},
		{"job-done", "Done in 0.4\u00a0s"},
		{"job-gone", "The files were deleted"},
		{"job-early", "The disk of this service was nearly full"},
		{"job-failed", "begins like a ZIP archive"},
		{"job-failed", "What the converter said (last 3 lines)"},
		{"job-failed", "This file was sent to the administrator."},
		{"recipes", "Not installed: soffice"},
		{"jobs-none", "No jobs yet."},
	} {
		if text := render(t, p, "en", samples()[row.page]); !strings.Contains(text, row.want) {
			t.Errorf("%s does not say %q", row.page, row.want)
		}
	}
}

func TestRender_lets_only_managers_act(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	text := render(t, p, "en", samples()["job-stranger"])
	for _, bad := range []string{"/cancel", "/delete", "/retry"} {
		if strings.Contains(text, bad) {
			t.Errorf("a stranger is offered %s", bad)
		}
	}
}

func TestRender_ended_pages_do_not_reload(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	for name, card := range cards() {
		text := render(t, p, "en", samples()["job-"+name])
		if got, want := strings.Contains(text, `http-equiv="refresh"`), !card.Ended(); got != want {
			t.Errorf("%s: reloads %v, want %v", name, got, want)
		}
	}
}

func TestRender_offers_the_other_languages(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	for lang, other := range map[string]string{"en": "de", "de": "en"} {
		text := render(t, p, lang, samples()["jobs-none"])
		if !strings.Contains(text, `<button class="link" name="lang" value="`+other+`"`) {
			t.Errorf("the page in %s does not offer %s", lang, other)
		}
		if strings.Contains(text, `<button class="link" name="lang" value="`+lang+`"`) {
			t.Errorf("the page in %s offers the language that it is in", lang)
		}
	}
}

// What may have letters in a template: actions, marks, the parts that are classes and
// queries, and the one command that is shown as it is typed.
var (
	unspoken  = regexp.MustCompile(`(?s)\{\{define "(?:shape|tone|key)"\}\}.*?\n`)
	action    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	spoken    = regexp.MustCompile(`(?s)(?:aria-label|placeholder|title|alt|label|aria-valuetext)="([^"]*)"`)
	markup    = regexp.MustCompile(`(?s)<[^>]*>`)
	command   = "convertd replay"
	anyLetter = regexp.MustCompile(`\pL`)
)

func TestTemplates_have_no_words_of_their_own(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"templates/*.html", "templates/parts/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := unspoken.ReplaceAllString(strings.ReplaceAll(string(data), command, ""), "")
			text = action.ReplaceAllString(text, "")
			for _, found := range spoken.FindAllStringSubmatch(text, -1) {
				if anyLetter.MatchString(found[1]) {
					t.Errorf("%s has the words %q", file, found[0])
				}
			}
			if left := markup.ReplaceAllString(text, ""); anyLetter.MatchString(left) {
				t.Errorf("%s has words of its own: %q", file, strings.Join(strings.Fields(left), " "))
			}
		}
	}
}

func TestRender_falls_back_to_the_default_language(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	if text := render(t, p, "tlh", samples()["jobs-none"]); !strings.Contains(text, `lang="en"`) {
		t.Error("an unknown language is not answered in English")
	}
}
