package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Recipes whose jobs stand still in the states that pages show: one that is under way and
// has drawn a picture, one that never says how far it is, one that waits for its turn, one
// with every kind of field.
var stillRecipes = map[string]string{
	"poster.toml": `
name        = "poster"
title       = "Poster"
description = "A picture, drawn in many passes."
accept      = [".poster"]
to          = ["sheet"]

[[step]]
title   = "Drawing"
command = ["/bin/sh", "-c", '''cp "$1" "$CONVERTD_PREVIEW/1.png"
echo "41.5 pass 4 of 9" >&"$CONVERTD_PROGRESS_FD"
while :; do sleep 1; done''', "sh", "{input}"]

[[output]]
match = "*.sheet"
`,
	"silent.toml": `
name    = "silent"
title   = "Silent tool"
accept  = [".silent"]
to      = ["quiet"]
command = ["/bin/sh", "-c", "while :; do sleep 1; done", "sh", "{input}"]

[[output]]
match = "*.quiet"
`,
	"queued.toml": `
name    = "queued"
title   = "Takes its turn"
accept  = [".queued"]
to      = ["turn"]
queue   = "paused"
command = ["/bin/cp", "{input}", "{output}/{stem}.turn"]
`,
	"press.toml": `
name   = "press"
title  = "Empty the cache"
accept = []
shared = true

[visible]
anonymous = true

[[step]]
command = ["/bin/echo", "emptied"]
`,
	"fields.toml": `
name        = "fields"
title       = "All kinds of fields"
description = "What a recipe can ask for."
accept      = [".fields"]
to          = ["form", "sheet"]
command     = ["/bin/sh", "-c", "cp $0 $1", "{input}", "{output}/{stem}.{param.to}", "{param.quality}", "{param.gain}", "{param.title}",
  "{param.fast}", "{param.mode}", "{param.parts}", "{param.words}"]

[[param]]
name = "quality"
type = "integer"
help = "Lower is better."
min = 1
max = 9
default = 3

[[param]]
name = "gain"
type = "number"
default = 0.5

[[param]]
name = "title"
type = "string"
optional = true

[[param]]
name = "fast"
type = "boolean"
help = "Half the time, twice the size."
default = true

[[param]]
name = "mode"
type = "choice"
choices = ["one", "two"]
default = "two"

[[param]]
name = "parts"
type = "list"
choices = ["head", "body", "tail"]
default = ["head"]

[[param]]
name = "words"
type = "list"
default = []
`,
	"broken.toml": "name = \"broken\"\naccept = [\".broken\"]\ncolour = \"blue\"\n",
	"away.toml": `
name    = "away"
title   = "A tool that is not there"
accept  = [".away"]
to      = ["gone"]
needs   = ["no-such-program"]
command = ["no-such-program", "{input}"]

[access]
read = ["/srv/luts"]
`,
}

// stillFolder is the folder of the tests' recipes with these.
func stillFolder(t *testing.T) string {
	t.Helper()
	dir := recipesFolder(t)
	for name, text := range stillRecipes {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// picturePNG is a small picture of our own making.
func picturePNG(t *testing.T) []byte {
	t.Helper()
	drawn := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for i := range 320 * 180 {
		drawn.Set(i%320, i/320, color.RGBA{uint8(i % 320 / 2), uint8(i / 320), 120, 255})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, drawn); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// sent submits a file, made in the page, as the tab's visitor, and returns the job's id.
// fields are NAME=VALUE.
func (b *tab) sent(name string, content []byte, fields ...string) string {
	b.t.Helper()
	b.choose("#given", testFile(b.t, name, content))
	id := promised[string](b, `(async () => {
		const form = new FormData();
		for (const field of `+quoted(strings.Join(fields, "\n"))+`.split("\n")) form.append(...field.split(/=(.*)/s).slice(0, 2));
		for (const file of document.querySelector("#given").files) form.append("file", file);
		const answer = await fetch("/api/v1/jobs", {method: "POST", body: form}), job = await answer.json();
		return job.id ?? JSON.stringify(job);
	})()`)
	if len(id) != 26 {
		b.t.Fatalf("%s was not accepted: %s", name, id)
	}
	return id
}

// sender is a page from which files are sent.
func (b *tab) sender() {
	b.t.Helper()
	b.open("/help")
	evaluate[bool](b, `(() => {
		const input = document.createElement("input");
		Object.assign(input, {type: "file", id: "given"});
		document.body.append(input);
		return true;
	})()`)
}

// reached waits until a job is in a state.
func (p pagesBundle) reached(t *testing.T, id, state string) {
	t.Helper()
	await(t, id+" is "+state, func() bool {
		_, body := p.get("/api/v1/jobs/" + id)
		return strings.Contains(body, `"state":"`+state+`"`) || strings.Contains(body, `"state": "`+state+`"`)
	})
}

func TestAccessibility(t *testing.T) {
	t.Parallel()
	p := pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+stillFolder(t), "CONVERTD_DISPATCHER_SLOTS=4",
		"CONVERTD_QUEUE_PAUSED_LIMIT=1", "CONVERTD_RESOURCES_GPU=1", "CONVERTD_WEB_SIGN_INS_PER_MINUTE=2"), startBrowser(t)}
	a := newAxe(t)
	owner, admin := p.tab(t), p.tab(t)
	p.signIn(admin)
	t.Run("what is planted is found", func(t *testing.T) { a.findsWhatIsPlanted(t, p) })
	t.Run("the page of files", func(t *testing.T) { p.examinesFiles(t, a) })
	jobs := p.jobsInEveryState(t, owner, admin)
	t.Run("jobs", func(t *testing.T) { p.examinesJobs(t, a, owner, jobs) })
	t.Run("lists, help and buttons", func(t *testing.T) { p.examinesLists(t, a, owner) })
	t.Run("the administrator's area", func(t *testing.T) { p.examinesArea(t, a, admin, jobs) })
	t.Run("what went wrong", func(t *testing.T) { p.examinesErrors(t, a, jobs) })
}

// on has another test hear of what goes wrong in the tab.
func (b *tab) on(t *testing.T) *tab {
	return &tab{t: t, ctx: b.ctx, base: b.base, downloads: b.downloads}
}

func (p pagesBundle) examinesFiles(t *testing.T, a axe) {
	b := p.tab(t)
	b.open("/")
	b.await("#drop:not([hidden])")
	a.accessible(b, "nothing chosen")
	b.choose("#drop [data-pick]", testFile(t, "a.fields", []byte("x")), testFile(t, "shot_040.csv", []byte(tracksCSV)),
		testFile(t, strings.Repeat("a_name_that_goes_on_", 12)+".slow", []byte("x")), testFile(t, "empty.slow", nil),
		testFile(t, "what.unheard-of", []byte{0, 1, 2}))
	b.until("choices are there", `document.querySelectorAll("[data-choices]").length === 4 && document.querySelectorAll("[data-upload].sent").length >= 3`)
	a.accessible(b, "cards with choices")
	evaluate[bool](b, `(() => {
		for (const card of document.querySelectorAll("[data-file]")) card.querySelector("[name=choice]")?.click();
		for (const fold of document.querySelectorAll("#cards details")) fold.open = true;
		return true;
	})()`)
	a.accessible(b, "cards with all settings open")
	b.choose("#drop [data-pick]", testFile(t, "a.part", []byte("a")), testFile(t, "b.part", []byte("b")), testFile(t, "c.part", []byte("c")))
	b.await("[data-together] button")
	a.accessible(b, "files that can be used together")
	b.click("[data-together] button")
	b.await("[data-bundle] [data-order] li:nth-child(3)")
	a.accessible(b, "several files that become one")
	plain := p.tab(t)
	plain.withoutScripts()
	plain.open("/")
	plain.await("form.plain")
	// The page was drawn without its scripts; axe needs the clocks of scripts.
	call(plain, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	a.accessible(plain, "without scripts")
}

// jobsInEveryState returns jobs by the name of what their page shows.
func (p pagesBundle) jobsInEveryState(t *testing.T, owner, admin *tab) map[string]string {
	t.Helper()
	owner.sender()
	admin.open("/admin/queues")
	jobs := map[string]string{"paused before": owner.sent("first.queued", []byte("x"), "to=turn")}
	p.reached(t, jobs["paused before"], "succeeded")
	promised[string](admin, `fetch("/api/v1/queues/paused/pause", {method: "POST"}).then(String)`)
	await(t, "the queue is paused", func() bool {
		admin.open("/admin/queues")
		return admin.has("[value=resume]")
	})
	jobs["queued"] = owner.sent("a.queued", []byte("x"), "to=turn")
	jobs["queued behind"] = owner.sent("b.queued", []byte("x"), "to=turn")
	jobs["scheduled"] = owner.sent("c.queued", []byte("x"), "to=turn", "run_at=2099-01-01T00:00:00Z")
	jobs["blocked"] = owner.sent("d.queued", []byte("x"), "to=turn", "after="+jobs["queued"])
	soon := time.Now().Add(5 * time.Second).UTC().Format(time.RFC3339)
	jobs["expired"] = owner.sent("e.queued", []byte("x"), "to=turn", "expires="+soon)
	jobs["running with a picture"] = owner.sent("f.poster", picturePNG(t), "to=sheet")
	jobs["running without a word"] = owner.sent("g.silent", []byte("x"), "to=quiet")
	jobs["failed"] = owner.sent("h.strict", []byte("x"), "to=read")
	jobs["cancelled"] = owner.sent("i.queued", []byte("x"), "to=turn")
	jobs["with many results"] = owner.sent("shot_041.csv", []byte(tracksCSV), "recipe=tracks", "group=new")
	jobs["with a sound"] = owner.sent("j.hush", silence(), "to=wav")
	jobs["with a long log"] = owner.sent("k.talkative", []byte("x"), "to=said")
	jobs["with a long name"] = owner.sent(strings.Repeat("a_name_that_goes_on_", 12)+".strict", []byte("x"), "to=read")
	promised[string](owner, `fetch("/api/v1/jobs/`+jobs["cancelled"]+`/cancel", {method: "POST"}).then(String)`)
	for name, state := range map[string]string{
		"queued": "queued", "scheduled": "scheduled", "blocked": "blocked", "expired": "expired", "running with a picture": "running",
		"running without a word": "running", "failed": "failed", "cancelled": "cancelled", "with many results": "succeeded", "with a sound": "succeeded",
		"with a long log": "succeeded", "with a long name": "failed",
	} {
		p.reached(t, jobs[name], state)
	}
	return jobs
}

func (p pagesBundle) examinesJobs(t *testing.T, a axe, owner *tab, jobs map[string]string) {
	b, stranger := owner.on(t), p.tab(t)
	for name, id := range jobs {
		b.open("/jobs/" + id)
		b.await("[data-job]")
		a.accessible(b, name)
	}
	b.open("/jobs/" + jobs["failed"])
	evaluate[bool](b, `(() => { for (const fold of document.querySelectorAll("details")) fold.open = true; return true; })()`)
	b.await("[data-lines] div")
	a.accessible(b, "a failure with its log and facts open")
	b.open("/jobs/" + jobs["with a long log"])
	b.click(".livelog > summary")
	b.await("[data-earlier]")
	b.do(typed("[data-find]", "word 12 of"))
	b.await("[data-found]:not([hidden])")
	a.accessible(b, "a log that is searched")
	b.open("/jobs/" + jobs["failed"] + "/retry")
	a.accessible(b, "the form to try again")
	stranger.open("/jobs/" + jobs["running with a picture"])
	stranger.await("[data-job] img")
	a.accessible(stranger, "somebody else's job")
	id := promised[string](b, `fetch("/api/v1/jobs/`+jobs["with many results"]+`").then((answer) => answer.json()).then((job) => job.group)`)
	b.sender()
	b.sent("l.strict", []byte("x"), "to=read", "group="+id)
	b.sent("m.queued", []byte("x"), "to=turn", "group="+id)
	b.open("/groups/" + id)
	b.await("[data-grouphead]")
	a.accessible(b, "a group")
}

func (p pagesBundle) examinesLists(t *testing.T, a axe, owner *tab) {
	b, nobody := owner.on(t), p.tab(t)
	nobody.open("/jobs")
	a.accessible(nobody, "no jobs")
	for _, path := range []string{"/", "/jobs", "/jobs?state=failed", "/jobs?q=nothing+of+this+name", "/recipes", "/recipes/fields", "/recipes/merge", "/recipes/tracks"} {
		b.open(path)
		a.accessible(b, path)
	}
	b.open("/jobs")
	b.click("[data-all]")
	b.click(".acts .ask summary")
	a.accessible(b, "all jobs chosen")
	b.open("/help")
	chapters := evaluate[[]string](b, `[...document.querySelectorAll(".chapters a")].map((one) => one.getAttribute("href"))`)
	if len(chapters) < 5 {
		t.Errorf("the handbook has %d chapters", len(chapters))
	}
	a.accessible(b, "/help")
	whole := slices.DeleteFunc(views(), func(v view) bool { return v.options != examination })
	for _, path := range chapters[1:] {
		b.open(path)
		a.accessibleIn(b, path, whole)
	}
	b.open("/recipes/press")
	a.accessible(b, "a button that was never pressed")
	b.click("[data-run]")
	b.await("[data-job][data-state=succeeded]")
	a.accessible(b, "a button that was pressed")
	b.open("/recipes/restart")
	b.click("form .ask summary")
	a.accessible(b, "a button that asks")
	b.click("[data-run]")
	b.await("[data-job][data-state=running]")
	b.until("the log has come", `document.querySelector("[data-lines]").textContent.includes("line 3")`)
	a.accessible(b, "a button whose run goes on")
}

func (p pagesBundle) examinesArea(t *testing.T, a axe, admin *tab, jobs map[string]string) {
	b := admin.on(t)
	for _, area := range []string{"", "?state=failed", "?q=nothing+of+this+name", "/queues", "/failures", "/refused", "/charts", "/recipes", "/findings", "/audit"} {
		b.open("/admin" + area)
		evaluate[bool](b, `(() => { for (const fold of document.querySelectorAll("main details")) fold.open = true; return true; })()`)
		a.accessible(b, "/admin"+area)
	}
	for _, name := range []string{"failed", "queued", "running with a picture", "with many results"} {
		b.open("/admin/jobs/" + jobs[name])
		a.accessible(b, "attempts: "+name)
	}
}

// examinesErrors comes last: it breaks the service.
func (p pagesBundle) examinesErrors(t *testing.T, a axe, jobs map[string]string) {
	b := p.tab(t)
	says := func(title, name string) {
		t.Helper()
		b.until(name, `document.querySelector("h1").textContent === `+quoted(title))
		a.accessible(b, name)
	}
	posts := func(path string) {
		evaluate[bool](b, `(() => {
			const form = document.createElement("form");
			Object.assign(form, {method: "post", action: `+quoted(path)+`});
			document.body.append(form);
			form.submit();
			return true;
		})()`)
	}
	b.open("/nothing")
	says("Nothing here", "404")
	posts("/jobs/" + jobs["failed"] + "/delete")
	says("Not yours to change", "403")
	b.open("/admin/sign-in?code=x")
	a.accessible(b, "a sign-in address")
	b.open("/admin/sign-in")
	a.accessible(b, "signing in")
	b.do(chromedp.SetValue(chromedp.CSS("[name=code]"), "wrong"))
	b.click("form.plain button")
	b.await(".problem")
	a.accessible(b, "signing in refused")
	for range 3 {
		posts("/admin/sign-in")
	}
	says("That did not work", "429")
	socket := filepath.Join(p.Data, "postgresql", "run")
	out, err := exec.Command("psql", "-h", socket, "-U", "convertd", "-d", "convertd", "-c", "revoke select on job from convertd").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.open("/jobs")
	says("Something broke", "500")
}
