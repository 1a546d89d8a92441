package main

import (
	"strings"
	"testing"
)

// givesAFileAndASecret chooses a file for a parameter and types a secret, from the first
// page and from the recipe's; a second try asks for the secret alone.
func (p pagesBundle) givesAFileAndASecret(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	lut := testFile(t, "film.cube", []byte("LUT\n"))
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "a.apart", []byte("a\n")))
	b.await(".settings summary")
	b.until("what is missing is shown", `document.querySelector(".settings").open`)
	b.do(typed(`[name="param.key"]`, "open sesame"))
	b.choose(`[name="param.lut"]`, lut)
	b.click("[data-convert]")
	b.await("[data-state=succeeded]")
	if _, got := b.download(".foot .primary"); string(got) != "11\nLUT\nplain\n" {
		t.Errorf("the result is %q", got)
	}
	if stored := evaluate[string](b, `JSON.stringify(localStorage)`); strings.Contains(stored, "sesame") {
		t.Errorf("the browser keeps the secret: %s", stored)
	}
	b.open("/recipes/apart")
	b.choose("[name=file]", testFile(t, "b.apart", []byte("b\n")))
	b.choose(`[name="param.lut"]`, lut)
	b.do(typed(`[name="param.key"]`, "quiet"))
	b.click("[data-run]")
	b.await("[data-state=succeeded]")
	b.open(b.path() + "/retry")
	b.await(`[name="param.key"]`)
	if b.has(`[name="param.lut"]`) || evaluate[string](b, `document.querySelector('[name="param.key"]').value`) != "" {
		t.Error("the second try asks for the file, or shows the secret")
	}
	b.do(typed(`[name="param.key"]`, "other"))
	b.click("[data-run]")
	b.await("[data-state=succeeded]")
}
