package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/progress"
	"convertd/runner/recipe"
	"convertd/runner/spool"
)

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// binaries is where TestMain puts what the tests execute: the real convertd-runner, and
// a copy of the test program, which acts as a badly behaved tool (see tool_test.go) and
// must be readable for the users that steps run as.
var binaries string

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "tool" {
		os.Exit(actAsTool(os.Args[2], os.Args[3:]))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if binaries, err = os.MkdirTemp("", "runner-test"); err == nil {
		defer os.RemoveAll(binaries)
		err = makeBinaries()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare tests:", err)
		return 1
	}
	return m.Run()
}

// programsVariable names a folder with the programs that the tests execute, for a machine
// without a Go compiler; without it they are built.
const programsVariable = "CONVERTD_TEST_PROGRAMS"

func makeBinaries() error {
	if err := os.Chmod(binaries, 0o755); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", binaries, "../cmd/convertd-runner", "../cmd/convertd-net")
	if made := os.Getenv(programsVariable); made != "" {
		build = exec.Command("cp", filepath.Join(made, "convertd-runner"), filepath.Join(made, "convertd-net"), binaries)
	}
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(tool(), program, 0o755)
}

func child() string { return filepath.Join(binaries, "convertd-runner") }
func tool() string  { return filepath.Join(binaries, "tool") }

// boxes hands every job a user of its own, as a dispatcher does.
var boxes atomic.Int64

// trial is one attempt in a test.
type trial struct {
	t     *testing.T
	spec  runner.Spec
	job   spool.Job
	cmd   *exec.Cmd
	pipe  *os.File
	words bytes.Buffer
	// user is who the child runs as, nil for our own.
	user *syscall.Credential
	// outsider is a process that the box must not reach.
	outsider *os.Process
}

// newTrial makes a job's folder and the Spec of its first attempt.
func newTrial(t *testing.T, steps ...runner.Step) *trial {
	t.Helper()
	job := spool.Job{Dir: t.TempDir(), ID: "JOB" + strings.Repeat("A", 23)}
	for dir := job.Dir; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o755))
	}
	tr := &trial{t: t, job: job, spec: runner.Spec{
		Version: runner.SpecVersion, Job: job.ID, Attempt: 1, Token: "token", Recipe: "example",
		Dir: job.Dir, Steps: steps,
		Limits: recipe.Limits{Time: 2 * patience, Grace: 200 * time.Millisecond},
	}}
	if os.Geteuid() == 0 {
		uid := 64000 + int(boxes.Add(1))
		tr.spec.Box = runner.Box{UID: uid, GID: uid}
	}
	return tr
}

// input adds an input file.
func (tr *trial) input(file, name, content string) {
	tr.t.Helper()
	if err := os.Mkdir(tr.job.In(), 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		tr.t.Fatal(err)
	}
	must(tr.t, os.WriteFile(filepath.Join(tr.job.In(), file), []byte(content), 0o644))
	tr.spec.Inputs = append(tr.spec.Inputs, runner.Input{File: file, Name: name})
	if tr.spec.Stem == "" {
		tr.spec.Stem = strings.TrimSuffix(name, filepath.Ext(name))
	}
}

// launch starts the child without a Spec; more descriptors follow the lock.
func (tr *trial) launch(more ...*os.File) {
	tr.t.Helper()
	r, w, err := os.Pipe()
	must(tr.t, err)
	lock, err := os.Create(tr.job.Lock(1))
	must(tr.t, err)
	tr.cmd = exec.Command(child())
	tr.cmd.Env = []string{"GOMAXPROCS=1", "SECRET=from the dispatcher"}
	tr.cmd.ExtraFiles = append([]*os.File{r, lock}, more...)
	tr.cmd.Stderr = &tr.words
	tr.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: tr.user}
	must(tr.t, tr.cmd.Start())
	tr.pipe = w
	r.Close()
	lock.Close()
	tr.t.Cleanup(func() {
		w.Close()
		if tr.cmd.ProcessState == nil {
			_ = tr.cmd.Process.Kill()
			_ = tr.cmd.Wait()
		}
	})
}

// start starts the child and sends the Spec.
func (tr *trial) start(more ...*os.File) {
	tr.t.Helper()
	tr.launch(more...)
	must(tr.t, json.NewEncoder(tr.pipe).Encode(tr.spec))
}

// wait waits for the child and reads its outcome.
func (tr *trial) wait() runner.Outcome {
	tr.t.Helper()
	if code := tr.exit(); code != 0 {
		tr.t.Fatalf("child ended with %d: %s", code, tr.words.String())
	}
	var o runner.Outcome
	document, err := os.ReadFile(tr.job.Outcome(1))
	must(tr.t, err)
	must(tr.t, json.Unmarshal(document, &o))
	return o
}

// exit waits for the child and returns its exit status.
func (tr *trial) exit() int {
	tr.t.Helper()
	late := time.AfterFunc(patience, func() { _ = tr.cmd.Process.Kill() })
	defer late.Stop()
	var failed *exec.ExitError
	if err := tr.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		tr.t.Fatal(err)
	}
	return tr.cmd.ProcessState.ExitCode()
}

// run runs the attempt to its end.
func (tr *trial) run() runner.Outcome {
	tr.t.Helper()
	tr.start()
	return tr.wait()
}

// nothingLeft looks for processes of the attempt: the environment of each names its folder.
func (tr *trial) nothingLeft() {
	tr.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	must(tr.t, err)
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, []byte("CONVERTD_STATE="+tr.job.State())) {
			tr.t.Errorf("%s is of a process that survived", path)
		}
	}
}

// log returns the text of the log.
func (tr *trial) log() string {
	tr.t.Helper()
	text, err := os.ReadFile(tr.job.Log(1))
	must(tr.t, err)
	return string(text)
}

// waitFor waits until a file that a step writes in its work folder has content.
func (tr *trial) waitFor(name string) string {
	tr.t.Helper()
	path := filepath.Join(tr.job.Work(1), "run", name)
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if text, err := os.ReadFile(path); err == nil && strings.HasSuffix(string(text), "\n") {
			return strings.TrimSpace(string(text))
		}
		if time.Now().After(deadline) {
			break
		}
	}
	tr.t.Fatalf("step never wrote %s; log:\n%s", name, tr.log())
	return ""
}

// sh is a step of shell commands.
func sh(script string) runner.Step { return runner.Step{Argv: []string{"/bin/sh", "-c", script}} }

// bad is a step that behaves badly (tool_test.go).
func bad(argv ...string) runner.Step {
	return runner.Step{Argv: append([]string{tool(), "tool"}, argv...)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents reads a collected file.
func contents(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	must(t, err)
	return string(text)
}

// launchOn starts the child with the file as descriptor 3 and nothing else.
func (tr *trial) launchOn(spec *os.File) {
	tr.t.Helper()
	tr.cmd = exec.Command(child())
	tr.cmd.Env = []string{"GOMAXPROCS=1"}
	tr.cmd.ExtraFiles = []*os.File{spec}
	tr.cmd.Stderr = &tr.words
	must(tr.t, tr.cmd.Start())
	spec.Close()
}

// readStatus reads the documents that came by lines, to the end.
func readStatus(t *testing.T, from *os.File) []progress.Status {
	t.Helper()
	must(t, from.SetReadDeadline(time.Now().Add(patience)))
	text, err := io.ReadAll(from)
	must(t, err)
	from.Close()
	var all []progress.Status
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var s progress.Status
		must(t, json.Unmarshal(line, &s))
		all = append(all, s)
	}
	return all
}
