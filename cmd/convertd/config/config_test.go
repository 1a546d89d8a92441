package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "convertd.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	path := write(t, "[web]\nlisten = \"127.0.0.1:1\"\nmax_upload = \"1GiB\"\nhosts = [\"a\"]\n[queue.video]\nlimit = 2\n[keep]\nresults = \"2d\"\nfree = \"12.5%\"\n")
	got, err := Load(Input{
		Path: path, Explicit: true,
		Environ: []string{
			"CONVERTD_WEB_LISTEN=127.0.0.1:2", "CONVERTD_WEB_HOSTS=b, c", "CONVERTD_WEB_MAX_UPLOAD=2 GiB",
			"CONVERTD_QUEUE_VIDEO_MAX_WAITING=9", "CONVERTD_RESOURCES_GPU=2", "CONVERTD_KEEP_FREE=50GiB", "CONVERTD_URL=x", "CONVERTD_JOB=y", "PATH=/bin",
		},
		Flags: map[string]string{"web.listen": "127.0.0.1:3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Web.Listen, want.Web.MaxUpload, want.Web.Hosts = "127.0.0.1:3", 2<<30, []string{"b", "c"}
	want.Queue["video"] = Queue{Limit: 2, MaxWaiting: 9}
	want.Resources["gpu"] = 2
	want.Keep.Results, want.Keep.Free = Duration(48*time.Hour), Share{Bytes: 50 << 30}
	if diff := cmp.Diff(want, got.Config); diff != "" {
		t.Error(diff)
	}
	from := map[string]string{
		"web.listen": "--listen", "web.max_upload": "CONVERTD_WEB_MAX_UPLOAD", "keep.results": path,
		"resources.gpu": "CONVERTD_RESOURCES_GPU", "dispatcher.slots": "",
	}
	for name, source := range from {
		if got.From[name] != source {
			t.Errorf("%s comes from %q, want %q", name, got.From[name], source)
		}
	}
}

func TestProblemsAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file    string
		environ []string
		want    string
	}{
		"unknown key":            {"# x\n[web]\n\nlistne = \"a\"\n", nil, ":4: unknown setting web.listne: did you mean web.listen?"},
		"unknown section":        {"[wbe]\nlisten = \"a\"\n", nil, ":1: unknown section [wbe]: did you mean web?"},
		"unknown key of a queue": {"[queue.video]\nlimits = 3\n", nil, ":2: unknown setting queue.video.limits"},
		"outside a section":      {"listen = \"a\"\n", nil, ":1: unknown setting listen: it stands in a section, did you mean web.listen?"},
		"wrong type":             {"[dispatcher]\nslots = \"four\"\n", nil, ":2: dispatcher.slots takes a whole number, not the text \"four\""},
		"a number for a text":    {"[web]\nlisten = 8080\n", nil, ":2: web.listen takes a text, not 8080"},
		"a text for a list":      {"[web]\nhosts = \"a\"\n", nil, ":2: web.hosts takes a list of texts, not the text \"a\""},
		"numbers in a list":      {"[web]\nhosts = [1]\n", nil, ":2: web.hosts takes a list of texts, not [1]"},
		"a bare size":            {"[web]\nmax_upload = 20\n", nil, ":2: web.max_upload takes a size, like `\"20GiB\"`, not 20"},
		"a time in words":        {"[keep]\nresults = \"7 days\"\n", nil, ":2: keep.results takes a time, like `\"7d\"` or `\"1h30m\"`: \"7 days\" is not"},
		"a table too deep":       {"[web.listen]\na = 1\n", nil, ":1: unknown setting web.listen"},
		"broken TOML":            {"[web\n", nil, ":2: expected"},
		"bad size":               {"[web]\nmax_upload = \"ten\"\n", nil, ":2:"},
		"no slots":               {"[dispatcher]\nslots = 0\n", nil, "[dispatcher] slots = 0: at least 1"},
		"metrics without port":   {"[dispatcher]\nmetrics_listen = \"9464\"\n", nil, "[dispatcher] metrics_listen = \"9464\""},
		"metrics on the pages":   {"[dispatcher]\nmetrics_listen = \"127.0.0.1:8080\"\n", nil, "the address of the pages"},
		"unknown variable":       {"", []string{"CONVERTD_WEB_LISTNE=a"}, "CONVERTD_WEB_LISTNE: unknown setting web.listne: did you mean web.listen?"},
		"variable's type":        {"", []string{"CONVERTD_DISPATCHER_SLOTS=four"}, `CONVERTD_DISPATCHER_SLOTS: "four" is not a whole number`},
		"reachable without sign": {"[web]\nlisten = \"0.0.0.0:80\"\n", nil, "[web] open = true"},
		"outside address":        {"[web]\nbase_url = \"https://convert.example.org\"\n", nil, "nobody would have to sign in"},
		"header from anyone":     {"[web]\nuser_header = \"X-Remote-User\"\n", nil, "trusted_proxies"},
		"proxy's address":        {"[web]\nuser_header = \"X\"\ntrusted_proxies = [\"proxy\"]\n", nil, `"proxy" is neither`},
		"not unlimited":          {"[web]\nunlimited = [\"lan\"]\n", nil, `[web] unlimited: "lan" is neither`},
		"a negative rate":        {"[web]\nrequests_per_second = -1\n", nil, "[web] requests_per_second = -1: at least 0"},
		"mail without sender":    {"[mail]\nsmtp = \"localhost:25\"\n", nil, "[mail] from"},
		"more than all free":     {"[keep]\nfree = \"100%\"\n", nil, "no percentage from 0% to below 100%"},
		"memcached's address":    {"[memcached]\naddress = \"cache\"\n", nil, "[memcached] address = \"cache\": give the path"},
		"negative limit":         {"[queue.a]\nlimit = -1\n", nil, "cannot be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(Input{Path: write(t, c.file), Explicit: true, Environ: c.environ})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Load(Input{Path: write(t, "[web]\nlistne = 1\n[spool]\ndri = 2\ndir = 2\n"), Explicit: true, Environ: []string{"CONVERTD_WEB_OPEN=maybe"}})
	for _, want := range []string{":2: unknown setting web.listne", ":4: unknown setting spool.dri", ":5: spool.dir takes a text", "CONVERTD_WEB_OPEN"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestMissingFileMattersOnlyWhenNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.toml")
	if _, err := Load(Input{Path: path}); err != nil {
		t.Error(err)
	}
	if _, err := Load(Input{Path: path, Explicit: true}); err == nil {
		t.Error("no error for a file that was named and is not there")
	}
}

func TestExplainHidesTheToken(t *testing.T) {
	t.Parallel()
	got, err := Load(Input{Path: write(t, "[web]\nadmin_token = \"very-secret\"\n"), Explicit: true, Environ: []string{"CONVERTD_QUEUE_VIDEO_LIMIT=2"}})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	got.Explain(&b)
	if strings.Contains(b.String(), "very-secret") {
		t.Error("the token is printed")
	}
	for _, want := range []string{`web.admin_token              = "(set)"`, `keep.results                 = "7d"`, "queue.video.limit", "# default", "# CONVERTD_QUEUE_VIDEO_LIMIT"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
