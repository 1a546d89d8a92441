//go:build recipes

package load_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
	"convertd/runner/spool"
)

// patience is how long one conversion of these tests may take on a busy machine.
const patience = 3 * time.Minute

// bench is what all tests of the real tools share: the real child program, the recipes,
// and what was seen, for the table at the end.
type bench struct {
	child string
	set   *recipe.Set
	boxes atomic.Int64

	mu   sync.Mutex
	seen map[string]*seen
}

// seen is one line of the table.
type seen struct {
	good, refused int
	percent       bool
}

// shared is set up by TestMain before any test runs.
var shared bench

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "recipes-test")
	if err == nil {
		err = shared.prepare(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare tests:", err)
		os.Exit(1)
	}
	code := m.Run()
	shared.print()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func (b *bench) prepare(dir string) error {
	b.child, b.seen = filepath.Join(dir, "convertd-runner"), map[string]*seen{}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", b.child, "../../../cmd/convertd-runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	var err error
	b.set, err = load.Load("")
	return err
}

// print writes the table: recipe, version of its first tool, percent, results.
func (b *bench) print() {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Printf("%-18s %-44s %-8s %5s %8s\n", "RECIPE", "TOOL", "PERCENT", "GOOD", "REFUSED")
	for _, r := range b.set.All() {
		s := b.seen[r.Name]
		if s == nil {
			s = &seen{}
		}
		percent := "null"
		if s.percent {
			percent = "real"
		}
		fmt.Printf("%-18s %-44s %-8s %5d %8d\n", r.Name, toolVersion(r), percent, s.good, s.refused)
	}
}

// toolVersion asks the recipe's main program for its first line about itself.
func toolVersion(r recipe.Recipe) string {
	var argv []string
	for _, s := range r.Steps {
		if s.Weight == 0 || s.Weight >= 1 {
			argv = s.Command
		}
	}
	if len(argv) == 0 {
		return "built in"
	}
	for _, option := range []string{"--version", "-version", "-v"} {
		out, err := exec.Command(argv[0], option).CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		line := lines[0]
		if filepath.Base(argv[0]) == "chromium" { // warnings of its starter come first
			line = lines[len(lines)-1]
		}
		if err == nil && line != "" {
			if len(line) > 32 {
				line = line[:32]
			}
			return filepath.Base(argv[0]) + " " + line
		}
	}
	return filepath.Base(argv[0])
}

// input is one file of a job: where it lies, and what its owner calls it.
type input struct{ path, name string }

// result is what one job came to.
type result struct {
	runner.Outcome
	recipe  string
	job     spool.Job
	percent []float64
}

// output returns the path of the only output.
func (r result) output(t *testing.T) string {
	t.Helper()
	if r.Class != fault.Succeeded || len(r.Outputs) != 1 {
		t.Fatalf("%s: %s: %s; outputs %+v; log:\n%s", r.recipe, r.Class, r.Detail, r.Outputs, strings.Join(r.LogTail, "\n"))
	}
	return filepath.Join(r.job.Out(1), r.Outputs[0].File)
}

// convert runs a job of a shipped recipe by the real child, with the real tools.
func convert(t *testing.T, name string, given map[string][]string, inputs ...input) result {
	t.Helper()
	r, ok := shared.set.Find(name)
	if !ok {
		t.Fatalf("no recipe %s", name)
	}
	if a := shared.set.Available(name); !a.OK() {
		t.Fatalf("%s needs %v: %s", name, a.Missing, a.Remedy)
	}
	return convertBy(t, r, given, inputs...)
}

func convertBy(t *testing.T, r recipe.Recipe, given map[string][]string, inputs ...input) result {
	t.Helper()
	values, err := r.CheckParams(given)
	must(t, err)
	job := newJob(t)
	request := runner.Request{
		Job: job.ID, Attempt: 1, Token: "token", Dir: job, Values: values,
		Status: runner.Sink{Kind: "lines", FD: 5},
	}
	if os.Geteuid() == 0 {
		uid := 64000 + int(shared.boxes.Add(1))
		request.Box = runner.Box{UID: uid, GID: uid}
	}
	must(t, os.Mkdir(job.In(), 0o755))
	for i, in := range inputs {
		file := fmt.Sprintf("%d%s", i+1, strings.ToLower(filepath.Ext(in.name)))
		content, err := os.ReadFile(in.path)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(job.In(), file), content, 0o644))
		request.Inputs = append(request.Inputs, runner.Input{File: file, Name: in.name})
	}
	spec, err := runner.NewSpec(r, request)
	must(t, err)
	res := execute(t, job, spec)
	res.recipe = r.Name
	shared.note(res)
	return res
}

func newJob(t *testing.T) spool.Job {
	t.Helper()
	id := "JOB" + strings.Repeat("A", 23)
	// As deep as in a spool: the paths of sockets hold no more than 107 bytes.
	job := spool.Job{Dir: filepath.Join(t.TempDir(), "var/lib/convertd/spool/JO", id), ID: id}
	must(t, os.MkdirAll(job.Dir, 0o755))
	for dir := job.Dir; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	return job
}

// execute starts the child, sends the Spec, reads its status to the end and its outcome.
func execute(t *testing.T, job spool.Job, spec runner.Spec) result {
	t.Helper()
	specReader, specWriter, err := os.Pipe()
	must(t, err)
	statusReader, statusWriter, err := os.Pipe()
	must(t, err)
	lock, err := os.Create(job.Lock(1))
	must(t, err)
	var words bytes.Buffer
	cmd := exec.Command(shared.child)
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.ExtraFiles = []*os.File{specReader, lock, statusWriter}
	cmd.Stderr = &words
	must(t, cmd.Start())
	for _, f := range cmd.ExtraFiles {
		must(t, f.Close())
	}
	// Asked to stop it ends its tools as well; killed it would leave them behind.
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer late.Stop()
	must(t, json.NewEncoder(specWriter).Encode(spec))
	res := result{job: job}
	for d := json.NewDecoder(statusReader); ; {
		var s progress.Status
		if err := d.Decode(&s); err != nil {
			break
		}
		if s.Percent != nil {
			res.percent = append(res.percent, *s.Percent)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("child: %v: %s", err, words.String())
	}
	must(t, specWriter.Close())
	must(t, statusReader.Close())
	text, err := os.ReadFile(job.Outcome(1))
	must(t, err)
	must(t, json.Unmarshal(text, &res.Outcome))
	return res
}

func (b *bench) note(r result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[r.recipe] == nil {
		b.seen[r.recipe] = &seen{}
	}
	s := b.seen[r.recipe]
	if r.Class == fault.Succeeded {
		s.good++
	} else {
		s.refused++
	}
	s.percent = s.percent || len(slices.Compact(slices.Clone(r.percent))) > 1
}

// rises checks that the bar was real: at least so many different values, never back,
// never over 99.
func (r result) rises(t *testing.T, least int) {
	t.Helper()
	different := slices.Compact(slices.Clone(r.percent))
	if len(different) < least || !slices.IsSorted(r.percent) || slices.Max(append(different, 0)) > 99 {
		t.Errorf("%s: percent went %v, want at least %d rising values up to 99", r.recipe, different, least)
	}
}

// fails checks that a job failed as the file's fault, in a sentence for its owner that
// does not name our folders or the tool.
func (r result) fails(t *testing.T, words string) {
	t.Helper()
	if r.Class != fault.BadInput || !strings.Contains(r.Detail, words) || !strings.HasSuffix(r.Detail, ".") {
		t.Errorf("%s: %s: %q, want bad_input with %q; log:\n%s", r.recipe, r.Class, r.Detail, words, strings.Join(r.LogTail, "\n"))
	}
	if strings.Contains(r.Detail+r.Hint, r.job.Dir) || len(r.Outputs) > 0 {
		t.Errorf("%s: %q names our folders, or there are outputs %+v", r.recipe, r.Detail, r.Outputs)
	}
	if left, err := os.ReadDir(r.job.Out(1)); err == nil && len(left) > 0 {
		t.Errorf("%s: a failed job left %v", r.recipe, left)
	}
}

// named checks the name that people see.
func (r result) named(t *testing.T, want string) {
	t.Helper()
	if len(r.Outputs) != 1 || r.Outputs[0].Name != want {
		t.Errorf("%s: outputs %+v, want one named %q", r.recipe, r.Outputs, want)
	}
}

// hostile is a name that would do harm to anything that put it on a command line.
const hostile = "-rf $(touch owned) `id`;'\"|&\n@list.."

// made runs a tool that makes a test input, and returns the file it made.
func made(t *testing.T, file string, argv ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	cmd := exec.Command(argv[0], append(argv[1:], path)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", cmd.Args, err, out)
	}
	return path
}

// written writes a test input.
func written(t *testing.T, file, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	must(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

// asked runs a tool that looks at a result, and returns what it said.
func asked(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", argv, err, out)
	}
	return string(out)
}

// half returns the first half of a file.
func half(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content[:len(content)/2])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
