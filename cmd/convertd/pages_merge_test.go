package main

import "testing"

// mergesThree changes the order by the arrows and by dragging, takes a file out, and adds
// it again.
func (p pagesBundle) mergesThree(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "a.part", []byte("a\n")))
	b.until("one alone is not enough", `document.querySelector("#cards").textContent.includes("takes 2 or more files together")`)
	b.choose("#drop [data-pick]", testFile(t, "b.part", []byte("b\n")), testFile(t, "c.part", []byte("c\n")))
	b.until("all three are offered together", `document.querySelector("[data-together] button")?.textContent === "Merge parts of these 3 files"`)
	b.click("[data-together] button")
	b.await("[data-bundle] [data-order]")
	b.await("[data-order] li:nth-child(3) [data-up]")
	b.click("[data-order] li:nth-child(3) [data-up]") // a c b
	b.ordered("a.part c.part b.part")
	evaluate[bool](b, `(() => {
		const [first, , last] = document.querySelectorAll("[data-order] li"), data = new DataTransfer();
		const fire = (on, kind, more) => on.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data, ...more}));
		fire(last, "dragstart");
		fire(first, "dragover", {clientY: first.getBoundingClientRect().top + 1});
		fire(last, "dragend");
		return true;
	})()`)
	b.ordered("b.part a.part c.part")
	b.click("[data-order] li:nth-child(2) [data-out]")
	b.ordered("b.part c.part")
	b.choose("#drop [data-pick]", testFile(t, "d.part", []byte("d\n")))
	b.await("[data-add]:not([hidden])")
	b.click("[data-add]")
	b.ordered("b.part c.part d.part")
	b.click("[data-bundle] [data-convert]")
	b.await("[data-state=succeeded]")
	b.says("b.part", "and 2 more files")
	if _, got := b.download(".foot .primary"); string(got) != "b\nc\nd\n" {
		t.Errorf("the result is %q", got)
	}
}

// ordered waits for the files to stand in an order.
func (b *tab) ordered(names string) {
	b.t.Helper()
	b.until("the order is "+names, `[...document.querySelectorAll("[data-order] [data-name]")].map((one) => one.textContent).join(" ") === "`+names+`"`)
}
