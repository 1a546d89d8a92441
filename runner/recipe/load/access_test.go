package load

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
)

func TestAccess(t *testing.T) {
	t.Parallel()
	d := parse("r.toml", []byte(minimal+`[access]
read    = ["/srv/luts", "/opt/tool"]
write   = ["/srv/cache"]
hosts   = ["render.lan:8080", "*.example.org", "[2001:db8::1]:22"]
secrets = { KEY = "/etc/convertd/secret/render" }
user    = "deploy"
devices = ["/dev/dri/renderD128", "/dev/nvidia*"]
`))
	if d.broken() {
		t.Fatalf("%+v", d.problems)
	}
	want := recipe.Access{
		Read: []string{"/srv/luts", "/opt/tool"}, Write: []string{"/srv/cache"},
		Hosts:   []string{"render.lan:8080", "*.example.org", "[2001:db8::1]:22"},
		Secrets: map[string]string{"KEY": "/etc/convertd/secret/render"},
		User:    "deploy", Devices: []string{"/dev/dri/renderD128", "/dev/nvidia*"},
	}
	if diff := cmp.Diff(want, d.recipe.Access); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	for line, word := range map[string]string{
		`read = ["srv/luts"]`:                 "plain absolute path",
		`read = ["/srv/../etc"]`:              "plain absolute path",
		`write = ["/"]`:                       "root itself",
		`read = ["/proc"]`:                    "has its own",
		`read = "/srv"`:                       "must be",
		`read = ["/dev/fuse"]`:                "is a device",
		`hosts = ["http://render.lan/x"]`:     "not a number",
		`hosts = ["render:x"]`:                "port",
		`hosts = ["2130706433"]`:              "plain form",
		`hosts = ["{input}:80"]`:              "no part of a host",
		`hosts = ["{param.none}"]`:            "no such parameter",
		`hosts = ["*.{param.q}"]`:             "star and a parameter",
		`secrets = { key = "/etc/x" }`:        "the name \"key\"",
		`secrets = { KEY = "x" }`:             "not a plain absolute path",
		`secrets = { KEY = 1 }`:               "must be a text",
		`user = "root"`:                       "is root",
		`devices = ["/srv/x"]`:                "not a device",
		`devices = ["/dev/*"]`:                "not a device",
		`devices = ["/dev/../etc"]`:           "not a device",
		`network = "none"`:                    `is "none"`,
		"network = \"host\"\nhosts = [\"a\"]": "network gives all",
		`raed = ["/srv/luts"]`:                "no key",
	} {
		d := parse("r.toml", []byte(minimal+"[access]\n"+line))
		if !d.broken() || !strings.Contains(d.problems[0].Message, word) {
			t.Errorf("%s: %+v, want %q", line, d.problems, word)
		}
	}
}
