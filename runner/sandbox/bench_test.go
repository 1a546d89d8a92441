package sandbox

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"
)

// BenchmarkBox compares a program in the box with the same program in that of bubblewrap,
// which has namespaces and a root but no Landlock, no filter and no user of its own. Both
// are started and awaited by this program, turn about in one run, because only the ratio of
// the medians says anything.
func BenchmarkBox(b *testing.B) {
	if _, err := exec.LookPath("bwrap"); err != nil {
		b.Fatal("install bubblewrap to compare with it: ", err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as convertd-runner has
	var box, other, plain []time.Duration
	for b.Loop() {
		box = append(box, boxed(b))
		other = append(other, timed(b, "bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib",
			"--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev", "/dev",
			"--tmpfs", "/tmp", "/bin/true"))
		plain = append(plain, timed(b, "/bin/true"))
	}
	b.ReportMetric(median(box)/median(other), "box/bwrap")
	b.ReportMetric(median(box)*1e9, "box-ns")
	b.ReportMetric(median(other)*1e9, "bwrap-ns")
	b.ReportMetric(median(plain)*1e9, "plain-ns")
}

// boxed runs true(1) in a whole box.
func boxed(b *testing.B) time.Duration {
	base, err := os.MkdirTemp("", "bench")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(base)
	c := Confinement{Base: base, Home: "/tmp", Require: true}
	if os.Geteuid() == 0 {
		c.UID, c.GID = 64000, 64000
	}
	started := time.Now()
	p, err := c.Start(Command{Argv: []string{"/bin/true"}, Dir: "/"})
	if err != nil {
		b.Fatal(err)
	}
	end := <-p.Reap()
	p.KillAll(time.Second)
	took := time.Since(started)
	p.Close()
	if end.Code != 0 {
		b.Errorf("true in the box ended with %+v", end)
	}
	return took
}

// timed runs a program that must succeed and returns how long that took.
func timed(b *testing.B, argv ...string) time.Duration {
	started := time.Now()
	if err := exec.Command(argv[0], argv[1:]...).Run(); err != nil {
		b.Errorf("%s: %v", argv[0], err)
	}
	return time.Since(started)
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	return times[len(times)/2].Seconds()
}
