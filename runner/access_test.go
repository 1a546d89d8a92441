package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/sandbox"
)

// TestAccess shows files of the machine to a box: none without a line, those of a line with it.
func TestAccess(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, script string
		grant        func(box *runner.Box, dir string)
		class        fault.Class
		says         string
	}{
		{"nothing without a line", "cat DIR/file", nil, fault.ConverterFailed, "No such file"},
		{"a folder to read", "grep -q granted DIR/file && echo yes", func(b *runner.Box, dir string) { b.Read = []string{dir} }, fault.Succeeded, "yes"},
		{"a file to read", "grep -q granted DIR/file && echo yes", func(b *runner.Box, dir string) { b.Read = []string{dir + "/file"} }, fault.Succeeded, "yes"},
		{"a link to read", "grep -q granted DIR/link && echo yes", func(b *runner.Box, dir string) { b.Read = []string{dir + "/link"} }, fault.Succeeded, "yes"},
		{"not to write what is to be read", "echo x > DIR/file", func(b *runner.Box, dir string) { b.Read = []string{dir} }, fault.ConverterFailed, "Read-only file system"},
		{"a folder to write", "echo x > DIR/new && echo yes", func(b *runner.Box, dir string) { b.Write = []string{dir} }, fault.Succeeded, "yes"},
		{"what is not there", "true", func(b *runner.Box, dir string) { b.Read = []string{dir + "/none"} }, fault.InternalError, "/none"},
		{"what holds other jobs", "true", func(b *runner.Box, _ string) { b.Read = []string{"/tmp"} }, fault.InternalError, "holds the files of jobs"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := grantable(t)
			tr := newTrial(t, sh(strings.ReplaceAll(row.script, "DIR", dir)+` && echo a > "$CONVERTD_OUTPUT/a.txt"`))
			if row.grant != nil {
				row.grant(&tr.spec.Box, dir)
			}
			o := tr.run()
			if o.Class != row.class || !strings.Contains(tr.log()+o.Detail, row.says) {
				t.Errorf("outcome is %s %q, want %s with %q\n%s", o.Class, o.Detail, row.class, row.says, tr.log())
			}
		})
	}
}

// grantable is a folder outside of the spool, open to all, with a file and a link to it.
func grantable(t *testing.T) string {
	dir, err := os.MkdirTemp("/var/tmp", "convertd-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o777))
	must(t, os.WriteFile(filepath.Join(dir, "file"), []byte("granted\n"), 0o644))
	must(t, os.Symlink("file", filepath.Join(dir, "link")))
	return dir
}

func TestInputThatIsALink(t *testing.T) {
	t.Parallel()
	dir := grantable(t)
	tr := newTrial(t, sh(`grep -q granted "$CONVERTD_INPUT" && echo a > "$CONVERTD_OUTPUT/a.txt"`))
	tr.spec.Box.UID, tr.spec.Box.GID = 0, 0 // only conversions here and now have such inputs
	tr.input("1.txt", "mine.txt", "x")
	link := filepath.Join(tr.job.In(), "1.txt")
	must(t, os.Remove(link))
	must(t, os.Symlink(filepath.Join(dir, "link"), link))
	if o := tr.run(); o.Class != fault.Succeeded {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
}

func TestBoxWithoutAPart(t *testing.T) {
	t.Parallel()
	for _, part := range sandbox.Parts() {
		t.Run(string(part), func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, sh(`grep -q x "$CONVERTD_INPUT" && ls /proc/self/fd && echo a > "$CONVERTD_OUTPUT/a.txt"`))
			if part == sandbox.Proc {
				tr.spec.Steps = []runner.Step{sh(`grep -q x "$CONVERTD_INPUT" && echo a > "$CONVERTD_OUTPUT/a.txt"`)}
			}
			tr.input("1.txt", "mine.txt", "x")
			tr.spec.Box.Lacks = sandbox.Lacks{{Part: part, Why: "for a test"}}
			if o := tr.run(); o.Class != fault.Succeeded || !strings.Contains(tr.log(), "without "+string(part)) {
				t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
			}
		})
	}
}

func TestLandlockAloneHidesFiles(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`cat /etc/passwd; echo $?; ls /root /var /home; cat `+filepath.Join(grantable(t), "file")+`; echo a > "$CONVERTD_OUTPUT/a.txt"`))
	tr.spec.Box.Lacks = sandbox.Lacks{{Part: sandbox.Namespaces, Why: "for a test"}}
	if o := tr.run(); o.Class != fault.Succeeded || strings.Contains(tr.log(), "root:") || strings.Contains(tr.log(), " out granted") {
		t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
}

// TestRequire asks for a whole box where namespaces are used up.
func TestRequire(t *testing.T) {
	t.Parallel()
	for _, require := range []bool{true, false} {
		tr := newTrial(t, sh(`echo a > "$CONVERTD_OUTPUT/a.txt"`))
		tr.spec.Box.Require = require
		tr.spec.Box.Lacks = sandbox.Lacks{{Part: sandbox.Network, Why: "for a test"}}
		o := tr.run()
		want := fault.Succeeded
		if require {
			want = fault.InternalError
		}
		if o.Class != want {
			t.Errorf("with require = %v the outcome is %s %q", require, o.Class, o.Detail)
		}
	}
}

// TestTwoJobsWithOneFile lets two jobs have the same file as input, as a retry and its
// original do, or two jobs that take the output of a third: the one that begins later must
// not take it from the other.
func TestTwoJobsWithOneFile(t *testing.T) {
	t.Parallel()
	first := newTrial(t, sh(`echo ready > ready; while [ ! -e go ]; do sleep 0.02; done; cp "$CONVERTD_INPUT" "$CONVERTD_OUTPUT/a.txt"`))
	second := newTrial(t, sh(`cp "$CONVERTD_INPUT" "$CONVERTD_OUTPUT/a.txt"`))
	first.input("1.txt", "mine.txt", "x")
	second.input("1.txt", "mine.txt", "y")
	shared := filepath.Join(second.job.In(), "1.txt")
	must(t, os.Remove(shared))
	must(t, os.Link(filepath.Join(first.job.In(), "1.txt"), shared))
	first.start()
	first.waitFor("ready")
	if o := second.run(); o.Class != fault.Succeeded {
		t.Errorf("the second is %s %q\n%s", o.Class, o.Detail, second.log())
	}
	must(t, os.WriteFile(filepath.Join(first.job.Work(1), "run", "go"), nil, 0o644))
	if o := first.wait(); o.Class != fault.Succeeded {
		t.Errorf("the first is %s %q\n%s", o.Class, o.Detail, first.log())
	}
}
