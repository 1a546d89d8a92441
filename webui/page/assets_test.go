package page_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"convertd/webui/page"
)

func get(t *testing.T, p *page.Pages, path, encoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	p.Assets().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAssets_are_kept_for_ever_under_their_hash(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	path, err := p.Assets().Path("look.css")
	if err != nil {
		t.Fatal(err)
	}
	plain, small := get(t, p, path, ""), get(t, p, path, "br, gzip")
	if got := small.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control is %q", got)
	}
	if got := small.Header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("Content-Encoding is %q, want gzip", got)
	}
	if got := plain.Header.Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("Content-Type is %q", got)
	}
	unzipped, err := gzip.NewReader(small.Body)
	if err != nil {
		t.Fatal(err)
	}
	same, err := io.ReadAll(unzipped)
	if err != nil || !bytes.Equal(same, body(t, plain)) {
		t.Errorf("the compressed file differs from the plain one (%v)", err)
	}
	if got := get(t, p, "/static/0123456789ab/look.css", "").StatusCode; got != http.StatusNotFound {
		t.Errorf("an old hash answers %d, want 404", got)
	}
	if got := get(t, p, path+"/../page.go", "").StatusCode; got != http.StatusNotFound {
		t.Errorf("a path outside answers %d, want 404", got)
	}
}

// firstPage is the budget of the first visit in bytes as sent.
const firstPage = 40_000

func TestAssets_first_page_is_light(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	for _, lang := range []string{"en", "de"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			if sum := sent(t, p, render(t, p, lang, samples()["index"])); sum > firstPage {
				t.Errorf("the first page has %d bytes compressed, want at most %d", sum, firstPage)
			}
		})
	}
}

// sent is how many bytes a page has with all that it asks for, compressed.
func sent(t *testing.T, p *page.Pages, text string) int {
	t.Helper()
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	if _, err := zip.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	sum := zipped.Len()
	for _, found := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(text, -1) {
		answer := get(t, p, found[1], "gzip")
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", found[1], answer.StatusCode)
		}
		sum += len(body(t, answer))
	}
	return sum
}

func TestAssets_modules_name_all_imports(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	paths, err := p.Assets().Modules("index.js", "en")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(paths, " ")
	for _, want := range []string{"/card.js", "/choose.js", "/live.js", "/tab.js", "/text.js", "/texts.en.js", "/times.js", "/upload.js"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not asked for ahead", want)
		}
	}
	if _, err := p.Assets().Modules("none.js", "en"); err == nil {
		t.Error("a script that is not there has modules")
	}
}

func TestAssets_texts_have_what_scripts_ask_for(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	path, err := p.Assets().Path("texts.en.js")
	if err != nil {
		t.Fatal(err)
	}
	sent := string(body(t, get(t, p, path, "")))
	files, err := filepath.Glob("static/*.js")
	if err != nil {
		t.Fatal(err)
	}
	known := catalogue(t, "text/en.json")
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`"([a-z]+\.[a-z]+)"`).FindAllStringSubmatch(string(script), -1) {
			name := found[1]
			if known[name] == "" && known[name+".other"] != "" {
				name += ".other"
			}
			if _, ok := known[name]; ok && !strings.Contains(sent, `"`+name+`"`) {
				t.Errorf("%s asks for %q, which scripts are not sent", file, name)
			} else if prefix, _, _ := strings.Cut(name, "."); !ok && (prefix == "live" || prefix == "upload" || prefix == "choose") {
				t.Errorf("%s asks for %q, which is not in the catalogue", file, name)
			}
		}
	}
}

func TestIcon(t *testing.T) {
	t.Parallel()
	names := []string{"idle.svg", "queued.svg", "running.svg", "succeeded.svg", "failed.svg", "cancelled.svg", "0.svg", "65.svg", "100.svg"}
	for _, name := range names {
		drawn, ok := page.Icon(name)
		if !ok {
			t.Errorf("there is no icon %s", name)
		}
		if err := xml.Unmarshal(drawn, new(struct{})); err != nil {
			t.Errorf("%s is no XML: %v", name, err)
		}
	}
	for _, name := range []string{"", "62.svg", "101.svg", "-5.svg", "idle", "x.svg"} {
		if _, ok := page.Icon(name); ok {
			t.Errorf("there is an icon %q", name)
		}
	}
	if got := page.IconPath("running", ptr(64.9)); got != "/icon/60.svg" {
		t.Errorf("the icon of 64.9 percent is %s", got)
	}
}

// pairs are what is read on what; WCAG AA wants 4.5 for text.
var pairs = []struct{ ink, ground string }{
	{"text", "page"}, {"text", "card"}, {"text", "well"}, {"text", "tint"},
	{"soft", "page"}, {"soft", "card"}, {"soft", "well"}, {"soft", "tint"}, {"soft", "track"},
	{"accent", "page"}, {"accent", "card"}, {"on-accent", "accent"},
	{"good", "card"}, {"good", "page"}, {"bad", "card"}, {"bad", "page"}, {"wait", "card"}, {"wait", "page"},
}

func TestLook_is_readable(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("static/look.css")
	if err != nil {
		t.Fatal(err)
	}
	for mode, name := range []string{"light", "dark"} {
		colours := map[string]string{}
		for _, found := range regexp.MustCompile(`--([a-z-]+): light-dark\((#\w+), (#\w+)\)`).FindAllStringSubmatch(string(data), -1) {
			colours[found[1]] = found[2+mode]
		}
		for _, pair := range pairs {
			if got := contrast(t, colours[pair.ink], colours[pair.ground]); got < 4.5 {
				t.Errorf("%s on %s has contrast %.2f in %s, want 4.5", pair.ink, pair.ground, got, name)
			}
		}
		for _, edge := range []string{"page", "card"} {
			if got := contrast(t, colours["edge"], colours[edge]); got < 3 {
				t.Errorf("the edge of a field on %s has contrast %.2f in %s, want 3", edge, got, name)
			}
		}
	}
}

// contrast is WCAG 2's ratio of two colours, #rgb or #rrggbb.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	hex := strings.TrimPrefix(colour, "#")
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatalf("colour %q: %v", colour, err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
