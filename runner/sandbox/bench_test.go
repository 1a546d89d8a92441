package sandbox_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkBox compares the box with that of bubblewrap, which has namespaces and a root but
// no Landlock, no filter and no user of its own: turn about in one run, because only the
// ratio says anything. Both are started by a program that is running already; the time to
// start that is measured by an examination without a box and taken off.
func BenchmarkBox(b *testing.B) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		b.Fatal("install bubblewrap to compare with it: ", err)
	}
	runner := filepath.Join(b.TempDir(), "convertd-runner")
	build := exec.Command("go", "build", "-o", runner, "convertd/cmd/convertd-runner")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	var startTime, boxTime, otherTime, plainTime time.Duration
	for b.Loop() {
		startTime += timed(b, 1, runner, "examine-box", "no number")
		boxTime += timed(b, 0, runner, "examine-box", "64000")
		plainTime += timed(b, 0, "/bin/true")
		otherTime += timed(b, 0, bwrap, "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib",
			"--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev", "/dev",
			"--tmpfs", "/tmp", "/bin/true")
	}
	box := boxTime - startTime
	b.ReportMetric(float64(box)/float64(b.N), "box-ns")
	b.ReportMetric(float64(otherTime)/float64(b.N), "bwrap-ns")
	b.ReportMetric(float64(plainTime)/float64(b.N), "plain-ns")
	b.ReportMetric(float64(box)/float64(otherTime), "box/bwrap")
}

// timed runs a program that must exit with a status and returns how long that took.
func timed(b *testing.B, status int, argv ...string) time.Duration {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = []string{"GOMAXPROCS=1"}
	started := time.Now()
	_ = cmd.Run() // the status is looked at below
	took := time.Since(started)
	if cmd.ProcessState.ExitCode() != status {
		b.Errorf("%s ended with %v", argv[0], cmd.ProcessState)
	}
	return took
}
