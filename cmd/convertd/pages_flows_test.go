package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestFlows tries what people do with their files, each in a profile of its own.
func TestFlows(t *testing.T) {
	t.Parallel()
	recipes := recipesFolder(t)
	writeRecipes(t, recipes, liveRecipes)
	// Something takes a picture, whatever is installed.
	writeRecipes(t, recipes, map[string]string{"glance.toml": `
name    = "glance"
accept  = [".png"]
to      = ["seen"]
command = ["/bin/cp", "{input}", "{output}/{stem}.seen"]
`})
	p := pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipes, "CONVERTD_DISPATCHER_SLOTS=8"), startBrowser(t)}
	t.Run("two tabs on one job", p.watchesInTwoTabs)
	t.Run("another device sees and changes nothing without the manage link", p.asksForTheManageLink)
	t.Run("the link is copied and the checksum shown", p.copiesTheLink)
	t.Run("a folder is chosen, and one is dropped", p.takesFolders)
	t.Run("a file is pasted", p.takesWhatIsPasted)
	t.Run("all files get the same, and the last choice is remembered", p.setsAll)
	t.Run("own jobs are filtered by recipe and time", p.filtersJobs)
	t.Run("a phone in the dark", p.fitsAPhone)
	t.Run("the first page is light", p.weighsTheFirstPage)
	t.Run("an upload goes on after a reload", p.resumesAfterAReload)
	t.Run("an upload goes on after the browser was started again", p.resumesInANewBrowser)
}

// second opens another tab of the same profile.
func (b *tab) second() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return attach(b.t, ctx, b.base)
}

func (p pagesBundle) watchesInTwoTabs(t *testing.T) {
	t.Parallel()
	one := p.tab(t)
	p.submit(one, testFile(t, "twice.endless", []byte("x")))
	two := one.second()
	two.open(one.path())
	for _, b := range []*tab{one, two} {
		b.until("the bar moves", `document.querySelector("[data-bar]")?.value > 0.3`)
	}
	two.until("title and icon have the percent", `/^[1-9][0-9]*.% · twice.endless/.test(document.title) && /\/icon\/([5-9]|[1-9]\d)\.svg$/.test(document.querySelector("link[rel=icon]").href)`)
	two.await("form[data-act] button")
	two.click("form[data-act] button")
	for _, b := range []*tab{one, two} {
		b.await("[data-state=cancelled]")
		b.until("the title says so", `document.title.startsWith("Cancelled · twice.endless")`)
	}
}

// asksForTheManageLink tries from another device what the page does not offer there.
func (p pagesBundle) asksForTheManageLink(t *testing.T) {
	t.Parallel()
	owner := p.tab(t)
	owner.open("/")
	type document struct {
		ID    string
		Links struct{ Page, Manage string }
	}
	job := promised[document](owner, `(() => {
		const form = new FormData();
		form.set("recipe", "endless");
		form.set("file", new File(["x"], "mine.endless"));
		return fetch("/api/v1/jobs", {method: "POST", body: form}).then((answer) => answer.json());
	})()`)
	if job.ID == "" || job.Links.Manage == "" {
		t.Fatalf("the answer is %v", job)
	}
	stranger := p.tab(t)
	stranger.open(strings.TrimPrefix(job.Links.Page, p.URL))
	stranger.await("[data-state=running]")
	if stranger.has("form[data-act]") {
		t.Error("a stranger is offered to cancel")
	}
	press := func(b *tab, path string) int {
		return promised[int](b, `fetch(`+quoted(path)+`, {method: "POST", redirect: "manual"}).then((answer) => answer.status)`)
	}
	if got := press(stranger, "/jobs/"+job.ID+"/cancel"); got != 403 {
		t.Errorf("cancelling as a stranger answers %d, want 403", got)
	}
	if got := press(stranger, "/api/v1/jobs/"+job.ID+"/cancel"); got != 403 {
		t.Errorf("cancelling by the API as a stranger answers %d, want 403", got)
	}
	stranger.open("/jobs/" + job.ID)
	stranger.await("[data-state=running]")
	stranger.open(strings.TrimPrefix(job.Links.Manage, p.URL))
	stranger.await("form[data-act] button")
	stranger.click("form[data-act] button")
	stranger.await("[data-state=cancelled]")
}

// script runs one in the page for its effect.
func (b *tab) script(lines string) {
	b.t.Helper()
	evaluate[bool](b, `(() => {`+lines+`; return true; })()`)
}

// copiesTheLink reads back what was copied, and the checksum among the details.
func (p pagesBundle) copiesTheLink(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	p.submit(b, testFile(t, "linked.hush", silence()))
	b.await("[data-state=succeeded]")
	b.script(`window.copied = ""; navigator.clipboard.writeText = async (text) => { window.copied = text }`)
	b.click("[data-copy]")
	b.until("the address is copied", `window.copied === location.href`)
	b.says("Copied")
	b.open(b.path())
	b.do(chromedp.Click(chromedp.Search(`//summary[text()="Details"]`)))
	b.says(fmt.Sprintf("%x", sha256.Sum256(silence())))
}

func (p pagesBundle) takesFolders(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	dir := filepath.Join(t.TempDir(), "holiday")
	for _, name := range []string{"one.slow", "inner/two.slow", "inner/.hidden"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b.open("/")
	b.choose("#drop [data-pickfolder]", dir)
	names := `[...document.querySelectorAll("#cards [data-name]")].map((one) => one.textContent).sort().join(" ")`
	b.until("the files of the folder are there", names+` === "one.slow two.slow"`)

	// A folder that is dropped tells its entries in pieces, the last of them empty.
	b.open("/")
	b.script(`
		const file = (name) => ({isFile: true, file: (take) => take(new File(["x"], name))});
		const folder = (...pieces) => ({createReader: () => ({readEntries: (take) => take(pieces.shift() ?? [])})});
		const entry = folder([file("a.slow"), folder([file("b.slow")])], [file("c.slow")]);
		const event = new Event("drop", {bubbles: true, cancelable: true});
		event.dataTransfer = {types: ["Files"], files: [], items: [{webkitGetAsEntry: () => entry}]};
		document.dispatchEvent(event)`)
	b.until("the files of the dropped folder are there", names+` === "a.slow b.slow c.slow"`)
	b.until("all are uploaded", `document.querySelectorAll("[data-upload].sent").length === 3`)
}

func (p pagesBundle) takesWhatIsPasted(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	paste := func(data string) {
		b.script(`const data = new DataTransfer(); ` + data + `;
			document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}))`)
	}
	paste(`data.items.add(new File(["x"], "copied.slow"))`)
	b.until("the file is there", `document.querySelector("#cards [data-name]")?.textContent === "copied.slow"`)
	// A picture without a file has a name that the browser gives; a text has none.
	paste(`data.items.add(new File([new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10])], "image.png", {type: "image/png"}))`)
	b.until("the picture is there", `document.querySelectorAll("#cards [data-name]")[1]?.textContent === "image.png"`)
	paste("data.setData('text/plain', '# A heading\\n\\nwritten elsewhere')")
	b.until("the text is there", `document.querySelectorAll("#cards [data-name]")[2]?.textContent === "Pasted text.txt"`)
	b.until("all are uploaded", `document.querySelectorAll("[data-upload].sent").length === 3`)
	// What is pasted into a field stays there.
	b.script(`const field = document.createElement("input"), data = new DataTransfer();
		document.body.append(field);
		data.setData("text/plain", "words for the field");
		field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}))`)
	if n := evaluate[int](b, `document.querySelectorAll("#cards [data-name]").length`); n != 3 {
		t.Errorf("%d cards after pasting into a field, want 3", n)
	}
}

func (p pagesBundle) setsAll(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "first.slow", []byte("1")), testFile(t, "second.slow", []byte("2")), testFile(t, "third.slow", []byte("3")))
	b.until("all cards are ready", `document.querySelectorAll("[data-choices] .tile").length === 3`)
	lines := `[...document.querySelectorAll("[name='param.lines']")].map((one) => one.value).join(" ")`
	b.script(`document.querySelector(".settings").open = true; const field = document.querySelector("[name='param.lines']"); field.value = "7"; field.dispatchEvent(new Event("change", {bubbles: true}))`)
	b.click("[data-file]:first-child [data-setall]")
	b.until("all have the setting", lines+` === "7 7 7"`)
	b.click("[data-convertall]")
	b.until("all are done", `document.querySelectorAll("[data-state=succeeded]").length === 3`)
	b.until("they have a page of their own", `document.querySelector("[data-group] h1")?.textContent === "3 files"`)
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "later.slow", []byte("4")))
	b.until("the last choice is there again", lines+` === "7" && document.querySelector("[name=choice]").checked`)
}

func (p pagesBundle) filtersJobs(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	for _, name := range []string{"bad.strict", "good.hush"} {
		p.submit(b, testFile(t, name, silence()))
		b.until("it has ended", `["failed", "succeeded"].includes(document.querySelector("[data-job]")?.dataset.state)`)
	}
	b.open("/jobs")
	b.do(chromedp.SetValue(chromedp.CSS(".find [name=recipe]"), "strict"), chromedp.SetValue(chromedp.CSS(".find [name=since]"), "day"))
	b.click(".find button")
	b.until("the filter is in the address", `location.search.includes("recipe=strict") && location.search.includes("since=day")`)
	b.until("it is listed", `document.querySelector(".rows")?.textContent.includes("bad.strict")`)
	if strings.Contains(b.text(), "good.hush") {
		t.Error("the filter lets another recipe through")
	}
	b.click(".tabs a[href*=succeeded]")
	b.until("nothing matches", `document.querySelector(".empty")?.textContent.includes("Nothing matches this search.")`)
	b.click(".find a")
	b.until("all are listed", `document.querySelectorAll(".jobrow").length === 2`)
}

// phone makes the window that of a phone with a finger on it, in the dark.
func (b *tab) phone() {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 740, DeviceScaleFactor: 2, Mobile: true})
	call(b, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
}

// fits fails where the page is wider than the window, is light, or has what is too small
// for a finger.
func (b *tab) fits() {
	b.t.Helper()
	if wide := evaluate[int](b, `document.documentElement.scrollWidth`); wide > 360 {
		b.t.Errorf("%s is %d pixels wide on a phone of 360", b.path(), wide)
	}
	if light := evaluate[int](b, `Math.max(...getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number))`); light > 60 {
		b.t.Errorf("%s has a background of %d in the dark", b.path(), light)
	}
	// WCAG 2.2, 2.5.8: 24 pixels either way, but for links within sentences.
	small := evaluate[[]string](b, `[...document.querySelectorAll("button, select, input:not([type=checkbox], [type=radio]), .button, summary, nav a")]
		.filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24)
		.map((one) => one.textContent.trim() + " " + one.getBoundingClientRect().height)`)
	if len(small) > 0 {
		b.t.Errorf("%s has what a finger does not hit: %q", b.path(), small)
	}
}

func (p pagesBundle) fitsAPhone(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.phone()
	for _, path := range []string{"/", "/jobs", "/recipes", "/recipes/slow-copy", "/recipes/restart", "/help", "/nothing"} {
		b.open(path)
		b.fits()
	}
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, strings.Repeat("a_long_name_", 20)+".strict", []byte("x")))
	b.await("[data-choices] .tile")
	b.fits()
	b.do(chromedp.ScrollIntoView(chromedp.CSS("[data-convert]")))
	b.tap("[data-convert]")
	b.await("[data-state=failed]")
	b.fits()
	b.open("/jobs")
	b.says("a_long_name_")
	b.fits()
	p.signIn(b)
	for _, area := range []string{"", "/charts", "/queues", "/failures", "/refused", "/recipes", "/findings", "/audit"} {
		b.open("/admin" + area)
		b.fits()
	}
}

// tap touches the middle of an element.
func (b *tab) tap(sel string) {
	b.t.Helper()
	type point struct{ X, Y float64 }
	at := evaluate[point](b, `(() => { const r = document.querySelector(`+quoted(sel)+`).getBoundingClientRect(); return {X: r.x + r.width / 2, Y: r.y + r.height / 2}; })()`)
	call(b, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: []*input.TouchPoint{{X: at.X, Y: at.Y}}})
	call(b, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}})
}

// firstVisit is the budget of the first page with all that it fetches, in bytes as sent.
const firstVisit = 40_000

func (p pagesBundle) weighsTheFirstPage(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	b.until("everything is there", `document.readyState === "complete" && performance.getEntriesByName(document.querySelector("script[type=module]").src).length > 0`)
	type sent struct {
		Name string
		Size int
	}
	all := evaluate[[]sent](b, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((one) => ({Name: one.name, Size: one.encodedBodySize}))`)
	sum := 0
	for _, one := range all {
		sum += one.Size
	}
	if sum > firstVisit || sum < firstVisit/4 || len(all) < 5 {
		t.Errorf("the first page has %d bytes in %d answers, want at most %d: %v", sum, len(all), firstVisit, all)
	}
}

// largeUpload begins an upload on a slow line and returns when its first piece is stored.
func (b *tab) largeUpload(file string) {
	b.t.Helper()
	slow := []*network.Conditions{{URLPattern: "", UploadThroughput: 4 << 20, DownloadThroughput: -1}}
	call(b, network.Enable, network.EnableParams{})
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: slow})
	b.open("/")
	b.choose("#drop [data-pick]", file)
	b.until("the second piece is on its way", `document.querySelector("[data-upload]")?.value > 40`)
}

// goesOn chooses the file again and converts it; what is stored already is not sent again.
func (b *tab) goesOn(file string, content []byte) {
	b.t.Helper()
	b.until("the upload is remembered", `document.querySelector("#unfinished [data-what]")?.textContent.includes("was uploaded up to")`)
	b.script(`window.least = 100; new MutationObserver(() => { const bar = document.querySelector("[data-upload]"); if (bar?.hasAttribute("aria-valuetext")) least = Math.min(least, bar.value); }).observe(document.body, {subtree: true, childList: true, attributes: true})`)
	b.choose("#drop [data-pick]", file)
	b.until("all is uploaded", `document.querySelector("[data-upload].sent") !== null`)
	if least := evaluate[float64](b, `window.least`); least < 30 {
		b.t.Errorf("the upload began again at %v percent", least)
	}
	if b.has("#unfinished p") {
		b.t.Error("the upload that went on is still offered")
	}
	b.await("[data-choices] .tile")
	b.click("[data-convert]")
	b.await("[data-state=succeeded]")
	if _, got := b.download(".foot .primary"); !bytes.Equal(got, content) {
		b.t.Errorf("the result has %d bytes and differs from the %d sent", len(got), len(content))
	}
}

func twentyMegabytes() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 20<<20/16) }

func (p pagesBundle) resumesAfterAReload(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	file := testFile(t, "reloaded.slow", twentyMegabytes())
	b.largeUpload(file)
	b.open("/jobs")
	b.open("/")
	b.goesOn(file, twentyMegabytes())
}

// resumesInANewBrowser ends the browser and starts another one on its profile.
func (p pagesBundle) resumesInANewBrowser(t *testing.T) {
	t.Parallel()
	profile := t.TempDir()
	file := testFile(t, "tomorrow.slow", twentyMegabytes())
	ctx, end := launch(t, profile)
	b := attach(t, ctx, p.URL)
	b.largeUpload(file)
	closing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Cancel(closing); err != nil {
		t.Logf("end the first browser: %v", err)
	}
	end()
	ctx, _ = launch(t, profile)
	b = attach(t, ctx, p.URL)
	b.open("/")
	b.goesOn(file, twentyMegabytes())
}
