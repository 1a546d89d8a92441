package config

import (
	"strings"
	"testing"
)

func TestEverySettingIsDescribed(t *testing.T) {
	t.Parallel()
	page, err := Reference()
	if err != nil {
		t.Fatal(err)
	}
	l := Loaded{Config: Default()}
	for _, name := range l.names() {
		section, key, _ := strings.Cut(name, ".")
		_, rows, found := strings.Cut(page, "\n## ["+section+"]\n")
		rows, _, _ = strings.Cut(rows, "\n## ")
		if !found || !strings.Contains(rows, "\n| `"+key+"` | ") {
			t.Errorf("no row for %s", name)
		}
	}
	for _, want := range []string{
		"## [queue.NAME]\n", "| `max_waiting` | a whole number | no limit |", "## [resources]\n", "| `free` | a share, like `\"5%\"` or `\"50GiB\"` | `\"5%\"` |",
		"| `slots` | a whole number | the number of processors |", "| `open` | true or false | `false` |", "| `hosts` | a list of texts | none |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}
