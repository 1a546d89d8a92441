package main

import "testing"

// pacedRecipe is a recipe with a preset; its result tells its settings.
const pacedRecipe = `
name    = "paced"
accept  = [".paced"]
command = ["sh", "-c", "echo $2 $3 > \"$1\"", "sh", "{output}/{stem}.txt", "{param.lines}", "{param.loud}"]

[[param]]
name    = "lines"
type    = "integer"
min     = 1
max     = 100
default = 25

[[param]]
name    = "loud"
type    = "boolean"
default = false

[[preset]]
name   = "hasty"
params = { lines = 3, loud = true }
`

// fillsByAPreset chooses a preset above the settings of a file, changes one of them, finds
// the choice again for the next file, and on the page of the recipe.
func (p pagesBundle) fillsByAPreset(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "a.paced", []byte("a\n")))
	b.await(".settings summary")
	b.click(".settings summary")
	b.await("[data-presets]")
	b.current("Standard")
	b.click("[data-presets] a:nth-of-type(2)")
	b.until("the settings are filled", `document.querySelector('[name="param.lines"]').value === "3" && document.querySelector('[name="param.loud"]').checked`)
	b.current("Hasty")
	b.do(typed(`[name="param.lines"]`, "1"))
	b.until("no preset has such settings", `document.querySelector("[data-presets] [aria-current]") === null`)
	b.click("[data-presets] a:nth-of-type(2)")
	b.click("[data-convert]")
	b.await("[data-state=succeeded]")
	if _, got := b.download(".foot .primary"); string(got) != "3 true\n" {
		t.Errorf("the result is %q", got)
	}
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "b.paced", []byte("b\n")))
	b.await(".settings summary")
	b.current("Hasty")
	b.open("/recipes/paced")
	b.current("Hasty")
	b.choose("[name=file]", testFile(t, "c.paced", []byte("c\n")))
	b.click("[data-presets] a:nth-of-type(1)")
	b.until("the file stays", `document.querySelector("[name=file]").files.length === 1 && document.querySelector('[name="param.lines"]').value === "25"`)
	b.current("Standard")
}

// current waits until one preset is shown as the one that stands in the settings.
func (b *tab) current(words string) {
	b.t.Helper()
	b.until(words+" is current", `document.querySelector("[data-presets] [aria-current]")?.textContent === "`+words+`"`)
}
