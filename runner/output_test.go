package runner_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
)

func TestOnlyHonestFilesAreCollected(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, bad("traps", filepath.Join("..", "..", "in", "1.txt")))
	tr.input("1.txt", "mine.txt", "secret\n")
	o := tr.run()
	if o.Class != fault.Succeeded {
		t.Fatalf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
	}
	got := map[string]string{}
	for _, file := range o.Outputs {
		got[file.Name] = contents(t, filepath.Join(tr.job.Out(1), file.File))
	}
	want := map[string]string{
		"good (2).txt": "good\n", "good.txt": "deep\n", "badname.txt": "newline\n",
		"\uFFFD.txt": "not UTF-8\n", "usertxt.exe.txt": "turned\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	for _, name := range []string{
		"link.txt: it is a symbolic link", "linked.txt: it is a symbolic link", "folder: it is a symbolic link",
		"twice.txt: it has more than one name", "again.txt: it has more than one name",
		"pipe.txt: it is not a regular file", "socket.txt: it is not a regular file",
	} {
		if !slices.Contains(o.Ignored, name) {
			t.Errorf("%q is missing in %q", name, o.Ignored)
		}
	}
	left, err := os.ReadDir(tr.job.Out(1))
	must(t, err)
	if len(left) != len(want) {
		t.Errorf("%d files were taken, %d are named", len(left), len(want))
	}
	for _, entry := range left {
		info, err := entry.Info()
		must(t, err)
		if info.Mode() != 0o640 {
			t.Errorf("%s has mode %v", entry.Name(), info.Mode())
		}
	}
}

func TestUndeclaredFilesAreIgnored(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`cd "$CONVERTD_OUTPUT"; echo a > stem.csv; echo b > debug.log; mkdir sub; echo c > sub/stem.csv`))
	tr.input("1.bin", "Ünïcode name.tar.gz", "x")
	tr.spec.Stem = "Ünïcode name.tar"
	tr.spec.Outputs = []recipe.Output{{Match: "*.csv", Min: 1}}
	o := tr.run()
	if len(o.Outputs) != 1 || o.Outputs[0].Name != "Ünïcode name.tar.csv" || o.Outputs[0].MediaType != "text/csv" || o.Outputs[0].Size != 2 {
		t.Errorf("outputs are %+v", o.Outputs)
	}
	want := []string{"debug.log: the recipe does not declare it", "sub/stem.csv: the recipe does not declare it"}
	if diff := cmp.Diff(want, o.Ignored); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
}

func TestOutputCounts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		script   string
		output   recipe.Output
		class    fault.Class
		contains string
	}{
		{"too few", "echo 1 > 1.txt", recipe.Output{Match: "*.txt", Min: 2}, fault.ConverterFailed, "at least 2"},
		{"enough", "echo 1 > 1.txt; echo 2 > 2.txt", recipe.Output{Match: "*.txt", Min: 2}, fault.Succeeded, ""},
		{"too many", "echo 1 > 1.txt; echo 2 > 2.txt", recipe.Output{Match: "*.txt", Min: 1, Max: 1}, fault.ConverterFailed, "at most 1"},
		{"none needed", "true", recipe.Output{Match: "*.txt"}, fault.Succeeded, ""},
		{"of a declared type", "echo 1 > 1.dat", recipe.Output{Match: "*.dat", Min: 1, Type: "image/png"}, fault.ConverterFailed, "image/png"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, sh(`cd "$CONVERTD_OUTPUT"; `+row.script))
			tr.spec.Outputs = []recipe.Output{row.output}
			if o := tr.run(); o.Class != row.class || !strings.Contains(o.Detail, row.contains) {
				t.Errorf("outcome is %s %q", o.Class, o.Detail)
			}
		})
	}
}

func TestPreviewsAreCollected(t *testing.T) {
	t.Parallel()
	o := newTrial(t, sh(`cd "$CONVERTD_PREVIEW"; echo '<svg/>' > a.svg; echo no > b.png; echo text > c.txt; ln -s /etc/passwd d.svg`)).run()
	if len(o.Previews) != 1 || o.Previews[0].Name != "a.svg" || o.Previews[0].MediaType != "image/svg+xml" {
		t.Errorf("previews are %+v", o.Previews)
	}
	if len(o.Ignored) != 3 {
		t.Errorf("ignored are %q", o.Ignored)
	}
}

func TestInputWithoutAnyOutputFails(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("true"))
	tr.input("1.txt", "a.txt", "x")
	if o := tr.run(); o.Class != fault.ConverterFailed || !strings.Contains(o.Detail, "left no result") {
		t.Errorf("outcome is %s %q", o.Class, o.Detail)
	}
}

func TestAttack_D14_E07_the_log_is_bounded(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		argv []string
	}{
		{"a thousand megabytes without a line end", []string{"noise", "1024"}},
		{"lines", []string{"noise", "8", "lines"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, bad(row.argv...), sh("echo the very last line"))
			tr.spec.Limits.Log = 256 << 10
			o := tr.run()
			if o.Class != fault.Succeeded {
				t.Fatalf("outcome is %s %q", o.Class, o.Detail)
			}
			head := tr.log()
			if !strings.HasSuffix(head, " run The log is full here; its last part is kept apart.\n") {
				t.Errorf("log ends with %q", head[max(0, len(head)-100):])
			}
			tail := contents(t, tr.job.LogTail(1))
			if !strings.Contains(tail, " out the very last line\n") {
				t.Errorf("tail ends with %q", tail[max(0, len(tail)-100):])
			}
			if total := len(head) + len(tail); total > 256<<10+1024 {
				t.Errorf("log has %d bytes", total)
			}
			for _, line := range strings.Split(strings.TrimSpace(tail), "\n") {
				if len(line) < 25 || line[10] != 'T' {
					t.Fatalf("tail has a broken line %q", line[:min(len(line), 80)])
				}
			}
			if peak := childPeak(tr); peak > 64<<20 {
				t.Errorf("the child took %d bytes of memory", peak)
			}
		})
	}
}

// childPeak is the largest resident size of the child.
func childPeak(tr *trial) int64 {
	return tr.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
}

func TestLogShowsLinesAsATerminalWould(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`printf '\r10%%\r20%%\r100%%\ndone\n'; printf 'col\033[31mour\033[0m\033]0;title\007ed\n'; printf 'no end' >&2`))
	tr.run()
	var got []string
	for _, line := range strings.Split(tr.log(), "\n") {
		if len(line) > 25 && !strings.Contains(line, " run ") {
			got = append(got, line[25:])
		}
	}
	slices.Sort(got) // the streams are read independently
	if diff := cmp.Diff([]string{"err no end", "out 100%", "out coloured", "out done"}, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestShownNamesAreBounded(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`echo a > "$CONVERTD_OUTPUT/stem.txt"`))
	tr.input("1.txt", strings.Repeat("é", 150)+".txt", "x")
	o := tr.run()
	if len(o.Outputs) != 1 {
		t.Fatalf("outcome is %+v", o)
	}
	if name := o.Outputs[0].Name; len(name) > 200 || !strings.HasSuffix(name, "é.txt") {
		t.Errorf("output is shown as %q (%d bytes)", name, len(name))
	}
}

func TestManyOutputsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`cd "$CONVERTD_OUTPUT"; for i in 3 1 2; do echo $i > stem_$i.txt; done`))
	o := tr.run()
	for i, file := range o.Outputs {
		n := strconv.Itoa(i + 1)
		if file.File != n || contents(t, filepath.Join(tr.job.Out(1), n)) != n+"\n" {
			t.Errorf("output %s is %s", n, file.Name)
		}
	}
	if len(o.Outputs) != 3 {
		t.Errorf("outputs are %+v", o.Outputs)
	}
}

func TestNewSpecFillsEverythingOnce(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	r := recipe.Recipe{
		Name: "r", Version: "v", Limits: recipe.Limits{Memory: 5},
		Params: []recipe.Param{{Name: "q", Type: recipe.String}, {Name: "on", Type: recipe.Boolean}},
		Steps: []recipe.Step{
			{Command: []string{"tool", "{param.q}", "{input}", "{output}/{stem}.x"}, Probe: []string{"probe", "{input}"}, Env: map[string]string{"Q": "{param.q}"}},
			{Command: []string{"never"}, When: "param.on = true"},
			{Builtin: "tracks"},
		},
	}
	spec, err := runner.NewSpec(r, runner.Request{
		Job: "ID", Attempt: 3, Token: "t", Dir: tr.job,
		Inputs: []runner.Input{{File: "1.mov", Name: "My.Film.mov"}},
		Values: recipe.Values{"q": {"{input}"}},
	})
	must(t, err)
	in, out := filepath.Join(tr.job.In(), "1.mov"), filepath.Join(tr.job.Work(3), "out")
	if diff := cmp.Diff([]string{"tool", "{input}", in, out + "/stem.x"}, spec.Steps[0].Argv); diff != "" {
		t.Errorf("argv (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"probe", in}, spec.Steps[0].ProbeArgv); diff != "" {
		t.Errorf("probe (-want +got):\n%s", diff)
	}
	if spec.Steps[0].Env["Q"] != "{input}" || len(spec.Steps) != 2 || spec.Stem != "My.Film" {
		t.Errorf("spec is %+v", spec)
	}
	if argv := spec.Steps[1].Argv; argv[0] != "/proc/self/exe" || argv[2] != "tracks" || !strings.Contains(argv[3], `"shown":"My.Film.mov"`) {
		t.Errorf("built-in step is %q", argv)
	}
	if spec.Limits.Memory != 5 || spec.Limits.Time != recipe.DefaultLimits().Time {
		t.Errorf("limits are %+v", spec.Limits)
	}
}

func TestLastWordsAreReadHoweverBusyTheReaderIs(t *testing.T) {
	t.Parallel()
	// Patterns that take long make the reader fall behind by more than its patience.
	slow := step(sh(`head -c 60000 /dev/zero | tr '\0' a | fold -w 2000; echo; echo last words; exit 1`),
		func(s *recipe.Step) { s.FailIf = []string{"(?:a?){400}b"} })
	o := newTrial(t, slow).run()
	if n := len(o.LogTail); n == 0 || o.LogTail[n-1] != "last words" {
		t.Errorf("the last words are missing in %d lines", n)
	}
}
