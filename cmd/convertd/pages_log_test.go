package main

import (
	"strings"
	"testing"
)

// longLogRecipe prints a hundred megabytes in long lines that can be told apart.
const longLogRecipe = `
name    = "wordy"
accept  = [".wordy"]
to      = ["said"]
command = ["/bin/sh", "-c", '''words=$(printf ' word%.0s' $(seq 200))
seq -f "%.0f: a line of some length$words" 100000
n=0; while [ "$n" -lt 30 ]; do echo "still here $n"; n=$((n + 1)); sleep 0.3; done
cp "$1" "$2"''', "sh", "{input}", "{output}/{stem}.said"]

[limits]
log = "150MiB"

[[output]]
match = "*.said"
`

// Bounds of what a long log may cost a page.
const (
	mostElements = 8000
	mostFetched  = 4 << 20
)

// TestPagesShowALongLog holds the page to little work whatever the length of the log.
func TestPagesShowALongLog(t *testing.T) {
	t.Parallel()
	recipes := dataFolder(t)
	writeRecipes(t, recipes, map[string]string{"wordy.toml": longLogRecipe})
	p := pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipes), startBrowser(t)}
	g := startGate(t, p.URL)
	b := newTab(t, p.browser, g.URL)
	p.submit(b, testFile(t, "talk.wordy", []byte("x")))
	b.click(".livelog > summary")
	b.until("the log is followed", `document.querySelector("[data-lines]").textContent.includes("still here 3")`)
	bottom := `(() => { const l = document.querySelector("[data-lines]"); return l.scrollHeight - l.scrollTop - l.clientHeight < 5; })()`
	if !evaluate[bool](b, bottom) {
		t.Error("the end of the log that is followed is not in sight")
	}
	b.await("[data-state=succeeded]")
	b.until("the end is there", `document.querySelector("[data-lines]").textContent.includes("still here 29")`)
	size := promised[int64](b, `fetch(document.querySelector("[data-log]").dataset.log, {method: "HEAD"}).then((answer) => Number(answer.headers.get("Content-Length")))`)
	if size < 100_000_000 {
		t.Fatalf("the log has %d bytes, which is no long one", size)
	}
	b.cheap(g, "followed to its end")

	b.open(b.path())
	b.click(".livelog > summary")
	b.until("the end is shown at once", `document.querySelector("[data-lines]").textContent.includes("still here 29")`)
	b.cheap(g, "opened at its end")
	b.do(typed("[data-find]", " 50123: A LINE"))
	b.until("the search finds the line in the middle", `document.querySelector("[data-lines]").childElementCount === 1`)
	b.says("50123: a line of some length", "1 line")
	clocked := evaluate[string](b, `document.querySelector("[data-lines] .clock").textContent`)
	if strings.Count(clocked, ":") != 2 {
		t.Errorf("the line has no time: %q", clocked)
	}
	b.click("[data-clocks]")
	if evaluate[bool](b, `document.querySelector("[data-lines] .clock").checkVisibility()`) {
		t.Error("the times are still shown")
	}
	b.script(`const find = document.querySelector("[data-find]"); find.value = "of some length"; find.dispatchEvent(new Event("input"))`)
	b.until("what is found everywhere is cut", `document.querySelector("[data-found]").textContent.includes("500")`)
	b.cheap(g, "searched")
}

// cheap fails unless what is on the page and what was fetched of the log is little.
func (b *tab) cheap(g *gate, when string) {
	b.t.Helper()
	if n := evaluate[int](b, `document.querySelectorAll("*").length`); n > mostElements {
		b.t.Errorf("%s: %d elements are on the page, want at most %d", when, n, mostElements)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if fetched := g.bytes["log"]; fetched > mostFetched || fetched == 0 {
		b.t.Errorf("%s: %d bytes of the log were fetched, want at most %d", when, fetched, mostFetched)
	}
	b.t.Logf("%s: %d bytes of log", when, g.bytes["log"])
}
