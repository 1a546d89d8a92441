package main

import (
	"strings"
	"testing"
)

func (p pagesBundle) pressesAButton(t *testing.T) {
	t.Parallel()
	ann, ben := p.tab(t), p.tab(t)
	for _, b := range []*tab{ann, ben} {
		b.open("/recipes/restart")
		b.await("form .ask summary")
		b.says("Restart the web site", "Nobody has run it yet.")
	}
	evaluate[string](ann, `document.querySelector("[name='param.host']").value = "web2"`)
	ann.click("form .ask summary")
	ann.says("Everybody is cut off for a minute.")
	ann.click("[data-run]")
	ann.await("[data-job][data-state=running]")
	ann.says("Run by you", "Stop")
	// The page that was open already shows the run by itself, from its first line on.
	ben.await("[data-job][data-state=running]")
	ben.until("the log has come", `document.querySelector("[data-lines]").textContent.includes("line 3")`)
	ben.says("stopping web2", "host = web2", "somebody without a name", "only one run at a time")
	if ben.has("form[data-act]") || !evaluate[bool](ben, `document.querySelector("[data-run]").disabled`) {
		t.Error("who did not press it is offered to stop it, or to press it again")
	}
	late := p.tab(t)
	late.open("/recipes/restart")
	late.until("who comes late reads the log from its first line", `document.querySelector("[data-lines]").textContent.includes("stopping web2")`)
	seen := ben.evaluateBar()
	ben.until("the bar moves on", `document.querySelector("[data-bar]")?.value > `+seen)
	ann.click("form[data-act] button")
	for _, b := range []*tab{ann, ben, late} {
		b.await("[data-job][data-state=cancelled]")
		b.until("the button is back", `!document.querySelector("[data-run]").disabled`)
	}
	ann.open("/recipes/restart")
	if got := evaluate[string](ann, `document.querySelector("[name='param.host']").value`); got != "web2" {
		t.Errorf("the form remembers %q, want web2", got)
	}
}

// evaluateBar is the value of the running bar as a script writes it.
func (b *tab) evaluateBar() string {
	b.t.Helper()
	return evaluate[string](b, `String(document.querySelector("[data-bar]").value)`)
}

func (p pagesBundle) readsALog(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	p.submit(b, testFile(t, "talk.talkative", []byte("x")))
	b.await("[data-state=succeeded]")
	b.click(".livelog > summary")
	b.until("the end of the log is shown", `document.querySelector("[data-lines]").textContent.includes("word 60000 of it")`)
	if n := evaluate[int](b, `document.querySelector("[data-lines]").childElementCount`); n == 0 || n > 3000 {
		t.Errorf("%d lines are on the page", n)
	}
	first := `document.querySelector("[data-lines]").firstElementChild.textContent`
	before := evaluate[string](b, first)
	b.click("[data-earlier]")
	b.until("earlier lines are there", first+` !== `+quoted(before))
	b.do(typed("[data-find]", "WORD 123 OF"))
	b.until("the search finds its line", `document.querySelector("[data-lines]").childElementCount === 1`)
	b.says("word 123 of it", "1 line")
	clocked := evaluate[string](b, `document.querySelector("[data-lines] .clock").textContent`)
	if strings.Count(clocked, ":") != 2 {
		t.Errorf("the line has no time: %q", clocked)
	}
}
