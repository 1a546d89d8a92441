package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list -json` tells of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Imports      []string
	TestImports  []string
	XTestImports []string
	GoFiles      []string
}

func goList(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// within reports whether path is house or beneath it.
func within(path string, houses ...string) bool {
	return slices.ContainsFunc(houses, func(house string) bool {
		return path == house || strings.HasPrefix(path, house+"/")
	})
}

// rule is one rule of the floor plan about imports: an arrow that applies to both and
// that only the named packages may draw.
type rule struct {
	says string
	// forbidden reports whether the arrow breaks the rule.
	forbidden func(from, to string) bool
}

func isOurs(path string) bool { return within(path, "convertd") }

func onlyFrom(to string, allowed ...string) func(from, imported string) bool {
	return func(from, imported string) bool { return within(imported, to) && !within(from, allowed...) }
}

func rules() []rule {
	return []rule{
		{"runner is the ground floor: it imports nothing of ours outside runner", func(from, to string) bool {
			return within(from, "convertd/runner") && isOurs(to) && !within(to, "convertd/runner")
		}},
		{"sql imports only sql and runner/fault", func(from, to string) bool {
			return within(from, "convertd/sql") && isOurs(to) && !within(to, "convertd/sql", "convertd/runner/fault")
		}},
		{"webui/client imports only runner/fault", func(from, to string) bool {
			return within(from, "convertd/webui/client") && isOurs(to) && !within(to, "convertd/runner/fault", "convertd/webui/client")
		}},
		{"webui and dispatcher never import each other: a row goes between them", func(from, to string) bool {
			return within(from, "convertd/webui") && within(to, "convertd/dispatcher") ||
				within(from, "convertd/dispatcher") && within(to, "convertd/webui")
		}},
		{"systemd, dispatcher/cgroup, runner/sandbox, runner/service/guard and webui/page import nothing of ours", func(from, to string) bool {
			return within(from, "convertd/systemd", "convertd/dispatcher/cgroup", "convertd/runner/sandbox", "convertd/runner/service/guard", "convertd/webui/page") &&
				isOurs(to) && to != from
		}},
		{"the judge of a disturbed service imports nothing of ours", func(from, to string) bool {
			return within(from, "convertd/cmd/convertd/chaos/verdict") && isOurs(to) && to != from
		}},
		{"lib/pq only under sql", onlyFrom("github.com/lib/pq", "convertd/sql")},
		{"sqlx only under sql", onlyFrom("github.com/jmoiron/sqlx", "convertd/sql")},
		{"goose only under sql", onlyFrom("github.com/pressly/goose/v3", "convertd/sql")},
		{"httprouter only in webui", func(from, to string) bool {
			return within(to, "github.com/julienschmidt/httprouter") && from != "convertd/webui"
		}},
		{"gomemcache only in runner/progress/store", onlyFrom("github.com/bradfitz/gomemcache", "convertd/runner/progress/store")},
		{"the Prometheus client only in dispatcher/metrics", onlyFrom("github.com/prometheus", "convertd/dispatcher/metrics")},
		{"go-systemd only in systemd", onlyFrom("github.com/coreos/go-systemd/v22", "convertd/systemd")},
		{"os/exec only in runner, dispatcher, sql/private and cmd", func(from, to string) bool {
			return to == "os/exec" && !within(from, "convertd/runner", "convertd/dispatcher", "convertd/sql/private", "convertd/cmd")
		}},
		{"archives are opened in boxes only, by what recipes run: webui writes them", onlyFrom("archive", "convertd/webui")},
		{"only cmd reads flags", func(from, to string) bool {
			return within(to, "flag", "github.com/alecthomas/kong") && !within(from, "convertd/cmd")
		}},
	}
}

func TestArrowsFollowTheFloorPlan(t *testing.T) {
	t.Parallel()
	pkgs := goList(t, "./...")
	if len(pkgs) < 10 {
		t.Fatalf("go list found %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		for _, to := range p.Imports {
			for _, r := range rules() {
				if r.forbidden(p.ImportPath, to) {
					t.Errorf("%s imports %s: %s", p.ImportPath, to, r.says)
				}
			}
		}
	}
}

// A rule that forbids nothing would pass for ever.
func TestEveryRuleForbidsSomething(t *testing.T) {
	t.Parallel()
	arrows := [][2]string{
		{"convertd/runner/spool", "convertd/sql/job"}, {"convertd/sql/job", "convertd/runner/recipe"},
		{"convertd/webui/client", "convertd/runner/recipe"}, {"convertd/webui", "convertd/dispatcher"},
		{"convertd/runner/sandbox", "convertd/runner/fault"}, {"convertd/cmd/convertd/chaos/verdict", "convertd/runner/fault"},
		{"convertd/webui", "github.com/lib/pq"},
		{"convertd/dispatcher", "github.com/jmoiron/sqlx"}, {"convertd/cmd/convertd", "github.com/pressly/goose/v3"},
		{"convertd/webui/tus", "github.com/julienschmidt/httprouter"}, {"convertd/webui", "github.com/bradfitz/gomemcache/memcache"},
		{"convertd/webui", "github.com/prometheus/client_golang/prometheus"}, {"convertd/cmd/convertd", "github.com/coreos/go-systemd/v22/daemon"}, {"convertd/webui", "os/exec"}, {"convertd/dispatcher", "archive/tar"}, {"convertd/dispatcher", "flag"},
	}
	all := rules()
	if len(arrows) != len(all) {
		t.Fatalf("%d example arrows for %d rules", len(arrows), len(all))
	}
	for i, r := range all {
		if !r.forbidden(arrows[i][0], arrows[i][1]) {
			t.Errorf("%s -> %s is not forbidden by %q", arrows[i][0], arrows[i][1], r.says)
		}
	}
}

// What the child links is the start-up price of every job.
func TestChildLinksNothingHeavy(t *testing.T) {
	t.Parallel()
	links(t, "convertd-runner", append(heavy(), "net", "net/http", "crypto/tls"))
}

// What convertd-net links is the start-up price of every job that speaks over the
// network, and it is what a hostile server talks to.
func TestNetLinksNothingHeavy(t *testing.T) {
	t.Parallel()
	links(t, "convertd-net", append(heavy(), "convertd/runner/track", "convertd/runner/sandbox"))
}

func heavy() []string {
	return []string{
		"database/sql", "html/template", "text/template",
		"github.com/bradfitz/gomemcache", "github.com/gabriel-vasile/mimetype", "github.com/BurntSushi/toml",
		"github.com/lib/pq", "github.com/jmoiron/sqlx", "github.com/prometheus", "go.opentelemetry.io", "github.com/getsentry",
		"convertd/sql", "convertd/webui", "convertd/dispatcher", "convertd/runner/recipe/load", "convertd/runner/progress/store",
	}
}

func links(t *testing.T, program string, heavy []string) {
	t.Helper()
	for _, p := range goList(t, "-deps", "./cmd/"+program) {
		if slices.ContainsFunc(heavy, func(h string) bool {
			return p.ImportPath == h || strings.Contains(h, "/") && within(p.ImportPath, h)
		}) {
			t.Errorf("%s links %s", program, p.ImportPath)
		}
	}
}

// forbiddenCalls may stand only in cmd (systemd reads its own three variables).
func forbiddenCalls() map[string][]string {
	return map[string][]string{
		"os.Exit": {"convertd/cmd"}, "log.Fatal": {}, "log.Fatalf": {}, "log.Fatalln": {},
		"os.Getenv": {"convertd/cmd", "convertd/systemd"}, "os.LookupEnv": {"convertd/cmd", "convertd/systemd"},
		"os.Environ": {"convertd/cmd"},
	}
}

func TestOnlyCommandsReadTheEnvironmentAndExit(t *testing.T) {
	t.Parallel()
	for _, p := range goList(t, "./...") {
		for _, name := range p.GoFiles {
			for call, place := range calls(t, filepath.Join(p.Dir, name)) {
				allowed, watched := forbiddenCalls()[call]
				if watched && !within(p.ImportPath, allowed...) {
					t.Errorf("%s: %s is for cmd only", place, call)
				}
			}
			if declaresInit(t, filepath.Join(p.Dir, name)) {
				t.Errorf("%s/%s declares init(): registries are plain slices", p.ImportPath, name)
			}
		}
	}
}

// calls maps each package-qualified selector of a file ("os.Exit") to its place.
func calls(t *testing.T, path string) map[string]string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				found[x.Name+"."+sel.Sel.Name] = files.Position(sel.Pos()).String()
			}
		}
		return true
	})
	return found
}

func declaresInit(t *testing.T, path string) bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == "init"
	})
}

// topLevel is the floor plan's: nothing else may lie at the top of the repository.
func topLevel() []string {
	return []string{
		"cmd", "dispatcher", "runner", "webui", "sql", "systemd", "go.mod", "go.sum", "README.md",
		"Makefile", "LICENSE", "CHANGELOG.md",
	}
}

func TestTopLevelIsTheFloorPlans(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		built := e.Name() == "bin"
		if !strings.HasPrefix(e.Name(), ".") && !built && !slices.Contains(topLevel(), e.Name()) {
			t.Errorf("%s at the top level: the floor plan has no such room", e.Name())
		}
	}
}
