//go:build screenshots

package main

import (
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"convertd/runner/track"
	"convertd/runner/track/exporter"
)

var (
	picture = flag.String("picture", "../../webui/page/screenshot.png", "where the picture of README.md goes")
	spoken  = flag.String("language", "", "language of the pictures, as at the foot of the pages; English without it")
	album   = flag.String("album", "", "folder for pictures of all pages, light, dark and narrow; none without it")
)

// TestScreenshots takes pictures of the real pages of a running service: the one in
// README.md, and with -album all of them.
func TestScreenshots(t *testing.T) {
	data := dataFolder(t)
	p := pagesBundle{startUp(t, data, "CONVERTD_RECIPES_DIR="+stillFolder(t), "CONVERTD_DISPATCHER_SLOTS=4"), startBrowser(t)}
	b := p.speakingTab(t)
	b.look(1000, 1380, "light")
	b.open("/")
	b.choose("#drop [data-pick]", movie(t, "1280x720", 10))
	b.until("the film is uploaded", `document.querySelector("[data-upload].sent") !== null`)
	b.choose("#drop [data-pick]", trackFile(t, "shot_040.nk"))
	b.until("both ask what they should become", `document.querySelectorAll("[data-choices]").length === 2`)
	b.click(`[value="video-to-mp4"]`)
	b.click(`[value="tracks"]`)
	b.click("[data-convertall]")
	b.until("the address is the group's", `location.pathname.startsWith("/groups/")`)
	b.open(b.path())
	b.until("one is done and the other well under way",
		`document.querySelector("[data-state=succeeded] img")?.complete === true && document.querySelector("[data-state=running] [data-bar]")?.value > 35`)
	b.until("the time left is estimated", `document.querySelector("[data-state=running] [data-clock]")?.textContent.includes("·")`)
	b.shoot(*picture)
	if *album != "" {
		p.fillAlbum(t, b)
	}
}

// speakingTab is a tab in the language of the pictures.
func (p pagesBundle) speakingTab(t *testing.T) *tab {
	t.Helper()
	b := p.tab(t)
	if *spoken != "" {
		b.open("/")
		b.click(`.languages [value="` + *spoken + `"]`)
		b.until("the page is in that language", `document.documentElement.lang === "`+*spoken+`"`)
	}
	return b
}

// shoot takes a picture of what is in the window.
func (b *tab) shoot(file string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// movie makes a film; a large one takes a while to encode.
func movie(t *testing.T, size string, seconds int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "interview_final_v7.mov")
	made := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=%s:d=%d:r=25", size, seconds), "-c:v", "mjpeg", "-q:v", "6", file)
	if out, err := made.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// trackFile makes a script of trackers as a camera that moves sideways sees them.
func trackFile(t *testing.T, name string) string {
	t.Helper()
	shot := track.Shot{Width: 2048, Height: 1152}
	for i := range 28 {
		depth := 1 + float64(i%7)*0.55
		x, y := 150+float64(i*331%1700), 120+float64(i*197%900)
		tracker := track.Tracker{Name: fmt.Sprintf("point_%02d", i+1)}
		for frame := range 90 {
			s := float64(frame) / 90
			tracker.Keyframes = append(tracker.Keyframes, track.Keyframe{
				Frame: frame, X: x + 260*s/depth, Y: y + 60*math.Sin(3.1*s+float64(i))/depth, Residual: 0.02 * float64(i%5),
			})
		}
		shot.Trackers = append(shot.Trackers, tracker)
	}
	format, ok := exporter.ByID("nuke")
	if !ok {
		t.Fatal("there is no writer for Nuke")
	}
	path := filepath.Join(t.TempDir(), name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := format.Write(t.Context(), file, shot, exporter.Options{}); err != nil {
		t.Fatal(err)
	}
	return path
}

// looks are how every page is looked at.
var looks = []struct {
	name          string
	width, height int64
	scheme        string
}{
	{"light", 1100, 1400, "light"},
	{"dark", 1100, 1400, "dark"},
	{"phone", 360, 1500, "light"},
	{"phone-dark", 360, 1500, "dark"},
	{"zoomed", 550, 1200, "light"}, // what 200 % of a window of 1100 leaves
}

// fillAlbum takes pictures of every page in every look and fails where one is wider than
// its window.
func (p pagesBundle) fillAlbum(t *testing.T, b *tab) {
	t.Helper()
	if err := os.MkdirAll(*album, 0o755); err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"group": b.path(), "jobs": "/jobs", "recipes": "/recipes", "recipe": "/recipes/video-to-mp4", "missing": "/nothing"}
	long := strings.Repeat("a_name_that_goes_on_", 12) + ".strict"
	for name, file := range map[string]string{
		"job-failed": testFile(t, "scan.strict", []byte("x")), "job-long-name": testFile(t, long, []byte("x")),
		"job-done": trackFile(t, "shot_041.nk"), "job-running": testFile(t, "long.poster", picturePNG(t)),
	} {
		p.submit(b, file)
		b.await("[data-job]")
		pages[name] = b.path()
	}
	pages["recipe-again"] = pages["job-failed"] + "/retry"
	pages["admin-sign-in"] = "/admin/sign-in?code=x"
	for name, path := range pages {
		b.inEveryLook(name, func() { b.open(path) })
	}
	fresh := p.speakingTab(t)
	fresh.inEveryLook("index-empty", func() { fresh.open("/") })
	fresh.inEveryLook("jobs-empty", func() { fresh.open("/jobs") })
	b.inEveryLook("index-choosing", func() {
		b.open("/")
		b.choose("#drop [data-pick]", trackFile(t, "shot_042.nk"))
		b.await("[data-choices] .tile")
		evaluate[bool](b, `(() => { for (const fold of document.querySelectorAll("[data-choices] details")) fold.open = true; return true; })()`)
	})
	p.adminAlbum(t, fresh)
}

// adminAlbum signs in and takes the administrator's pages.
func (p pagesBundle) adminAlbum(t *testing.T, b *tab) {
	t.Helper()
	p.signIn(b)
	b.inEveryLook("admin", func() { b.open("/admin") })
	for _, area := range []string{"charts", "queues", "failures", "refused", "recipes", "findings", "audit"} {
		b.inEveryLook("admin-"+area, func() { b.open("/admin/" + area) })
	}
}

// TestScreenshotsOfAdministration takes the administrator's pages alone, with -album.
func TestScreenshotsOfAdministration(t *testing.T) {
	if *album == "" {
		return // TestScreenshots takes them too
	}
	if err := os.MkdirAll(*album, 0o755); err != nil {
		t.Fatal(err)
	}
	p := pagesBundle{startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+stillFolder(t), "CONVERTD_DISPATCHER_SLOTS=4"), startBrowser(t)}
	owner := p.tab(t)
	for _, file := range []string{
		testFile(t, "scan.strict", []byte("x")), trackFile(t, "shot_041.nk"), testFile(t, "long.poster", picturePNG(t)),
		testFile(t, strings.Repeat("a_name_that_goes_on_", 10)+".strict", []byte("x")),
	} {
		p.submit(owner, file)
	}
	admin := p.speakingTab(t)
	p.adminAlbum(t, admin)
	job := owner.path()
	admin.inEveryLook("admin-attempts", func() { admin.open("/admin" + job) })
}

func (b *tab) inEveryLook(name string, open func()) {
	b.t.Helper()
	for _, l := range looks {
		b.look(l.width, l.height, l.scheme)
		open()
		b.until("pictures are there", `[...document.images].every((image) => image.complete)`)
		b.shoot(filepath.Join(*album, name+"-"+l.name+".png"))
		if wide := evaluate[int64](b, `document.documentElement.scrollWidth`); wide > l.width {
			b.t.Errorf("%s is %d pixels wide in a window of %d", name, wide, l.width)
		}
	}
}
