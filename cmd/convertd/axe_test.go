package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// axe examines pages with axe-core.
type axe struct{ source string }

// newAxe reads the program from the npm packages of the tests.
func newAxe(t *testing.T) axe {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(npmFolder(t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return axe{string(source)}
}

// violation is a rule that a page breaks, and where.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (v violation) String() string {
	words := []string{v.ID + ": " + v.Help}
	for _, node := range v.Nodes {
		words = append(words, "  "+node.HTML, "    "+strings.ReplaceAll(node.Summary, "\n", "\n    "))
	}
	return strings.Join(words, "\n")
}

// examination asks for all rules of WCAG 2.2 at level AA, those for the size of targets
// too, which axe leaves out unless it is asked, and what axe calls best practice.
const examination = `{
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	rules: {"target-size": {enabled: true}},
	resultTypes: ["violations"], preload: false, iframes: false,
}`

// ofLooks asks for the rules that colours and width bear on.
const ofLooks = `{
	runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]},
	resultTypes: ["violations"], preload: false, iframes: false,
}`

// examine returns the rules that the page breaks as it stands now.
func (a axe) examine(b *tab, options string) []violation {
	b.t.Helper()
	if !evaluate[bool](b, `"axe" in window`) {
		evaluate[bool](b, a.source+`;true`)
	}
	text := promised[string](b, `axe.run(document, `+options+`).then((found) => JSON.stringify({passes: found.passes.length, violations: found.violations}))`)
	var found struct {
		Passes     int         `json:"passes"`
		Violations []violation `json:"violations"`
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.t.Fatal(err)
	}
	if options == examination && found.Passes < 10 {
		b.t.Errorf("axe found only %d rules that the page keeps: did it look at it?", found.Passes)
	}
	return found.Violations
}

// view is one way to look at a page, and what is asked of it in that view.
type view struct {
	name, scheme, options string
	width                 int64
}

// views are the ways in which every page is examined.
func views() []view {
	return []view{
		{"light and wide", "light", examination, 1200}, {"dark and wide", "dark", ofLooks, 1200},
		{"light phone", "light", ofLooks, 360}, {"dark phone", "dark", examination, 360},
	}
}

// accessible fails for every rule that the page breaks in any of its looks.
func (a axe) accessible(b *tab, name string) {
	b.t.Helper()
	a.accessibleIn(b, name, views())
}

// accessibleIn is for pages of a kind that is examined in all views by its first.
func (a axe) accessibleIn(b *tab, name string, views []view) {
	b.t.Helper()
	told := map[string]bool{}
	for _, l := range views {
		b.look(l.width, 1000, l.scheme)
		for _, v := range a.examine(b, l.options) {
			if text := v.String(); !told[text] {
				told[text] = true
				b.t.Errorf("%s, %s: %s", name, l.name, text)
			}
		}
		if wide := evaluate[int64](b, `document.documentElement.scrollWidth`); wide > l.width {
			b.t.Errorf("%s, %s: the page is %d pixels wide in a window of %d", name, l.name, wide, l.width)
		}
	}
}

// planted is what breaks a rule, by the rule that must find it.
func planted() map[string]string {
	return map[string]string{
		"color-contrast":              `<p data-style="color: light-dark(#bbb, #555)">Barely to be read on this page.</p>`,
		"label":                       `<input type="text">`,
		"image-alt":                   `<img src="/icon/idle.svg">`,
		"target-size":                 `<p><button data-style="all: unset; inline-size: 9px; block-size: 9px" aria-label="a"></button><button data-style="all: unset; inline-size: 9px; block-size: 9px" aria-label="b"></button></p>`,
		"heading-order":               `<h2>Second</h2><h5>Fifth</h5>`,
		"button-name":                 `<button></button>`,
		"scrollable-region-focusable": `<pre>` + strings.Repeat("a line that is long and goes on ", 40) + `</pre>`,
	}
}

// The examination finds what is wrong, each in every view that asks for it.
func (a axe) findsWhatIsPlanted(t *testing.T, p pagesBundle) {
	b := p.tab(t)
	b.open("/recipes")
	for _, html := range planted() {
		evaluate[bool](b, fmt.Sprintf(`(() => {
			const holder = document.createElement("template");
			holder.innerHTML = %s;
			for (const one of holder.content.querySelectorAll("[data-style]")) one.style.cssText = one.dataset.style;
			document.querySelector("main").append(holder.content);
			return true;
		})()`, quoted(html)))
	}
	for _, l := range views() {
		b.look(l.width, 1000, l.scheme)
		var found, want []string
		for _, v := range a.examine(b, l.options) {
			found = append(found, v.ID)
		}
		for rule := range planted() {
			if l.options == examination || strings.Contains(l.options, `"`+rule+`"`) {
				want = append(want, rule)
			}
		}
		slices.Sort(found)
		slices.Sort(want)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%s (-planted +found):\n%s", l.name, diff)
		}
	}
}
