package load

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
)

func TestAccess(t *testing.T) {
	t.Parallel()
	d := parse("r.toml", []byte(minimal+"[access]\nread = [\"/srv/luts\", \"/opt/tool\"]\nwrite = [\"/srv/cache\"]"))
	if d.broken() {
		t.Fatalf("%+v", d.problems)
	}
	want := recipe.Access{Read: []string{"/srv/luts", "/opt/tool"}, Write: []string{"/srv/cache"}}
	if diff := cmp.Diff(want, d.recipe.Access); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	for line, word := range map[string]string{
		`read = ["srv/luts"]`:    "plain absolute path",
		`read = ["/srv/../etc"]`: "plain absolute path",
		`write = ["/"]`:          "root itself",
		`read = ["/proc"]`:       "has its own",
		`read = "/srv"`:          "must be",
		`hosts = ["render:80"]`:  "not supported",
		`secrets = { K = "/x" }`: "not supported",
		`raed = ["/srv/luts"]`:   "no key",
	} {
		d := parse("r.toml", []byte(minimal+"[access]\n"+line))
		if !d.broken() || !strings.Contains(d.problems[0].Message, word) {
			t.Errorf("%s: %+v, want %q", line, d.problems, word)
		}
	}
}
