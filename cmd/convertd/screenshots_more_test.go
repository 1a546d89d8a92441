//go:build screenshots

package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// forAlbum is a service with a browser for pictures of more pages; without -album there
// are none to take.
func forAlbum(t *testing.T) (p pagesBundle, wanted bool) {
	t.Helper()
	if *album == "" {
		return p, false // TestScreenshots takes the one of README.md
	}
	if err := os.MkdirAll(*album, 0o755); err != nil {
		t.Fatal(err)
	}
	return pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipesFolder(t)), startBrowser(t)}, true
}

// TestScreenshotsOfResults takes results of each kind, and what belongs to jobs.
func TestScreenshotsOfResults(t *testing.T) {
	p, wanted := forAlbum(t)
	if !wanted {
		return
	}
	b := p.tab(t)
	text := []byte("# A title\n\nSome words of a text, a list:\n\n- first\n- second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
	for name, wish := range map[string]struct{ file, recipe, target string }{
		"image": {drawing(t), "image", ""}, "document": {testFile(t, "letter.md", text), "markdown-to-pdf", ""},
		"sound": {testFile(t, "tone.wav", tone()), "sound", ""}, "film": {movie(t, "480x270", 2), "video-to-mp4", ""},
		"text": {testFile(t, "notes.md", text), "markdown", "html"}, "tracks": {trackFile(t, "shot_050.nk"), "tracks", ""},
	} {
		b.submitAs(wish.file, wish.recipe, wish.target)
		await(t, "it is done", func() bool {
			return evaluate[bool](b, `document.querySelector("[data-job]")?.dataset.state === "succeeded"`)
		})
		path := b.path()
		b.inEveryLook("result-"+name, func() {
			b.open(path)
			b.until("its preview is there", `[...document.images].every((image) => image.complete && image.naturalWidth > 0)`)
		})
	}
	p.submit(b, testFile(t, "talk.talkative", []byte("x")))
	b.await("[data-state=succeeded]")
	path := b.path()
	b.inEveryLook("job-log", func() {
		b.open(path)
		b.click(".livelog > summary")
		b.until("the log is there", `document.querySelector("[data-lines]").childElementCount > 5`)
	})
	for _, chapter := range []string{"/help", "/help/recipe", "/help/settings"} {
		b.inEveryLook("help"+strings.ReplaceAll(strings.TrimPrefix(chapter, "/help"), "/", "-"), func() { b.open(chapter) })
	}
}

// TestScreenshotsOfChoices takes what is chosen before a job, and the button.
func TestScreenshotsOfChoices(t *testing.T) {
	p, wanted := forAlbum(t)
	if !wanted {
		return
	}
	p.choosingAlbum(t, p.tab(t))
	p.buttonAlbum(t)
}

// choosingAlbum takes the first page while files are chosen for.
func (p pagesBundle) choosingAlbum(t *testing.T, b *tab) {
	t.Helper()
	film := movie(t, "480x270", 2)
	b.inEveryLook("index-presets", func() {
		b.open("/")
		b.choose("#drop [data-pick]", film)
		b.await("[data-choices] .tile")
		b.take("video-to-mp4", "")
		b.script(`for (const fold of document.querySelectorAll("[data-choices] .settings")) fold.open = true`)
	})
	b.inEveryLook("index-bundle", func() {
		b.open("/")
		b.choose("#drop [data-pick]", testFile(t, "a.part", []byte("a")), testFile(t, strings.Repeat("a_name_that_goes_on_", 12)+".part", []byte("b")), testFile(t, "c.part", []byte("c")))
		b.until("all three are offered together", `document.querySelector("[data-together] button") !== null`)
		b.click("[data-together] button")
		b.await("[data-bundle] [data-order] li:nth-child(3)")
	})
	b.inEveryLook("index-batch", func() {
		b.open("/")
		b.choose("#drop [data-pick]", testFile(t, "clip.slow", []byte("x")), testFile(t, "empty.slow", nil), trackFile(t, "shot_060.nk"))
		b.until("two ask what they should become", `document.querySelectorAll("[data-choices]").length === 2`)
	})
}

// buttonAlbum takes the page of a button before its run, during it and after.
func (p pagesBundle) buttonAlbum(t *testing.T) {
	t.Helper()
	b := p.tab(t)
	b.inEveryLook("button", func() { b.open("/recipes/restart") })
	b.open("/recipes/restart")
	b.click("form .ask summary")
	b.click("[data-run]")
	b.inEveryLook("button-running", func() {
		b.open("/recipes/restart")
		b.until("the log has come", `document.querySelector("[data-lines]")?.childElementCount > 5`)
	})
	b.click("form[data-act] button")
	b.await("[data-job][data-state=cancelled]")
	b.inEveryLook("button-ended", func() { b.open("/recipes/restart") })
}

// TestScreenshotsOfMany takes lists and a group with five hundred jobs.
func TestScreenshotsOfMany(t *testing.T) {
	p, wanted := forAlbum(t)
	if !wanted {
		return
	}
	b := p.tab(t)
	b.open("/")
	b.script(`window.send = async (n, group) => {
		const form = new FormData(), strict = n % 9 === 4;
		form.set("recipe", strict ? "strict" : "hush");
		form.set("group", group);
		form.set("file", new File([strict ? "x" : Uint8Array.from(atob("` + base64.StdEncoding.EncodeToString(silence()) + `"), (c) => c.charCodeAt())], "scan_" + String(n).padStart(4, "0") + (n % 50 === 7 ? "_with_a_name_that_goes_on".repeat(11) : "") + (strict ? ".strict" : ".hush")));
		return (await (await fetch("/api/v1/jobs", {method: "POST", body: form})).json()).group;
	}`)
	group := promised[string](b, `send(0, "new")`)
	for n := 1; n < 500; n += 25 {
		promised[bool](b, fmt.Sprintf(`Promise.all(Array.from({length: %d}, (_, k) => send(%d + k, "%s"))).then(() => true)`, min(25, 500-n), n, group))
	}
	b.inEveryLook("many-jobs", func() { b.open("/jobs") })
	b.inEveryLook("many-jobs-failed", func() { b.open("/jobs?state=failed&recipe=strict&since=day") })
	await(t, "half of them have ended", func() bool {
		return promised[int](b, `fetch("/api/v1/groups/`+group+`").then((answer) => answer.json()).then((group) => group.counts.succeeded ?? 0)`) > 250
	})
	b.inEveryLook("many-group", func() { b.open("/groups/" + group) })
	p.signIn(b)
	for name, path := range map[string]string{"": "", "-failed": "?state=failed", "-failures": "/failures", "-charts": "/charts", "-queues": "/queues"} {
		b.inEveryLook("many-admin"+name, func() { b.open("/admin" + path) })
	}
}

// submitAs converts a file by one recipe to one target, "" for the only one.
func (b *tab) submitAs(file, recipe, target string) {
	b.t.Helper()
	b.open("/")
	b.choose("#drop [data-pick]", file)
	b.await("[data-choices] .tile")
	b.take(recipe, target)
	b.until("it is chosen", `!document.querySelector("[data-convert]").disabled`)
	b.click("[data-convert]")
	b.await("[data-job]")
}

// take chooses a target wherever it is listed.
func (b *tab) take(recipe, target string) {
	b.t.Helper()
	wish := `[data-recipe="` + recipe + `"]`
	if target != "" {
		wish += `[data-target="` + target + `"]`
	}
	b.script(`const radio = document.querySelector(` + quoted("[data-choices] "+wish) + `); radio.checked = true; radio.dispatchEvent(new Event("change", {bubbles: true}))`)
}

// drawing makes a picture.
func drawing(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mountains.png")
	made := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "mandelbrot=s=900x600", "-frames:v", "1", file)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// tone is two seconds of a rising tone as a WAV file.
func tone() []byte {
	const rate = 8000
	file := silence()[:44]
	binary.LittleEndian.PutUint32(file[4:], 36+2*rate)
	binary.LittleEndian.PutUint32(file[40:], 2*rate)
	for i := range 2 * rate {
		at := float64(i) / rate
		file = append(file, byte(128+100*math.Sin(at*(600+300*at))))
	}
	return file
}
