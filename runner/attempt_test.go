package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// with changes the Spec of a trial.
type with func(*runner.Spec)

func outputs(match string) with {
	return func(s *runner.Spec) { s.Outputs = []recipe.Output{{Match: match, Min: 1}} }
}

func limits(change func(*recipe.Limits)) with {
	return func(s *runner.Spec) { change(&s.Limits) }
}

// step changes the declaration of a step.
func step(s runner.Step, change func(*recipe.Step)) runner.Step {
	change(&s.Step)
	return s
}

func TestOutcomeClasses(t *testing.T) {
	t.Parallel()
	good := `echo text > "$CONVERTD_OUTPUT/stem.txt"`
	for _, row := range []struct {
		name   string
		step   runner.Step
		with   []with
		class  fault.Class
		detail string
	}{
		{"a good step succeeds", sh(good), []with{outputs("*.txt")}, fault.Succeeded, ""},
		{"exit status 1 fails", sh(good + "; exit 1"), nil, fault.ConverterFailed, "exit status 1"},
		{"exit status 255 fails", sh(good + "; exit 255"), nil, fault.ConverterFailed, "exit status 255"},
		{"exit status 65 is bad input", sh("exit 65"), nil, fault.BadInput, "could not read it"},
		{"a declared exit status is good", step(sh(good+"; exit 3"), func(s *recipe.Step) { s.OKExit = []int{0, 3} }), nil, fault.Succeeded, ""},
		{"exit 0 without output fails", sh("true"), []with{outputs("*.pdf")}, fault.ConverterFailed, "left no *.pdf"},
		{"exit 0 with an empty output fails", sh(`: > "$CONVERTD_OUTPUT/a.pdf"`), []with{outputs("*.pdf")}, fault.ConverterFailed, "empty file"},
		{"exit 0 with other content fails", sh(`echo hello > "$CONVERTD_OUTPUT/a.pdf"`), []with{outputs("*.pdf")}, fault.ConverterFailed, "not of the type application/pdf"},
		{"exit 0 with too many outputs fails", sh(`for i in 1 2 3; do echo a > "$CONVERTD_OUTPUT/$i.txt"; done`), []with{limits(func(l *recipe.Limits) { l.Outputs = 2 })}, fault.ConverterFailed, "more than 2 files"},
		{"words of failure count more than exit 0", step(sh(good+"; echo Error: no filter >&2"), func(s *recipe.Step) { s.FailIf = []string{"^Error:"} }), nil, fault.ConverterFailed, "Error: no filter"},
		{"words of bad input", step(sh("echo not a zip; exit 2"), func(s *recipe.Step) { s.BadInputIf = []string{"not a zip"} }), nil, fault.BadInput, "could not read it"},
		{"a crash is the converter's failure", sh("kill -SEGV $$"), nil, fault.ConverterFailed, "crashed (SIGSEGV)"},
		{"a kill from outside", sh("kill -KILL $$"), nil, fault.Killed, "SIGKILL"},
		{"a file over the limit", sh(`exec head -c 3000000 /dev/zero > "$CONVERTD_OUTPUT/big"`), []with{limits(func(l *recipe.Limits) { l.Disk = 1 << 20 })}, fault.Disk, "1 MiB"},
		{"many files over the limit together", bad("grow", "8"), []with{limits(func(l *recipe.Limits) { l.Disk = 4 << 20 })}, fault.Disk, "4 MiB"},
		{"too many files", bad("files", "12000"), []with{limits(func(l *recipe.Limits) { l.Disk = 40 << 20 })}, fault.Disk, "files"},
		{"too much memory", bad("memory", "300"), []with{limits(func(l *recipe.Limits) { l.Memory = 100 << 20 })}, fault.Memory, "of 100 MiB"},
		{"too long", sh("sleep 60"), []with{limits(func(l *recipe.Limits) { l.Time = 100 * time.Millisecond })}, fault.Timeout, "100ms"},
		{"too long although it ends well when asked", sh(good + "; trap 'exit 0' TERM; while :; do sleep 0.01; done"), []with{limits(func(l *recipe.Limits) { l.Time = 100 * time.Millisecond })}, fault.Timeout, "100ms"},
		{"too long and deaf", sh("trap '' TERM; while :; do sleep 0.01; done"), []with{limits(func(l *recipe.Limits) { l.Time = 100 * time.Millisecond })}, fault.Timeout, "100ms"},
		{"exit 75 that nobody asked for", sh("exit 75"), nil, fault.ConverterFailed, "exit status 75"},
		{"a program that is not there", runner.Step{Argv: []string{"no-such-program"}}, nil, fault.InternalError, "not installed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, row.step)
			for _, change := range row.with {
				change(&tr.spec)
			}
			o := tr.run()
			if o.Class != row.class || !strings.Contains(o.Detail, row.detail) || o.Requeue {
				t.Errorf("outcome is %s %q, requeue %v; want %s %q\n%s", o.Class, o.Detail, o.Requeue, row.class, row.detail, tr.log())
			}
			if o.Token != "token" || o.Job != tr.spec.Job || o.Attempt != 1 {
				t.Errorf("outcome is of %s %d %q", o.Job, o.Attempt, o.Token)
			}
		})
	}
}

func TestLimitErrorsNameWhereToRaiseThem(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("sleep 60"))
	tr.spec.Limits.Time = 50 * time.Millisecond
	if o := tr.run(); !strings.Contains(o.Hint, "limits.time in the recipe example") {
		t.Errorf("hint is %q", o.Hint)
	}
}

func TestMemoryPeakIsRecorded(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, bad("memory", "200"))
	tr.spec.Limits.Memory = 50 << 20
	if o := tr.run(); o.Usage.PeakMemoryBytes < 50<<20 {
		t.Errorf("peak is %d, the limit that was passed is %d", o.Usage.PeakMemoryBytes, 50<<20)
	}
}

func TestStops(t *testing.T) {
	t.Parallel()
	ready := "echo $$ > ready; "
	for _, row := range []struct {
		name    string
		script  string
		signal  syscall.Signal
		class   fault.Class
		requeue bool
	}{
		{"cancel ends", ready + "exec sleep 60", syscall.SIGTERM, fault.Cancelled, false},
		{"cancel ends the deaf", "trap '' TERM; " + ready + "while :; do sleep 0.01; done", syscall.SIGTERM, fault.Cancelled, false},
		{"cancel ends the stopped", ready + "kill -STOP $$; sleep 60", syscall.SIGTERM, fault.Cancelled, false},
		{"cancel of one that answers 75", "trap 'exit 75' TERM; " + ready + "while :; do sleep 0.01; done", syscall.SIGTERM, fault.Cancelled, false},
		{"a safe stop with exit 75", "trap 'exit 75' TERM; " + ready + "while :; do sleep 0.01; done", syscall.SIGUSR1, fault.Killed, true},
		{"a safe stop of one that must be killed", "trap '' TERM; " + ready + "while :; do sleep 0.01; done", syscall.SIGUSR1, fault.Killed, true},
		{"a safe stop of one that dies of it", ready + "exec sleep 60", syscall.SIGUSR1, fault.Killed, true},
		{"a safe stop of one that rather finishes", `trap 'echo a > "$CONVERTD_OUTPUT/a.txt"; exit 0' TERM; ` + ready + "while :; do sleep 0.01; done", syscall.SIGUSR1, fault.Succeeded, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, sh(row.script))
			tr.start()
			tr.waitFor("ready")
			must(t, tr.cmd.Process.Signal(row.signal))
			o := tr.wait()
			if o.Class != row.class || o.Requeue != row.requeue {
				t.Errorf("outcome is %s, requeue %v\n%s", o.Class, o.Requeue, tr.log())
			}
			tr.nothingLeft()
		})
	}
}

func TestStopBeforeTheSpecIsServedWithIt(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("sleep 60"), sh("echo second"))
	tr.launch()
	waitReading(t, tr.cmd.Process.Pid)
	must(t, tr.cmd.Process.Signal(syscall.SIGUSR1))
	tr.sendSpec()
	if o := tr.wait(); !o.Requeue || len(o.Ran) > 1 {
		t.Errorf("outcome is %s, requeue %v, ran %v", o.Class, o.Requeue, o.Ran)
	}
}

func TestNoProcessSurvives(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		argv  []string
		stop  bool
		class fault.Class
	}{
		{"a grandchild of a step that ends well", []string{"daemon"}, false, fault.Succeeded},
		{"a grandchild of a step that is cancelled", []string{"daemon", "wait"}, true, fault.Cancelled},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, bad(row.argv...))
			tr.start()
			tr.waitFor("survivor")
			if row.stop {
				must(t, tr.cmd.Process.Signal(syscall.SIGTERM))
			}
			if o := tr.wait(); o.Class != row.class {
				t.Errorf("outcome is %s %q", o.Class, o.Detail)
			}
			tr.nothingLeft()
		})
	}
}

func TestStepsRunInOrderAndShareTheirFolder(t *testing.T) {
	t.Parallel()
	tr := newTrial(t,
		sh("pwd; ls -A | wc -l; echo one > note"),
		sh(`cat note > "$CONVERTD_OUTPUT/stem.txt"; echo two >> "$CONVERTD_OUTPUT/stem.txt"`))
	tr.input("1.txt", "my notes.txt", "x")
	o := tr.run()
	if o.Class != fault.Succeeded || len(o.Outputs) != 1 || len(o.Ran) != 2 {
		t.Fatalf("outcome is %+v\n%s", o, tr.log())
	}
	if name := o.Outputs[0].Name; name != "my notes.txt" {
		t.Errorf("output is shown as %q", name)
	}
	if text := contents(t, filepath.Join(tr.job.Out(1), o.Outputs[0].File)); text != "one\ntwo\n" {
		t.Errorf("output is %q", text)
	}
	if !strings.Contains(tr.log(), " out "+filepath.Join(tr.job.Work(1), "run")+"\n") || !strings.Contains(tr.log(), " out 0\n") {
		t.Errorf("the first step did not start in an empty folder of its own:\n%s", tr.log())
	}
}

func TestFirstFailureEndsTheAttempt(t *testing.T) {
	t.Parallel()
	second := step(sh("exit 4"), func(s *recipe.Step) { s.Name = "second" })
	o := newTrial(t, sh("true"), second, sh("true")).run()
	if o.Step != "second" || o.ExitCode != 4 || len(o.Ran) != 2 {
		t.Errorf("outcome is %+v", o)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	rules := []recipe.Explain{
		{Match: "^never$", Say: recipe.Text{"": "no"}},
		{Match: "moov atom (.+)", Class: fault.BadInput, Say: recipe.Text{"": "The index is $1.", "de": "Der Index ist $1."}, Hint: recipe.Text{"": "Copy it again."}},
	}
	for _, row := range []struct{ name, script, lang, detail string }{
		{"the recipe's words replace the general ones", "echo moov atom missing >&2; exit 1", "", "The index is missing."},
		{"in the person's language", "echo moov atom missing >&2; exit 1", "de", "Der Index ist missing."},
		{"the newest line counts", "echo moov atom old; echo moov atom new; exit 1", "", "The index is new."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, sh(row.script))
			tr.spec.Explain, tr.spec.Lang = rules, row.lang
			o := tr.run()
			if o.Class != fault.BadInput || o.Detail != row.detail || o.Hint != "Copy it again." {
				t.Errorf("outcome is %s %q %q", o.Class, o.Detail, o.Hint)
			}
		})
	}
}

func TestExplainDoesNotReadTheCommandLine(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh("exit 1 # moov atom"))
	tr.spec.Explain = []recipe.Explain{{Match: "moov", Class: fault.BadInput, Say: recipe.Text{"": "no"}}}
	if o := tr.run(); o.Class != fault.ConverterFailed {
		t.Errorf("outcome is %s %q", o.Class, o.Detail)
	}
}

func TestUsageAndLogTail(t *testing.T) {
	t.Parallel()
	o := newTrial(t, sh("seq 1 100; exit 1")).run()
	if len(o.LogTail) != 20 || o.LogTail[19] != "100" {
		t.Errorf("tail is %q", o.LogTail)
	}
	if o.Usage.WallSeconds <= 0 || o.Usage.CPUSeconds <= 0 || o.Usage.PeakMemoryBytes <= 0 || !o.EndedAt.After(o.StartedAt) {
		t.Errorf("usage is %+v", o.Usage)
	}
}

func TestFilesAreTheOwnersToRead(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("only root gives files away; modes are checked all the same")
	}
	tr := newTrial(t, sh(`echo a > "$CONVERTD_OUTPUT/a.txt"; chmod 000 "$CONVERTD_OUTPUT/a.txt"`))
	if os.Geteuid() == 0 {
		must(t, os.Chown(tr.job.Dir, 63001, 63002))
	}
	tr.run()
	for _, path := range []string{tr.job.Log(1), tr.job.Progress(1), tr.job.Outcome(1), filepath.Join(tr.job.Out(1), "1")} {
		info, err := os.Stat(path)
		must(t, err)
		stat := info.Sys().(*syscall.Stat_t)
		if info.Mode().Perm() != 0o640 || os.Geteuid() == 0 && (stat.Uid != 63001 || stat.Gid != 63002) {
			t.Errorf("%s has mode %v and belongs to %d:%d", filepath.Base(path), info.Mode(), stat.Uid, stat.Gid)
		}
	}
}

// Results can be large, and somebody may not want them any more while they are read.
func TestCancelWhileResultsAreCollected(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`truncate -s 512G "$CONVERTD_OUTPUT/huge"`))
	tr.spec.Limits.Disk, tr.spec.Limits.Outputs = 1<<40, 10
	tr.start()
	tr.awaitFolder(tr.job.Out(1))
	must(t, tr.cmd.Process.Signal(syscall.SIGTERM))
	if o := tr.wait(); o.Class != fault.Cancelled || len(o.Outputs) > 0 {
		t.Errorf("outcome %+v", o)
	}
}

// awaitFolder waits until the child has made a folder.
func (tr *trial) awaitFolder(path string) {
	tr.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-deadline.C:
			tr.t.Fatalf("the child never made %s; log:\n%s", path, tr.log())
		default:
		}
	}
}
