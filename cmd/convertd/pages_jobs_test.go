package main

import "testing"

// choosesJobs keeps one result longer on its page, then deletes all from the list.
func (p pagesBundle) choosesJobs(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	for _, name := range []string{"first.strict", "second.strict"} {
		p.submit(b, testFile(t, name, []byte("x")))
		b.await("[data-state=failed]")
	}
	b.until("how long it is kept is told", `document.querySelector(".kept time") !== null`)
	before := evaluate[string](b, `document.querySelector(".kept time").dateTime`)
	b.click(".keep summary")
	b.click(".keep button")
	b.until("it is kept longer", `document.querySelector(".kept time")?.dateTime > "`+before+`"`)
	b.open("/jobs")
	b.await("[data-allof]")
	if !evaluate[bool](b, `document.querySelector("[value=retry]").disabled`) {
		t.Error("a button can be pressed while nothing is chosen")
	}
	b.click("[data-all]")
	b.says("2 chosen")
	b.click(".acts .ask summary")
	b.click("[value=delete]")
	b.await(".notice")
	b.says("2 jobs were deleted.", "No jobs yet.")
}
