package runner_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/recipe"
	"convertd/runner/spool"
)

// BenchmarkStart compares the start of the child, which finds the end of descriptor 3
// and exits, with that of an empty Go program: turn about in one run, because only the
// ratio says anything.
func BenchmarkStart(b *testing.B) {
	empty := emptyProgram(b)
	null, err := os.Open(os.DevNull)
	must(b, err)
	defer null.Close()
	var emptyTime, childTime time.Duration
	for b.Loop() {
		emptyTime += startAndWait(b, empty, null)
		childTime += startAndWait(b, child(), null)
	}
	report(b, "empty-ns", emptyTime)
	report(b, "child-ns", childTime)
	b.ReportMetric(float64(childTime)/float64(emptyTime), "child/empty")
}

// BenchmarkNoopJobs runs attempts of one step that does nothing, two at a time, and as
// many bare starts of the child and of what the step starts.
func BenchmarkNoopJobs(b *testing.B) {
	null, err := os.Open(os.DevNull)
	must(b, err)
	defer null.Close()
	spec := noopSpec(b)
	var childTime, stepTime, jobTime time.Duration
	n := 0
	for b.Loop() {
		n++
		childTime += twice(func(int) { startAndWait(b, child(), null) })
		stepTime += twice(func(int) { startAndWait(b, "/bin/true", null) })
		jobTime += twice(func(lane int) { noop(b, spec, 2*n+lane) })
	}
	report(b, "raw-child-ns", childTime)
	report(b, "raw-step-ns", stepTime)
	report(b, "attempt-ns", jobTime)
	b.ReportMetric(float64(jobTime)/float64(childTime+stepTime), "attempt/(child+step)")
}

// BenchmarkHosts compares attempts of a step that does nothing with and without a proxy
// beside it, turn about in one run.
func BenchmarkHosts(b *testing.B) {
	alone := noopSpec(b)
	proxied := alone
	proxied.Dir = b.TempDir()
	proxied.Box.Hosts = []string{"render.example.org"}
	var aloneTime, proxiedTime time.Duration
	n := 0
	for b.Loop() {
		n++
		aloneTime += timed(func() { noop(b, alone, n) })
		proxiedTime += timed(func() { noop(b, proxied, n) })
	}
	report(b, "alone-ns", aloneTime)
	report(b, "hosts-ns", proxiedTime)
	b.ReportMetric(float64(proxiedTime)/float64(aloneTime), "hosts/alone")
}

func timed(run func()) time.Duration {
	started := time.Now()
	run()
	return time.Since(started)
}

func report(b *testing.B, unit string, sum time.Duration) {
	b.ReportMetric(float64(sum)/float64(b.N), unit)
}

// twice runs two at a time and returns how long both took.
func twice(run func(lane int)) time.Duration {
	started := time.Now()
	var both sync.WaitGroup
	for lane := range 2 {
		both.Go(func() { run(lane) })
	}
	both.Wait()
	return time.Since(started)
}

func startAndWait(b *testing.B, path string, null *os.File) time.Duration {
	started := time.Now()
	p, err := os.StartProcess(path, []string{path}, &os.ProcAttr{
		Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, null, null},
	})
	if err == nil {
		_, err = p.Wait()
	}
	if err != nil {
		b.Error(err)
	}
	return time.Since(started)
}

// noopSpec is an attempt whose only step is true(1).
func noopSpec(b *testing.B) runner.Spec {
	return runner.Spec{
		Version: runner.SpecVersion, Job: "BENCH", Token: "token", Recipe: "noop",
		Dir: b.TempDir(), Steps: []runner.Step{{Argv: []string{"/bin/true"}}},
		Limits: recipe.DefaultLimits(),
	}
}

// noop runs one attempt as a dispatcher would: Spec by a pipe, outcome from its file.
func noop(b *testing.B, spec runner.Spec, attempt int) {
	spec.Attempt = attempt
	spec.Dir = filepath.Join(spec.Dir, strconv.Itoa(attempt))
	err := os.Mkdir(spec.Dir, 0o711)
	if err == nil {
		err = attemptOnce(spec)
	}
	if err == nil {
		_, err = os.Stat(spool.Job{Dir: spec.Dir, ID: spec.Job}.Outcome(attempt))
	}
	if err != nil {
		b.Error(err)
	}
}

func attemptOnce(spec runner.Spec) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer w.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	p, err := os.StartProcess(child(), []string{child()}, &os.ProcAttr{
		Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, null, r},
	})
	r.Close()
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(spec); err != nil {
		return err
	}
	_, err = p.Wait()
	return err
}

// emptyProgram builds a Go program that does nothing.
func emptyProgram(b *testing.B) string {
	dir := b.TempDir()
	source := filepath.Join(dir, "main.go")
	must(b, os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644))
	program := filepath.Join(dir, "empty")
	build := exec.Command("go", "build", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return program
}
