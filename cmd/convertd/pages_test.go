package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Recipes of the tests: one that takes its time and tells how far it is, one that finds
// fault with its input.
var testRecipes = map[string]string{
	"slow-copy.toml": `
name        = "slow-copy"
title       = "Slow copy"
description = "The same file, slowly."
accept      = [".slow"]
to          = ["copy"]

[[param]]
name    = "lines"
type    = "integer"
title   = "Lines of progress"
min     = 1
max     = 100
default = 25

[[step]]
title   = { en = "Copying", de = "Kopieren" }
command = ["/bin/sh", "-c", '''n=0
while [ "$n" -lt "$3" ]; do
  echo "$((n * 100 / $3)) line $n of $3" >&"$CONVERTD_PROGRESS_FD"
  n=$((n + 1))
  sleep 0.15
done
cp "$1" "$2"''', "sh", "{input}", "{output}/{stem}.copy", "{param.lines}"]

[[output]]
match = "*.copy"
`,
	"strict.toml": `
name   = "strict"
title  = "Strict reader"
accept = [".strict"]
to     = ["read"]

[[step]]
command = ["/bin/sh", "-c", '''echo "opening $1"; echo "Error: wrong magic" >&2; exit 65''', "sh", "{input}"]

[[output]]
match = "*.read"

[[explain]]
match = "wrong magic"
class = "bad_input"
say   = { en = "The file is not what its name says: its first bytes are wrong.", de = "Die Datei ist nicht, was ihr Name sagt: Die ersten Bytes sind falsch." }
hint  = "Export it again from the program that made it."
`,
	"restart.toml": restartRecipe,
	"paced.toml":   pacedRecipe,
	"apart.toml":   strings.Replace(apartRecipe, ".txt", ".apart", 1),
	"merge.toml": `
name    = "merge"
title   = "Merge parts"
accept  = [".part"]
to      = ["merged"]
inputs  = { min = 2, max = 10 }
command = ["/bin/sh", "-c", '''out=$1; shift; cat "$@" >"$out"''', "sh", "{output}/{stem}.merged", "{inputs}"]

[[output]]
match = "*.merged"
`,
	"hush.toml": `
name    = "hush"
accept  = [".hush"]
to      = ["wav"]
command = ["/bin/cp", "{input}", "{output}/{stem}.wav"]
`,
	"talkative.toml": `
name    = "talkative"
accept  = [".talkative"]
to      = ["said"]
command = ["/bin/sh", "-c", '''seq -f "word %.0f of it" 60000; cp "$1" "$2"''', "sh", "{input}", "{output}/{stem}.said"]

[[output]]
match = "*.said"
`,
}

// A button: its run takes longer than any test waits, unless it is stopped, and runs alone.
const restartRecipe = `
name    = "restart"
title   = "Restart the web site"
accept  = []
shared  = true
confirm = "Everybody is cut off for a minute."
concurrency_key = { key = "restart", busy = "reject" }

[visible]
anonymous = true

[[param]]
name    = "host"
type    = "choice"
choices = ["web1", "web2"]
default = "web1"

[[step]]
command = ["/bin/sh", "-c", '''n=0
echo "stopping $1"
while [ "$n" -lt 900 ]; do
  echo "$((n * 100 / 900)) part $n of 900" >&"$CONVERTD_PROGRESS_FD"
  n=$((n + 1))
  echo "line $n"
  sleep 0.2
done
echo "started $1"''', "sh", "{param.host}"]
`

// recipesFolder writes the recipes of the tests.
func recipesFolder(t *testing.T) string {
	t.Helper()
	dir := dataFolder(t)
	writeRecipes(t, dir, testRecipes)
	return dir
}

func writeRecipes(t *testing.T, dir string, recipes map[string]string) {
	t.Helper()
	for name, text := range recipes {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// testFile makes a file to convert.
func testFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// pagesBundle is a running service and a browser.
type pagesBundle struct {
	*upInstance
	browser context.Context
}

func (p pagesBundle) tab(t *testing.T) *tab {
	t.Helper()
	return newTab(t, p.browser, p.URL)
}

func TestPages(t *testing.T) {
	t.Parallel()
	p := pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipesFolder(t)), startBrowser(t)}
	t.Run("a file becomes a result while the bar tells how far it is", p.convertsAFile)
	t.Run("the same without scripts", p.convertsWithoutScripts)
	t.Run("the same where no event stream gets through", p.convertsByPolling)
	t.Run("a failure says why and can be tried again", p.tellsOfAFailure)
	t.Run("a running job is cancelled", p.cancels)
	t.Run("a page that is opened again goes on", p.goesOnAfterAReload)
	t.Run("all of it speaks the language that was chosen", p.speaksGerman)
	t.Run("several files become a group", p.convertsABatch)
	t.Run("what is refused is said before it is uploaded", p.refusesEarly)
	t.Run("deleting asks first and removes the job", p.deletes)
	t.Run("a button is watched from two browsers and stopped", p.pressesAButton)
	t.Run("three files become one, in a changed order", p.mergesThree)
	t.Run("a preset fills the settings", p.fillsByAPreset)
	t.Run("a parameter is a file, another a secret", p.givesAFileAndASecret)
	t.Run("jobs are kept, chosen and deleted", p.choosesJobs)
	t.Run("a sound that came out is played", p.playsASound)
	t.Run("a picture that comes moves no button", p.keepsTheButtonInPlace)
	t.Run("a log is followed and searched", p.readsALog)
	t.Run("an upload survives the death of the web process", p.resumesAnUpload)
}

// submit drops the file, chooses its only target and starts it.
func (p pagesBundle) submit(b *tab, file string) {
	b.t.Helper()
	b.open("/")
	b.choose("#drop [data-pick]", file)
	b.await("[data-choices] .tile")
	b.click(".tile:first-child")
	b.click("[data-convert]")
	b.await("[data-job]")
}

// watched is what was seen of a bar.
type watched struct {
	values []float64
	titles []string
	words  []string
}

// watch reads the bar until the job has ended.
func (b *tab) watch() watched {
	b.t.Helper()
	var seen watched
	type look struct {
		State, Title, Words string
		Value               *float64
	}
	await(b.t, "the job ends", func() bool {
		now := evaluate[look](b, `(() => {
			const card = document.querySelector("[data-job]"), bar = card?.querySelector("[data-bar][value]");
			return {State: card?.dataset.state ?? "", Title: document.title, Words: card?.querySelector("[data-doing]")?.textContent ?? "", Value: bar ? bar.value : null};
		})()`)
		if now.Value != nil && (len(seen.values) == 0 || seen.values[len(seen.values)-1] != *now.Value) {
			seen.values = append(seen.values, *now.Value)
			seen.titles, seen.words = append(seen.titles, now.Title), append(seen.words, now.Words)
		}
		return now.State == "succeeded" || now.State == "failed" || now.State == "cancelled"
	})
	return seen
}

// honest fails unless the bar moved, never back, and was never full before the end.
func (w watched) honest(t *testing.T) {
	t.Helper()
	between := 0
	for i, value := range w.values {
		if value > 0 && value < 100 {
			between++
		}
		if i > 0 && value < w.values[i-1] {
			t.Errorf("the bar went back: %v", w.values)
		}
		if value >= 100 {
			t.Errorf("the bar was full before the end: %v", w.values)
		}
	}
	if between < 3 {
		t.Errorf("the bar was seen at %v, want at least three values in between", w.values)
	}
}

func (p pagesBundle) convertsAFile(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("a line of a file\n"), 1000)
	b := p.tab(t)
	b.open("/")
	b.says("Results are kept for 7 days", "Drop files or a folder")
	b.choose("#drop [data-pick]", testFile(t, "clip.slow", content))
	b.await("[data-choices] .tile")
	b.says("What should it become?", "COPY", "Slow copy")
	b.click("[data-convert]") // one target only: it is chosen
	b.await("[data-job]")
	seen := b.watch()
	seen.honest(t)
	if all := strings.Join(seen.words, "\n"); !strings.Contains(all, "Copying: line ") {
		t.Errorf("the card never said what is happening: %q", all)
	}
	if all := strings.Join(seen.titles, "\n"); !strings.Contains(all, "\u00a0% · clip.slow") {
		t.Errorf("the title never had the percent: %q", all)
	}
	b.says("Done in", "clip.copy", "Kept until")
	if path := b.path(); !strings.HasPrefix(path, "/jobs/") {
		t.Errorf("the job's page is %s, want /jobs/ID", path)
	}
	if title := b.title(); !strings.HasPrefix(title, "Done · clip.slow") {
		t.Errorf("the title is %q at the end", title)
	}
	name, got := b.download(".foot .primary")
	if name != "clip.copy" || !bytes.Equal(got, content) {
		t.Errorf("downloaded %s with %d bytes, want clip.copy with %d", name, len(got), len(content))
	}
}

func (p pagesBundle) convertsWithoutScripts(t *testing.T) {
	t.Parallel()
	content := []byte("without scripts\n")
	b := p.tab(t)
	b.withoutScripts()
	b.open("/")
	b.says("What it should become")
	b.choose("form.plain [name=file]", testFile(t, "plain.slow", content))
	b.do(chromedp.SetValue(chromedp.CSS("form.plain [name=to]"), "copy"))
	b.click("form.plain button")
	b.await("[data-job]")
	seen := b.watch() // the page reloads by itself
	if len(seen.values) == 0 {
		t.Error("no percent was seen on a page without scripts")
	}
	b.says("Done in", "plain.copy")
	res, err := http.Get(b.base + evaluate[string](b, `document.querySelector(".foot .primary").getAttribute("href")`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("the result is %q (%v), want %q", got, err, content)
	}
	if b.has(`meta[http-equiv=refresh]`) {
		t.Error("a job that ended reloads for ever")
	}
}

func (p pagesBundle) convertsByPolling(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: "delete window.EventSource"})
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "polled.slow", []byte("x")))
	b.await("[data-choices] .tile")
	b.click("[data-choices] .settings summary")
	b.do(chromedp.SetValue(chromedp.CSS("[name='param.lines']"), "80"))
	b.click("[data-convert]")
	b.await("[data-job]")
	seen := b.watch()
	seen.honest(t)
	if all := strings.Join(seen.words, "\n"); !strings.Contains(all, " of 80") {
		t.Errorf("the setting did not reach the job: %q", all)
	}
}

func (p pagesBundle) tellsOfAFailure(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	p.submit(b, testFile(t, "scan.strict", []byte("not what it says")))
	b.await("[data-state=failed]")
	b.says("Could not be converted", "The file is not what its name says: its first bytes are wrong.", "Export it again")
	b.click(".log summary")
	b.says("Error: wrong magic")
	if title := b.title(); !strings.HasPrefix(title, "Failed · scan.strict") {
		t.Errorf("the title is %q", title)
	}
	first := b.path()
	b.click(".foot a.button")
	b.await("form.plain")
	b.says("The file is still here")
	b.click("form.plain button")
	b.await("[data-state=failed]")
	if b.path() == first {
		t.Error("trying again made no new job")
	}
	b.says("Repeats an earlier job")
}

func (p pagesBundle) cancels(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	p.submit(b, testFile(t, "long.slow", []byte("x")))
	b.await("[data-state=running] form[data-act] button")
	b.click("form[data-act] button")
	b.await("[data-state=cancelled]")
	b.says("Cancelled", "Nothing of its work was kept.")
	b.open("/jobs?state=cancelled")
	b.says("long.slow")
}

func (p pagesBundle) goesOnAfterAReload(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	p.submit(b, testFile(t, "again.slow", []byte("x")))
	b.until("the bar moves", `document.querySelector("[data-bar]")?.value >= 8`)
	before := evaluate[float64](b, `document.querySelector("[data-bar]")?.value ?? 100`)
	path := b.path()
	b.open("/jobs")
	b.says("again.slow")
	stranger := p.tab(t) // another device: sight, but no change
	stranger.open(path)
	stranger.await("[data-job]")
	if stranger.has("form[data-act]") {
		t.Error("a stranger is offered to cancel")
	}
	b.open(path)
	b.await("[data-job]")
	after := evaluate[float64](b, `document.querySelector("[data-bar]")?.value ?? 100`)
	if after < before {
		t.Errorf("the bar was at %v and stands at %v after opening the page again", before, after)
	}
	b.await("[data-state=succeeded]")
	stranger.await("[data-state=succeeded]")
}

func (p pagesBundle) convertsABatch(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	var files []string
	const all = 20
	for i := range all {
		files = append(files, testFile(t, fmt.Sprintf("part%d.strict", i), []byte("x")))
	}
	b.choose("#drop [data-pick]", files...)
	b.until("all cards are ready", `document.querySelectorAll("[data-choices] .tile").length === 20 && !document.querySelector("[data-convertall]").disabled`)
	b.says("20 files")
	b.click("[data-convertall]")
	b.until("all jobs end", `document.querySelectorAll("[data-state=failed]").length === 20`)
	b.until("the address is the group's", `location.pathname.startsWith("/groups/")`)
	b.open(b.path())
	b.await("[data-grouphead]")
	b.says("20 files", "Failed 20", "part0.strict", "part1.strict", "part19.strict")
}

func (p pagesBundle) refusesEarly(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	b.open("/")
	b.choose("#drop [data-pick]", testFile(t, "nothing.slow", nil))
	b.await("[data-message]")
	b.says("This file is empty")
	b.click("[data-remove]")
	b.choose("#drop [data-pick]", testFile(t, "what.unheard-of", []byte{0, 1, 2, 3}))
	b.await("[data-choices] .problem")
	b.says("No recipe takes this file.")
	plain := p.tab(t)
	plain.withoutScripts()
	plain.open("/")
	plain.choose("form.plain [name=file]", testFile(t, `odd "name" <b>.slow`, nil))
	plain.do(chromedp.SetValue(chromedp.CSS("form.plain [name=to]"), "copy"))
	plain.click("form.plain button")
	plain.await(".problem")
	plain.says("is empty")
	if got := evaluate[string](plain, `document.querySelector("form.plain [name=to]").value`); got != "copy" {
		t.Errorf("the form forgot what was chosen: %q", got)
	}
}

func (p pagesBundle) deletes(t *testing.T) {
	t.Parallel()
	b := p.tab(t)
	p.submit(b, testFile(t, "gone.strict", []byte("x")))
	b.await("[data-state=failed]")
	path := b.path()
	b.click(".ask:not(.keep) summary")
	b.click(".ask:not(.keep) button")
	b.await(".notice")
	b.says("The job and its files were deleted.", "No jobs yet.")
	b.open(path)
	b.says("Nothing here")
}

// resumesAnUpload kills the web process while a slow line is in the middle of a file.
func (p pagesBundle) resumesAnUpload(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 3<<20/2) // 24 MiB: three pieces
	b := p.tab(t)
	b.open("/")
	slow := []*network.Conditions{{URLPattern: "", UploadThroughput: 6 << 20, DownloadThroughput: -1}}
	call(b, network.Enable, network.EnableParams{})
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: slow})
	b.choose("#drop [data-pick]", testFile(t, "large.slow", content))
	b.await("[data-choices] .tile")
	b.click("[data-convert]")
	b.until("the second piece is on its way", `document.querySelector("[data-upload]").value > 40`)
	if err := syscall.Kill(p.noted("web").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.until("the cut is told", `document.querySelector("[data-words]")?.textContent.includes("connection was cut")`)
	b.await("[data-state=succeeded]")
	_, got := b.download(".foot .primary")
	if !bytes.Equal(got, content) {
		t.Errorf("the result has %d bytes and differs from the %d sent", len(got), len(content))
	}
}
