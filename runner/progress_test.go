package runner_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/progress"
	"convertd/runner/recipe"
)

// watchLines runs the trial and returns its outcome and all status documents.
func watchLines(t *testing.T, tr *trial) (runner.Outcome, []progress.Status) {
	t.Helper()
	r, w, err := os.Pipe()
	must(t, err)
	tr.spec.Status = runner.Sink{Kind: "lines", FD: runner.StatusFD}
	tr.start(w)
	w.Close()
	documents := readStatus(t, r)
	return tr.wait(), documents
}

// percents are the different percents in order, and it fails when they go back.
func percents(t *testing.T, documents []progress.Status) []float64 {
	t.Helper()
	var all []float64
	for i, d := range documents {
		if d.State != "running" || d.Done || d.Attempt != 1 || d.Seq != int64(i+1) && i == 0 {
			t.Errorf("document %d is %+v", i, d)
		}
		if d.Percent == nil {
			continue
		}
		if n := len(all); n > 0 && *d.Percent < all[n-1] {
			t.Errorf("the bar went back from %v to %v", all[n-1], *d.Percent)
		}
		all = append(all, *d.Percent)
	}
	return slices.Compact(all)
}

// script is a step that runs a script in testdata.
func script(t *testing.T, name, rule string) runner.Step {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	must(t, err)
	return step(sh(string(text)), func(s *recipe.Step) { s.Progress = rule })
}

func TestProgressOfTools(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		step  runner.Step
		want  []float64
		class fault.Class
	}{
		{"by lines on the descriptor", sh("for p in 10 50 30 120; do echo $p% working >&3; sleep 0.35; done"), []float64{10, 50, 99}, fault.Succeeded},
		{"by sd_notify", bad("notify", `X_PERCENT=5\nSTATUS=one`, "", "READY=1", "X_PERCENT=60"), []float64{5, 60}, fault.Succeeded},
		{"by backspaces without line ends", script(t, "sevenzip.sh", "7z"), []float64{19, 57, 99}, fault.Succeeded},
		{"by dots", script(t, "dots.sh", "gdal"), nil, fault.Succeeded},
		{"by returns, 100 before a failure", script(t, "returns.sh", "rsync"), []float64{37, 99}, fault.ConverterFailed},
		{"by text that stands unterminated", step(bad("type", "1%", "", "", "", `\r50%`, "", "", ""), func(s *recipe.Step) { s.Progress = "percent" }), []float64{1, 50}, fault.Succeeded},
		{"by patterns with stages", step(sh("echo read 50; sleep 0.35; echo write 50; sleep 0.35; echo read 100"), func(s *recipe.Step) {
			s.Patterns = []recipe.Pattern{{Match: `^read (?P<percent>\d+)`, Stage: "read", Weight: 1}, {Match: `^write (?P<percent>\d+)`, Stage: "write", Weight: 3}}
		}), []float64{12.5, 62.5}, fault.Succeeded},
		{"on a pseudo-terminal", step(sh(`[ -t 1 ] && [ -t 2 ] && printf '\rOCR:  50%% 1.0/2.0\r' >&2; sleep 0.35`), func(s *recipe.Step) { s.Progress, s.PTY = "ocrmypdf", true }), []float64{47.5}, fault.Succeeded},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, row.step)
			o, documents := watchLines(t, tr)
			if o.Class != row.class {
				t.Errorf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
			}
			got := percents(t, documents)
			if row.want == nil { // many small steps: only the end is certain
				if len(got) < 3 || got[len(got)-1] != 50 {
					t.Errorf("percents are %v", got)
				}
				return
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("percents (-want +got):\n%s\n%s", diff, tr.log())
			}
		})
	}
}

func TestNotifyWhereThePathIsTooLongForASocket(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, bad("notify", "X_PERCENT=7"))
	tr.job.Dir = filepath.Join(tr.job.Dir, strings.Repeat("long", 30))
	tr.spec.Dir = tr.job.Dir
	must(t, os.Mkdir(tr.job.Dir, 0o711))
	_, documents := watchLines(t, tr)
	if diff := cmp.Diff([]float64{7}, percents(t, documents)); diff != "" {
		t.Errorf("percents (-want +got):\n%s\n%s", diff, tr.log())
	}
}

func TestProbeGivesTheTotal(t *testing.T) {
	t.Parallel()
	s := step(sh("echo out_time_us=5000000; sleep 0.35; echo out_time_us=10000000"), func(s *recipe.Step) { s.Progress = "ffmpeg" })
	s.ProbeArgv = []string{"/bin/sh", "-c", "echo noise >&2; echo 20.000000; echo second line"}
	tr := newTrial(t, s)
	o, documents := watchLines(t, tr)
	if diff := cmp.Diff([]float64{25, 50}, percents(t, documents)); diff != "" || len(o.Ran) != 2 {
		t.Errorf("percents (-want +got):\n%s\n%s", diff, tr.log())
	}
}

func TestAProbeThatFailsOnlyCostsThePercent(t *testing.T) {
	t.Parallel()
	s := step(sh("echo out_time_us=5000000"), func(s *recipe.Step) { s.Progress = "ffmpeg" })
	s.ProbeArgv = []string{"/bin/sh", "-c", "echo 20; exit 1"}
	tr := newTrial(t, s)
	o, documents := watchLines(t, tr)
	if got := percents(t, documents); o.Class != fault.Succeeded || got != nil {
		t.Errorf("outcome is %s, percents are %v", o.Class, got)
	}
}

func TestStepsHaveTitlesAndWeights(t *testing.T) {
	t.Parallel()
	titled := func(title, script string, weight float64) runner.Step {
		return step(sh(script), func(s *recipe.Step) { s.Title, s.Weight = recipe.Text{"": title}, weight })
	}
	tr := newTrial(t, titled("Reading", "sleep 0.35; echo 50 >&3; sleep 0.35", 1), titled("Writing", "sleep 0.35; echo 50 half >&3; sleep 0.35", 4))
	_, documents := watchLines(t, tr)
	if diff := cmp.Diff([]float64{10, 20, 60}, percents(t, documents)); diff != "" {
		t.Errorf("percents (-want +got):\n%s", diff)
	}
	first, last := documents[0], documents[len(documents)-1]
	if first.Step != "Reading" || first.Percent != nil || last.Step != "Writing" || last.Message != "half" {
		t.Errorf("first document %+v, last %+v", first, last)
	}
	history := contents(t, tr.job.Progress(1))
	if !strings.HasSuffix(history, "\t60\tWriting\thalf\n") {
		t.Errorf("history is %q", history)
	}
}

func TestMessagesOfToolsAreMadeHarmless(t *testing.T) {
	t.Parallel()
	tr := newTrial(t, sh(`printf '5 <b>\033[31m\342\200\256 %s\n' "$(seq -s x 1 500)" >&3; sleep 0.35; echo nan >&3; echo -5 >&3`))
	_, documents := watchLines(t, tr)
	last := documents[len(documents)-1]
	if len(last.Message) > 200 || strings.ContainsAny(last.Message, "\x1b\u202E") || !strings.HasPrefix(last.Message, "<b> [31m 1x2x3") {
		t.Errorf("message is %q", last.Message)
	}
}

func TestLineBuffer(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("stdbuf"); err != nil {
		t.Fatal("stdbuf (coreutils) is needed for this test")
	}
	tr := newTrial(t, step(runner.Step{Argv: []string{"/bin/sh", "-c", `echo "$_STDBUF_O"`}}, func(s *recipe.Step) { s.LineBuffer = true }))
	o := tr.run()
	if !strings.Contains(tr.log(), " out L\n") || o.Ran[0].Argv[0] != "stdbuf" {
		t.Errorf("ran %q\n%s", o.Ran[0].Argv, tr.log())
	}
}

func TestStatusInARealMemcached(t *testing.T) {
	t.Parallel()
	path := memcached(t)
	tr := newTrial(t, sh("echo 5 begun >&3; echo > begun; while [ ! -e go ]; do sleep 0.01; done; sleep 0.2; echo 42 going on >&3"))
	tr.spec.Status = runner.Sink{Kind: "memcached", FD: runner.StatusFD, Address: path.address}
	conn, err := net.Dial("unix", path.address)
	must(t, err)
	file, err := conn.(*net.UnixConn).File()
	must(t, err)
	tr.start(file)
	file.Close()
	conn.Close()
	tr.waitFor("begun")
	path.wait(t, `"percent":5,`)
	path.restart(t)
	must(t, os.WriteFile(filepath.Join(tr.job.Work(1), "run", "go"), nil, 0o644))
	if o := tr.wait(); o.Class != fault.Succeeded {
		t.Errorf("outcome is %s %q", o.Class, o.Detail)
	}
	path.wait(t, `"percent":42,"message":"going on"`)
}

// store is a memcached of our own.
type store struct {
	address string
	cmd     *exec.Cmd
}

func memcached(t *testing.T) *store {
	t.Helper()
	dir, err := os.MkdirTemp("", "mc")
	must(t, err)
	s := &store{address: filepath.Join(dir, "s")}
	t.Cleanup(func() {
		s.stop()
		os.RemoveAll(dir)
	})
	s.begin(t)
	return s
}

func (s *store) begin(t *testing.T) {
	t.Helper()
	args := []string{"-s", s.address, "-a", "0700", "-U", "0", "-m", "16"}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root")
	}
	s.cmd = exec.Command("memcached", args...)
	must(t, s.cmd.Start())
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if conn, err := net.Dial("unix", s.address); err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("memcached does not listen")
		}
	}
}

func (s *store) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *store) restart(t *testing.T) {
	t.Helper()
	s.stop()
	must(t, os.Remove(s.address))
	s.begin(t)
}

// wait waits until the status of the test's job contains a text.
func (s *store) wait(t *testing.T, text string) {
	t.Helper()
	conn, err := net.Dial("unix", s.address)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	r := bufio.NewReader(conn)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		_, err := fmt.Fprintf(conn, "get %s\r\n", progress.Key("JOB"+strings.Repeat("A", 23)))
		must(t, err)
		for line := ""; line != "END\r\n"; {
			line, err = r.ReadString('\n')
			if err == io.EOF {
				t.Fatal("memcached went away")
			}
			must(t, err)
			if strings.Contains(line, text) {
				return
			}
		}
	}
}
