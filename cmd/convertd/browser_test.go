package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a test waits for something on a page.
const patience = 40 * time.Second

// startBrowser starts a headless Chromium that the tabs of one test share.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	ctx, _ := launch(t, t.TempDir())
	return ctx
}

// launch starts a browser on a profile; end ends it.
func launch(t *testing.T, profile string) (browser context.Context, end func()) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true))
	ctx, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("Chromium is needed for these tests (apt-get install chromium): %v", err)
	}
	return ctx, end
}

// tab is one tab of a browser profile of its own.
type tab struct {
	t         *testing.T
	ctx       context.Context
	base      string
	downloads string

	mu       sync.Mutex
	problems []string
}

// newTab opens a tab with its own cookies and storage. What the page's scripts or the
// content policy complain about fails the test.
func newTab(t *testing.T, parent context.Context, base string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return attach(t, ctx, base)
}

// attach takes over a tab.
func attach(t *testing.T, ctx context.Context, base string) *tab {
	t.Helper()
	b := &tab{t: t, ctx: ctx, base: base, downloads: t.TempDir()}
	// The context of the first action is the tab's life: it must not end after patience.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	call(b, log.Enable, cdp.Empty{})
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.problems) > 0 {
			t.Errorf("the browser complains: %s", strings.Join(b.problems, "\n"))
		}
	})
	return b
}

func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.problems = append(b.problems, text)
	case *page.EventJavascriptDialogOpening:
		// The page asks whether it may be left while a file is on it: it may.
		go func() {
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	case *log.EventEntryAdded:
		ours := e.Entry.Source != log.EntrySourceNetwork && e.Entry.Source != log.EntrySourceIntervention
		if e.Entry.Level == log.EntryLevelError && ours {
			b.problems = append(b.problems, e.Entry.Text)
		}
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.text())
	}
}

func (b *tab) open(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.base + path)) }
func (b *tab) await(sel string) { b.t.Helper(); b.do(chromedp.WaitVisible(chromedp.CSS(sel))) }
func (b *tab) click(sel string) { b.t.Helper(); b.do(chromedp.Click(chromedp.CSS(sel))) }
func (b *tab) title() string    { b.t.Helper(); return evaluate[string](b, `document.title`) }
func (b *tab) path() string     { b.t.Helper(); return evaluate[string](b, `location.pathname`) }
func (b *tab) has(sel string) bool {
	b.t.Helper()
	return evaluate[bool](b, `document.querySelector(`+quoted(sel)+`) !== null`)
}

// text is what the page says, for messages and for looking into it.
func (b *tab) text() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return text
}

// says fails unless the page comes to have all the words.
func (b *tab) says(words ...string) {
	b.t.Helper()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		text := strings.ReplaceAll(b.text(), "\u00a0", " ")
		missing := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return strings.Contains(text, word) })
		if len(missing) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Errorf("the page does not say %q:\n%s", missing, text)
			return
		}
	}
}

// typed types a text into a field.
func typed(sel, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(sel), text)
}

// choose gives files to the page's hidden input, as the file dialog does.
func (b *tab) choose(sel string, files ...string) {
	b.t.Helper()
	b.do(chromedp.SetUploadFiles(chromedp.CSS(sel), files, chromedp.NodeReady))
}

// evaluate runs an expression in the page. A page that is just being replaced by another
// is asked again.
func evaluate[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var value T
	var err error
	for range 20 {
		if value, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression)); err == nil || ctx.Err() != nil {
			return value
		}
		<-time.After(25 * time.Millisecond)
	}
	b.t.Fatalf("%s: %v", expression, err)
	return value
}

// promised waits for what an expression promises.
func promised[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until asks the page until the expression is true.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !evaluate[bool](b, expression) {
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("not in time: %s\n%s", what, b.text())
		}
	}
}

// call sends a command of the DevTools protocol to the tab.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		b.t.Fatalf("%s: %v", command.Method, err)
	}
}

// withoutScripts switches scripts off for what is opened from now on.
func (b *tab) withoutScripts() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// look sets width, height and colour scheme ("light", "dark"). Nothing moves, so that
// pictures show bars where they stand.
func (b *tab) look(width, height int64, scheme string) {
	b.t.Helper()
	size := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	call(b, emulation.SetDeviceMetricsOverride, size)
	call(b, emulation.SetEmulatedMedia, media)
}

// download clicks and returns the file that arrives.
func (b *tab) download(sel string) (name string, content []byte) {
	b.t.Helper()
	return b.downloaded(func() { b.click(sel) })
}

// downloaded returns the file that arrives after the act.
func (b *tab) downloaded(act func()) (name string, content []byte) {
	b.t.Helper()
	allow := browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: b.downloads,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	}
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, allow); err != nil {
		b.t.Fatal(err)
	}
	act()
	await(b.t, "the download arrives", func() bool {
		files, err := os.ReadDir(b.downloads)
		if err != nil || len(files) == 0 {
			return false
		}
		name = files[0].Name()
		return len(files) == 1 && !strings.HasSuffix(name, ".crdownload")
	})
	content, err := os.ReadFile(filepath.Join(b.downloads, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return name, content
}

// quoted is a text as a script writes it.
func quoted(text string) string { return "`" + strings.ReplaceAll(text, "`", "\\`") + "`" }
