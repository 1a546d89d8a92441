package main

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press sends keys to what has the focus.
func (b *tab) press(keys string, options ...chromedp.KeyOption) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys, options...))
}

// focusIs is true where what has the focus matches.
func focusIs(sel string) string {
	return `document.activeElement?.matches(` + quoted(sel) + `) === true`
}

// unseenFocus says what keeps a person from seeing where the focus is; "" if nothing does.
// What is drawn around a choice is drawn around its tile.
const unseenFocus = `(() => {
	const one = document.activeElement;
	if (!one || one === document.body) return "nothing has the focus";
	const shown = one.closest(".tile, .pill") ?? one, box = shown.getBoundingClientRect(), style = getComputedStyle(shown);
	const name = one.outerHTML.slice(0, 120);
	if (one.matches("main")) return "";
	if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return "no outline: " + name;
	if (box.width < 2 || box.height < 2) return "nothing to be seen: " + name;
	if (box.bottom < 0 || box.top > innerHeight || box.right < 0 || box.left > innerWidth) return "out of sight: " + name;
	return "";
})()`

// tabTo goes on with the Tab key until an element has the focus, and fails if the focus
// cannot be seen anywhere on the way.
func (b *tab) tabTo(sel string) { b.t.Helper(); b.walk(sel) }

// tabBackTo does so with Shift and Tab.
func (b *tab) tabBackTo(sel string) {
	b.t.Helper()
	b.walk(sel, chromedp.KeyModifiers(chromedp.ModifierShift))
}

func (b *tab) walk(sel string, options ...chromedp.KeyOption) {
	b.t.Helper()
	var way []string
	for range 80 {
		if evaluate[bool](b, focusIs(sel)) {
			return
		}
		b.press(kb.Tab, options...)
		if wrong := evaluate[string](b, unseenFocus); wrong != "" && wrong != "nothing has the focus" {
			b.t.Errorf("on the way to %s: %s", sel, wrong)
		}
		way = append(way, evaluate[string](b, `document.activeElement?.outerHTML.slice(0, 90) ?? ""`))
	}
	b.t.Fatalf("Tab does not lead to %s:\n%s", sel, strings.Join(way, "\n"))
}

// pick presses the button that asks for files and answers the dialog.
func (b *tab) pick(files ...string) {
	b.t.Helper()
	asked := make(chan *page.EventFileChooserOpened, 1)
	if err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*page.EventFileChooserOpened); ok {
			select {
			case asked <- e:
			default: // answered already
			}
		}
	}); err != nil {
		b.t.Fatal(err)
	}
	call(b, page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true})
	b.tabTo("[data-files]")
	b.press(kb.Enter)
	select {
	case e := <-asked:
		call(b, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: files, BackendNodeID: e.BackendNodeID})
	case <-b.ctx.Done():
		b.t.Fatal("the keyboard opens no dialog of files")
	}
}

func TestPagesByKeyboard(t *testing.T) {
	t.Parallel()
	p := pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+stillFolder(t), "CONVERTD_DISPATCHER_SLOTS=4"), startBrowser(t)}
	t.Run("a file is chosen, converted and taken", p.convertsByKeyboard)
	t.Run("a job is cancelled and tried again", p.cancelsByKeyboard)
	t.Run("files are brought into order", p.ordersByKeyboard)
	t.Run("the focus stays where it is while the page changes", p.keepsTheFocus)
	t.Run("the focus is not lost with a button that is switched off", p.losesNoFocus)
	t.Run("screen readers hear of every tenth part", p.speaksSparingly)
	t.Run("nothing moves for who wants it so", p.restsOnRequest)
	t.Run("a queue is paused and jobs are deleted", p.administersByKeyboard)
}

func (p pagesBundle) convertsByKeyboard(t *testing.T) {
	b := p.tab(t)
	b.open("/")
	b.await("#drop:not([hidden])")
	b.press(kb.Tab)
	if !evaluate[bool](b, focusIs("a.skip")) {
		t.Error("the first stop is not the way past the menu")
	}
	b.press(kb.Enter)
	b.pick(testFile(t, "shot_040.csv", []byte(tracksCSV)))
	b.await("[data-choices] .tile")
	b.tabTo("[name=choice]")
	b.press(" ")
	b.press(kb.ArrowDown)
	b.press(kb.ArrowRight)
	b.until("the third choice is taken", `[...document.querySelectorAll("[name=choice]")].findIndex((one) => one.checked) === 2`)
	b.tabTo("[data-convert]")
	b.press(kb.Enter)
	b.await("[data-state=succeeded]")
	b.tabTo(".foot .primary")
	if name, content := b.downloaded(func() { b.press(kb.Enter) }); len(content) == 0 || !strings.HasPrefix(name, "shot_040_") {
		t.Errorf("got %s with %d bytes", name, len(content))
	}
	b.tabTo(".ask:not(.keep) summary")
	b.press(" ")
	b.tabTo(".ask:not(.keep) button")
	b.press(kb.Enter)
	b.await(".notice")
	b.says("The job and its files were deleted.")
}

func (p pagesBundle) cancelsByKeyboard(t *testing.T) {
	b := p.tab(t)
	p.submit(b, testFile(t, "long.poster", picturePNG(t)))
	b.await("[data-state=running] form[data-act] button")
	b.tabTo("form[data-act] button")
	b.press(" ")
	b.await("[data-state=cancelled]")
	b.until("the focus is still in the card", `document.querySelector("[data-job]").contains(document.activeElement)`)
	b.tabTo(".foot a.button")
	b.press(kb.Enter)
	b.await("form.plain")
	b.tabTo("form.plain button")
	b.press(kb.Enter)
	b.await("[data-state=running]")
	b.says("Repeats an earlier job")
	b.tabTo("form[data-act] button")
	b.press(kb.Enter)
	b.await("[data-state=cancelled]")
}

func (p pagesBundle) ordersByKeyboard(t *testing.T) {
	b := p.tab(t)
	b.open("/")
	b.await("#drop:not([hidden])")
	b.pick(testFile(t, "a.part", []byte("a\n")), testFile(t, "b.part", []byte("b\n")), testFile(t, "c.part", []byte("c\n")))
	b.await("[data-together] button")
	b.tabTo("[data-together] button")
	b.press(kb.Enter)
	b.until("the focus is in the card of all three", focusIs("[data-bundle] [data-convert]"))
	b.tabBackTo("[data-order] li:nth-child(3) [data-up]")
	b.press(kb.Enter)
	b.ordered("a.part c.part b.part")
	b.until("the focus went along", focusIs("[data-order] li:nth-child(2) [data-up]"))
	b.press(" ")
	b.ordered("c.part a.part b.part")
	b.until("it is told", `document.querySelector("#said").textContent.includes("c.part")`)
	b.tabTo("[data-order] li:nth-child(2) [data-out]")
	b.press(kb.Enter)
	b.ordered("c.part b.part")
	b.until("the focus is in the list still", focusIs("[data-order] li:nth-child(2) [data-out]"))
	b.tabTo("[data-bundle] [data-convert]")
	b.press(kb.Enter)
	b.await("[data-state=succeeded]")
	if _, got := b.download(".foot .primary"); string(got) != "c\nb\n" {
		t.Errorf("the result is %q", got)
	}
	b.open("/")
	b.pick(testFile(t, "x.slow", []byte("x")), testFile(t, "y.slow", []byte("y")), testFile(t, "z.slow", nil))
	b.until("three cards", `document.querySelectorAll("[data-remove]").length === 3`)
	b.tabTo("#cards > :nth-child(2) [data-remove]")
	b.press(kb.Enter)
	b.until("the focus is on the next card", focusIs("#cards > :nth-child(2) [data-remove]"))
	b.press(kb.Enter)
	b.until("the focus is on the card before", focusIs("#cards > :nth-child(1) [data-remove]"))
	b.press(kb.Enter)
	b.until("the focus is where files are chosen", focusIs("[data-files]"))
}

func (p pagesBundle) keepsTheFocus(t *testing.T) {
	b := p.tab(t)
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "one.slow", []byte("x")), testFile(t, "two.slow", []byte("x")))
	b.until("both can be converted", `document.querySelectorAll("[data-choices] .tile").length === 2 && !document.querySelector("[data-convertall]").disabled`)
	b.tabTo("[data-convertall]")
	b.press(kb.Enter)
	b.until("the page is the group's", `location.pathname.startsWith("/groups/")`)
	b.await("[data-state=running] form[data-act] button")
	b.tabTo(`nav a[href="/jobs"]`)
	b.until("both are done", `document.querySelectorAll("[data-state=succeeded]").length === 2`)
	if !evaluate[bool](b, focusIs(`nav a[href="/jobs"]`)) {
		t.Error("a card that was renewed took the focus")
	}
	p.submit(b, testFile(t, "three.slow", []byte("x")))
	b.await("[data-state=running] form[data-act] button")
	b.tabTo("form[data-act] button")
	seen := b.evaluateBar()
	b.until("the bar moves on", `document.querySelector("[data-bar]")?.value > `+seen)
	if !evaluate[bool](b, focusIs("form[data-act] button")) {
		t.Error("a change of the bar took the focus away")
	}
	b.await("[data-state=succeeded]")
	b.until("who was in the card is in the card still", `document.querySelector("[data-job]").contains(document.activeElement)`)
	if wrong := evaluate[string](b, unseenFocus); wrong != "" {
		t.Errorf("after the end: %s", wrong)
	}
}

// losesNoFocus presses the button for all where one file cannot go along: it is switched
// off under the finger.
func (p pagesBundle) losesNoFocus(t *testing.T) {
	b := p.tab(t)
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "one.slow", []byte("x")), testFile(t, "two.slow", []byte("x")), testFile(t, "three.csv", []byte(tracksCSV)))
	b.until("two can be converted", `document.querySelector("[data-chosen]").textContent.startsWith("2") && document.querySelectorAll("[data-upload].sent").length === 3`)
	b.tabTo("[data-convertall]")
	b.press(kb.Enter)
	b.until("two are jobs", `document.querySelectorAll("[data-job]").length === 2`)
	if wrong := evaluate[string](b, unseenFocus); wrong != "" {
		t.Error(wrong)
	}
	b.tabTo("[data-remove]")
	b.press(kb.Enter)
	b.until("the focus is on a card that is left", `document.querySelector("[data-job]:last-child").contains(document.activeElement)`)
}

// hearing keeps what the polite region says.
const hearing = `document.addEventListener("DOMContentLoaded", () => {
	window.heard = [];
	new MutationObserver(() => window.heard.push(document.getElementById("said").textContent)).observe(document.getElementById("said"), {childList: true, characterData: true, subtree: true});
})`

func (p pagesBundle) speaksSparingly(t *testing.T) {
	b := p.tab(t)
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: hearing})
	p.submit(b, testFile(t, "told.slow", []byte("x")))
	b.until("the bar has words", `document.querySelector("[data-bar]")?.getAttribute("aria-valuetext")?.includes("line ")`)
	text := evaluate[string](b, `document.querySelector("[data-bar]").getAttribute("aria-valuetext")`)
	if !strings.Contains(text, "Copying: line ") || !strings.HasSuffix(text, " percent") {
		t.Errorf("the bar is read as %q", text)
	}
	b.await("[data-state=succeeded]")
	b.until("the end is told", `window.heard.at(-1)?.includes("Done in")`)
	heard := evaluate[[]string](b, `window.heard`)
	// The state and its steps, each tenth, and the end.
	tenths, words := spokenTenths(heard)
	if len(tenths) < 3 || len(slices.Compact(slices.Clone(tenths))) != len(tenths) || words > 4 {
		t.Errorf("said were the tenths %v and %d times other words: %q", tenths, words, heard)
	}
	for _, region := range []string{"#said", "#lost"} {
		if role := evaluate[string](b, `document.querySelector(`+quoted(region)+`).getAttribute("role")`); role != "status" {
			t.Errorf("%s has the role %s", region, role)
		}
	}
}

// spokenTenths are the tenths of the bar that were said, in order, and how often something
// else was.
func spokenTenths(heard []string) (tenths []int, others int) {
	percent := regexp.MustCompile(`: (\d+)\x{a0}%`)
	for _, words := range heard {
		found := percent.FindStringSubmatch(words)
		if found == nil {
			others++
			continue
		}
		n, _ := strconv.Atoi(found[1])
		tenths = append(tenths, n/10)
	}
	return tenths, others
}

func (p pagesBundle) restsOnRequest(t *testing.T) {
	b := p.tab(t)
	p.submit(b, testFile(t, "still.silent", []byte("x")))
	b.await("[data-state=running]")
	const moving = `document.getAnimations().filter((one) => one.playState === "running").length`
	b.until("an honest bar moves", moving+` > 0`)
	still := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	call(b, emulation.SetEmulatedMedia, still)
	b.until("nothing moves", moving+` === 0`)
	b.click("form[data-act] button")
	b.await("[data-state=cancelled]")
	p.submit(b, testFile(t, "calm.slow", []byte("x")))
	b.until("the bar is under way", `document.querySelector("[data-bar]")?.value > 10`)
	if n := evaluate[int](b, moving); n != 0 {
		t.Errorf("%d things move", n)
	}
}

func (p pagesBundle) administersByKeyboard(t *testing.T) {
	owner, b := p.tab(t), p.tab(t)
	p.signIn(b)
	b.open("/admin")
	b.tabTo(`.areas a[href="/admin/queues"]`)
	b.press(kb.Enter)
	b.await("button[value=pause]")
	b.tabTo("button[value=pause]")
	b.press(" ")
	b.await("button[value=resume]")
	for _, name := range []string{"first.queued", "second.queued"} {
		p.submit(owner, testFile(t, name, bytes.Repeat([]byte("x"), 9)))
		owner.await("[data-job]")
	}
	b.open("/admin?q=queued")
	b.tabTo("[name=job]")
	b.press(" ")
	b.press(kb.Tab)
	b.tabTo("[name=job]")
	b.press(" ")
	b.until("two are chosen", `document.querySelector("[data-chosen]").textContent.startsWith("2")`)
	b.tabTo(".acts summary")
	b.press(kb.Enter)
	b.tabTo("[name=act][value=delete]")
	b.press(kb.Enter)
	b.await(".notice")
	b.says("2 jobs were deleted.")
}
