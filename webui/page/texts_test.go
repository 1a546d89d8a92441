package page_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	en := newPages(t).Texts("en")
	for _, row := range []struct{ got, want string }{
		{en.Size(0), "0\u00a0B"},
		{en.Size(999), "999\u00a0B"},
		{en.Size(1000), "1\u00a0KB"},
		{en.Size(1_234), "1.2\u00a0KB"},
		{en.Size(9_949), "9.9\u00a0KB"},
		{en.Size(9_951), "10\u00a0KB"},
		{en.Size(999_499), "999\u00a0KB"},
		{en.Size(999_500), "1\u00a0MB"},
		{en.Size(4_100_000_000), "4.1\u00a0GB"},
		{en.Size(1 << 62), "4611686\u00a0TB"},
		{en.Duration(0), "under 0.1\u00a0s"},
		{en.Duration(400 * time.Millisecond), "0.4\u00a0s"},
		{en.Duration(5 * time.Second), "5\u00a0s"},
		{en.Duration(59 * time.Second), "59\u00a0s"},
		{en.Duration(60 * time.Second), "1\u00a0min"},
		{en.Duration(72 * time.Second), "1\u00a0min\u00a012\u00a0s"},
		{en.Duration(time.Hour), "1\u00a0h"},
		{en.Duration(125 * time.Minute), "2\u00a0h\u00a05\u00a0min"},
		{en.Duration(7 * 24 * time.Hour), "7 days"},
		{en.Percent(62.9), "62\u00a0%"},
		{en.Percent(99.99), "99\u00a0%"},
		{en.Place("live.place", 1), "1st in line"},
		{en.Place("live.place", 2), "2nd in line"},
		{en.Place("live.place", 3), "3rd in line"},
		{en.Place("live.place", 11), "11th in line"},
		{en.Place("live.place", 22), "22nd in line"},
		{en.Count("live.ahead", 1), "1 job is ahead of this one."},
		{en.Count("live.ahead", 12_345), "12\u202f345 jobs are ahead of this one."},
		{en.Text("upload.of", "done", "{total}", "total", "2"), "{total} of 2"},
		{en.Moment(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)), "4 Mar 05:06 UTC"},
	} {
		if row.got != row.want {
			t.Errorf("got %q, want %q", row.got, row.want)
		}
	}
}

func TestTexts_in_German(t *testing.T) {
	t.Parallel()
	de := newPages(t).Texts("de")
	for _, row := range []struct{ got, want string }{
		{de.Size(1_234), "1,2\u00a0kB"},
		{de.Duration(1500 * time.Millisecond), "1,5\u00a0s"},
		{de.Duration(7 * 24 * time.Hour), "7 Tage"},
		{de.Place("live.place", 22), "Platz 22"},
		{de.Count("live.ahead", 1), "1 Auftrag ist vorher dran."},
		{de.Count("live.ahead", 0), "0 Aufträge sind vorher dran."},
		{de.Moment(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)), "4. März 05:06 UTC"},
		{string(de.Dated("card.gone", time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))),
			`Die Dateien wurden <time datetime="2026-03-04T05:06:07Z">4. März 05:06 UTC</time> gelöscht.`},
	} {
		if row.got != row.want {
			t.Errorf("got %q, want %q", row.got, row.want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	p := newPages(t)
	for _, header := range []string{"", "en-GB,en;q=0.9", "tlh", "*", "\x00", strings.Repeat("a,", 10_000)} {
		if got := p.Match(header); got != "en" {
			t.Errorf("Match(%.20q) = %q, want en", header, got)
		}
	}
	for _, header := range []string{"de", "de-AT", "tlh, de;q=0.9, en;q=0.8", "DE-de;q=0.2"} {
		if got := p.Match(header); got != "de" {
			t.Errorf("Match(%q) = %q, want de", header, got)
		}
	}
}

// catalogue reads one language's file.
func catalogue(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	if err := json.Unmarshal(data, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

// sources is all that may ask for a text: templates, scripts, and the handlers.
func sources(t *testing.T) string {
	t.Helper()
	all := ""
	for _, pattern := range []string{"templates/*.html", "templates/parts/*.html", "static/*.js", "*.go", "../page*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all += string(data)
		}
	}
	return all
}

var (
	asked = regexp.MustCompile(`(?:\bt|count|place|Text|Count|Place|Dated|dated|add)[ (]\s*"([a-z]+\.[a-z0-9.]+)"`)
	// made are keys that are put together from a state, a unit or the like.
	made   = []string{"state.", "month.", "kind.", "size.", "error.title.", "live.", "admin.did.", "audit.verb.", "queues.", "findings.", "audit.via."}
	plural = regexp.MustCompile(`\.(zero|one|two|few|many|other)$`)
)

func TestCatalogue_has_what_is_asked_for(t *testing.T) {
	t.Parallel()
	texts := catalogue(t, "text/en.json")
	for _, found := range asked.FindAllStringSubmatch(sources(t), -1) {
		name := found[1]
		if strings.HasSuffix(name, ".") {
			continue
		}
		_, plain := texts[name]
		_, counted := texts[name+".other"]
		if !plain && !counted {
			t.Errorf("%q is asked for and not in the catalogue", name)
		}
	}
}

func TestCatalogue_has_nothing_that_nobody_asks_for(t *testing.T) {
	t.Parallel()
	source := sources(t)
	for name := range catalogue(t, "text/en.json") {
		base := plural.ReplaceAllString(name, "")
		put := slices.ContainsFunc(made, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !put && !strings.Contains(source, `"`+base+`"`) {
			t.Errorf("nobody asks for %q", name)
		}
	}
}

var value = regexp.MustCompile(`\{\w+\}`)

func TestCatalogue_languages_are_complete(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("text/*.json")
	if err != nil {
		t.Fatal(err)
	}
	want := valuesOf(catalogue(t, "text/en.json"))
	for _, file := range files {
		if diff := cmp.Diff(want, valuesOf(catalogue(t, file))); diff != "" {
			t.Errorf("%s has other keys or values than English (-en +it):\n%s", file, diff)
		}
	}
}

// valuesOf maps each key, without plural category, to the values its text mentions.
func valuesOf(texts map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range texts {
		found := value.FindAllString(text, -1)
		slices.Sort(found)
		base := plural.ReplaceAllString(name, "")
		if known := strings.Join(slices.Compact(found), " "); len(known) > len(out[base]) || out[base] == "" {
			out[base] = known
		}
	}
	return out
}
