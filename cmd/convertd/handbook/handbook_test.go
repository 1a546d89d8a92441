package handbook

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

func TestEveryFileIsAChapterAndEveryLinkLeadsToOne(t *testing.T) {
	t.Parallel()
	all, err := Chapters()
	if err != nil {
		t.Fatal(err)
	}
	written, err := fs.Glob(files, "*.md")
	if err != nil || len(written) != len(all) {
		t.Errorf("%d files, %d chapters (%v)", len(written), len(all), err)
	}
	names := map[string]bool{}
	for _, c := range all {
		names[c.Name+".md"] = true
	}
	link := regexp.MustCompile(`<a href="([^"]+)"`)
	for _, c := range all {
		if !strings.Contains(string(c.Body), "<h1") || c.Title == "" {
			t.Errorf("%s has no heading", c.Name)
		}
		for _, l := range link.FindAllStringSubmatch(string(c.Body), -1) {
			target, _, _ := strings.Cut(l[1], "#")
			if !names[target] && !strings.HasPrefix(l[1], "https://") && !strings.HasPrefix(l[1], "/api/") && target != "" {
				t.Errorf("%s links to %s", c.Name, l[1])
			}
		}
	}
}
