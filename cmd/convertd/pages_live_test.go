package main

import (
	"fmt"
	"net"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// endlessRecipe moves on all the time and mutelyRecipe says nothing: both last until the
// test is over.
var liveRecipes = map[string]string{
	"endless.toml": `
name    = "endless"
accept  = [".endless"]
to      = ["copy"]
command = ["/bin/sh", "-c", '''n=0
while [ "$n" -lt 3000 ]; do
  echo "$((n / 30)).$((n / 3 % 10)) part $n" >&"$CONVERTD_PROGRESS_FD"
  n=$((n + 1))
  sleep 0.1
done
cp "$1" "$2"''', "sh", "{input}", "{output}/{stem}.copy"]
`,
	"mutely.toml": `
name    = "mutely"
accept  = [".mutely"]
to      = ["copy"]
command = ["/bin/sleep", "600"]
`,
}

// liveBundle is a service behind a gate, with a browser.
type liveBundle struct {
	pagesBundle
}

// gated opens a tab that reaches the service through a gate of its own.
func (l liveBundle) gated(t *testing.T) (*tab, *gate) {
	t.Helper()
	g := startGate(t, l.URL)
	return newTab(t, l.browser, g.URL), g
}

// hurried makes the page's long waits, half a minute and so on, twenty times as short.
func (b *tab) hurried() {
	b.t.Helper()
	source := "{ const real = setTimeout; window.setTimeout = (what, ms, ...more) => real(what, ms >= 10000 ? ms / 20 : ms, ...more); }"
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
}

// patient makes the page wait for a stream's first word as long as a busy machine needs.
func (b *tab) patient() {
	b.t.Helper()
	source := "{ const real = setTimeout; window.setTimeout = (what, ms, ...more) => real(what, ms === 5000 ? 120000 : ms, ...more); }"
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: source})
}

func TestLive(t *testing.T) {
	t.Parallel()
	recipes := recipesFolder(t)
	writeRecipes(t, recipes, liveRecipes)
	service := startUp(t, dataFolder(t), "CONVERTD_RECIPES_DIR="+recipes, "CONVERTD_DISPATCHER_SLOTS=12")
	l := liveBundle{pagesBundle{service, startBrowser(t)}}
	t.Run("one stream tells of all jobs of a page", l.streamsOnce)
	t.Run("a stream that is held back is given up for questions, and taken up again", l.goesRoundAProxy)
	t.Run("real nginx that buffers", l.goesRoundNginx)
	t.Run("a page in the background rests", l.restsInTheBackground)
	t.Run("so does the administrator's", l.restsAdministration)
	t.Run("a stream survives the web process", l.outlivesTheServer)
}

// submitAll drops files and starts them together; the tab ends up at their group.
func (p pagesBundle) submitAll(b *tab, files ...string) {
	b.t.Helper()
	b.open("/")
	b.choose("#drop [data-pick]", files...)
	b.until("all cards are ready", fmt.Sprintf(`document.querySelectorAll("[data-choices] .tile").length >= %d && !document.querySelector("[data-convertall]").disabled && document.querySelector("[data-convertall]").textContent.includes("%[1]d")`, len(files)))
	b.click("[data-convertall]")
	b.until("the address is the group's", `location.pathname.startsWith("/groups/")`)
}

func (l liveBundle) streamsOnce(t *testing.T) {
	b, g := l.gated(t)
	b.patient()
	var files []string
	for i := range 6 {
		files = append(files, testFile(t, fmt.Sprintf("many%d.endless", i), []byte("x")))
	}
	l.submitAll(b, files...)
	moving := `[...document.querySelectorAll("[data-job] [data-bar]")].filter((bar) => bar.value > 0.3).length`
	b.until("all bars move", moving+` === 6`)
	// The end of one may be seen after the beginning of the next.
	await(t, "one stream is open", func() bool { open, _ := g.now(); return open == 1 })
	if _, most := g.now(); most > 2 {
		t.Errorf("while six jobs joined: %v", g)
	}
	asked := g.count("events")
	b.open(b.path())
	b.until("all bars move on the group's page", moving+` === 6 && document.querySelector("[data-grouphead] progress").value > 0.5`)
	await(t, "one stream is open", func() bool { open, _ := g.now(); return open == 1 })
	if g.count("events") != asked+1 || g.count("status") > 0 {
		t.Errorf("want one stream more than %d, and no questions: %v", asked, g)
	}
	b.click("[data-grouphead] form button")
	b.until("all are cancelled", `document.querySelectorAll("[data-state=cancelled]").length === 6`)
	await(t, "the stream is closed with the last job", func() bool { open, _ := g.now(); return open == 0 })
}

func (l liveBundle) goesRoundAProxy(t *testing.T) {
	t.Parallel()
	b, g := l.gated(t)
	g.hold(true)
	b.hurried()
	l.submit(b, testFile(t, "held.mutely", []byte("x")))
	b.await("[data-state=running]")
	await(t, "questions are answered that nothing changed", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.unchanged["status"] >= 2
	})
	if g.count("status") < 3 || evaluate[bool](b, `!document.getElementById("lost").hidden`) {
		t.Errorf("%v, and the page says that the server does not answer: %s", g, b.text())
	}
	g.hold(false)
	await(t, "the stream is back", func() bool { open, _ := g.now(); return open == 1 })
	b.click("form[data-act] button")
	b.await("[data-state=cancelled]")
	before := g.count("status")
	l.submit(b, testFile(t, "free.endless", []byte("x")))
	b.until("the bar moves", `document.querySelector("[data-bar]")?.value > 0.5`)
	if after := g.count("status"); after != before {
		t.Errorf("%d questions beside a stream that gets through", after-before)
	}
}

// goesRoundNginx has an nginx between that keeps back what fills no buffer.
func (l liveBundle) goesRoundNginx(t *testing.T) {
	t.Parallel()
	g := startGate(t, l.URL)
	dir := openFolder(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	runNginx(t, dir, fmt.Sprintf(`server {
	listen %s;
	location / {
		proxy_pass %s;
		proxy_buffering on;
		proxy_ignore_headers X-Accel-Buffering;
		proxy_set_header Host $http_host;
	}
}
`, address, g.URL))
	await(t, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", address)
		return err == nil && conn.Close() == nil
	})
	b := newTab(t, l.browser, "http://"+address)
	l.submit(b, testFile(t, "behind.slow", []byte("x")))
	b.await("[data-state=succeeded]")
	l.submit(b, testFile(t, "behind.mutely", []byte("x")))
	b.await("[data-state=running]")
	await(t, "questions are asked", func() bool { return g.count("status") >= 3 })
	b.click("form[data-act] button")
	b.await("[data-state=cancelled]")
}

func (l liveBundle) outlivesTheServer(t *testing.T) {
	b, g := l.gated(t)
	l.submit(b, testFile(t, "outlives.endless", []byte("x")))
	b.until("the bar moves", `document.querySelector("[data-bar]")?.value > 0.3`)
	seen := b.evaluateBar()
	marked := evaluate[bool](b, `window.same = true`)
	if err := syscall.Kill(l.noted("web").PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.until("the bar goes on", `document.querySelector("[data-bar]")?.value > `+seen+` + 3 && document.getElementById("lost").hidden`)
	await(t, "there is a stream again", func() bool { open, _ := g.now(); return open == 1 })
	if !marked || !evaluate[bool](b, `window.same === true`) {
		t.Error("the page was loaded anew")
	}
}

// background opens another tab of the window in front of this one.
func (b *tab) background() (foreground func()) {
	b.t.Helper()
	pressed := true // without it the browser takes the tab for a pop-up and opens none
	call(b, runtime.Evaluate, runtime.EvaluateParams{Expression: `window.front = open("about:blank"), 0`, UserGesture: &pressed})
	b.until("the tab is in the background", `document.hidden`)
	return func() {
		b.t.Helper()
		evaluate[bool](b, `front.close(), true`)
		b.until("the tab is in front", `!document.hidden`)
	}
}

// lasts waits for some seconds by the clock of the page.
func (b *tab) lasts(seconds int) {
	b.t.Helper()
	b.until("time passes", fmt.Sprintf(`((window.began ??= performance.now()), performance.now() - window.began > %d000)`, seconds))
	evaluate[bool](b, `delete window.began`)
}

func (l liveBundle) restsInTheBackground(t *testing.T) {
	b, g := l.gated(t)
	l.submit(b, testFile(t, "rests.endless", []byte("x")))
	b.until("the bar moves", `document.querySelector("[data-bar]")?.value > 0.3`)
	front := b.background()
	await(t, "the stream is closed", func() bool { open, _ := g.now(); return open == 0 })
	// The tab's picture changes with the title, and may be fetched a moment after it.
	questions := func() int { return g.all() - g.count("file") }
	before := questions()
	seen := b.title()
	b.until("the title goes on", `document.title !== `+quoted(seen))
	if n := questions() - before; n > 2 {
		t.Errorf("%d questions while the title changed once: %v", n, g)
	}
	call(b, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateFrozen})
	before, pictures := questions(), g.count("file")
	b.lasts(3)
	if n, more := questions()-before, g.count("file")-pictures; n > 0 || more > 1 {
		t.Errorf("%d questions and %d pictures of a page that the browser froze: %v", n, more, g)
	}
	front()
	await(t, "the stream is back", func() bool { open, _ := g.now(); return open == 1 })
	seen = b.evaluateBar()
	b.until("the bar moves", `document.querySelector("[data-bar]")?.value > `+seen)
}

func (l liveBundle) restsAdministration(t *testing.T) {
	b, g := l.gated(t)
	b.hurried()
	l.signIn(b)
	asked := g.count("admin")
	await(t, "the list is asked for anew", func() bool { return g.count("admin") >= asked+3 })
	front := b.background()
	before := g.all()
	b.lasts(3)                        // several rounds
	if n := g.all() - before; n > 1 { // one may have been under way
		t.Errorf("%d requests while nobody looked: %v", n, g)
	}
	before = g.all()
	front()
	await(t, "it is asked for anew again", func() bool { return g.all() > before+1 })
}
