package runner_test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/sandbox"
)

// attackRow is one hostile program in a box, and what must come of it.
type attackRow struct {
	name string
	// setUp completes the trial and returns the arguments of the program.
	setUp func(*testing.T, *trial) []string
	class fault.Class
	// refusals is how many things must be refused at least.
	refusals int
	// check looks at what is left.
	check func(*testing.T, *trial)
}

// TestAttack runs each hostile program with the box of root, which has a user of its own,
// and with that of an ordinary user, which is made of a user namespace.
func TestAttack(t *testing.T) {
	t.Parallel()
	for _, row := range attackRows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, who := range []string{"root", "ordinary user"} {
				t.Run(who, func(t *testing.T) {
					if who == "root" && os.Geteuid() != 0 {
						return // the other half is this one
					}
					t.Parallel()
					row.run(t, who != "root")
				})
			}
		})
	}
}

func (row attackRow) run(t *testing.T, ordinary bool) {
	tr := newTrial(t)
	tr.input("1.txt", "victim.txt", "content")
	var args []string
	if row.setUp != nil {
		args = row.setUp(t, tr)
	}
	number, _, _ := strings.Cut(row.name, "_")
	tr.spec.Steps = append(tr.spec.Steps, bad(append([]string{number}, args...)...))
	if ordinary {
		tr.asOrdinaryUser()
	}
	if lacks := tr.machineLacks(); lacks != "" {
		tr.mustBeRefused(lacks)
		return
	}
	o := tr.run()
	log := tr.log()
	if o.Class != row.class {
		t.Errorf("class is %s (%s), want %s\n%.8000s", o.Class, o.Detail, row.class, log)
	}
	if strings.Contains(log, "BREACH") || strings.Contains(log, "the box of this step is without") {
		t.Errorf("the box has a hole:\n%.8000s", log)
	}
	if n := strings.Count(log, " out refused "); n < row.refusals {
		t.Errorf("only %d things were refused, want %d:\n%.8000s", n, row.refusals, log)
	}
	tr.nothingLeft()
	if row.check != nil {
		row.check(t, tr)
	}
	if err := os.RemoveAll(tr.job.Dir); err != nil {
		t.Errorf("the folder of the job cannot be removed: %v", err)
	}
}

// wholeBoxVariable, when set, makes a machine that cannot give a whole box a failure.
const wholeBoxVariable = "CONVERTD_TEST_WHOLE_BOX"

// machineLacks is what this machine cannot give the box of the trial's user, as the
// program itself finds out; "" for nothing.
func (tr *trial) machineLacks() string {
	tr.t.Helper()
	cmd := exec.Command(child(), sandbox.ExamineWord, strconv.Itoa(tr.spec.Box.UID))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: tr.user}
	out, err := cmd.Output()
	must(tr.t, err)
	var lacks sandbox.Lacks
	must(tr.t, json.Unmarshal(out, &lacks))
	if len(lacks) > 0 && os.Getenv(wholeBoxVariable) != "" {
		tr.t.Fatalf("this machine gives no whole box: %s", lacks)
	}
	return lacks.String()
}

// mustBeRefused checks what is promised where the box cannot be whole, such as for an
// ordinary user below a chroot: who requires it runs nothing and is told what is missing.
func (tr *trial) mustBeRefused(lacks string) {
	tr.t.Helper()
	tr.t.Logf("this machine gives no whole box: %s", lacks)
	tr.spec.Box.Require = true
	if o := tr.run(); o.Class != fault.InternalError || strings.Contains(tr.log(), "BREACH") {
		tr.t.Errorf("without a whole box that is required the outcome is %s %q\n%.2000s", o.Class, o.Detail, tr.log())
	}
}

// asOrdinaryUser lets the child run as a user without any rights.
func (tr *trial) asOrdinaryUser() {
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	tr.spec.Box.UID, tr.spec.Box.GID = 0, 0
	tr.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	must(tr.t, filepath.WalkDir(tr.job.Dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	}))
}

// otherJob makes the folder of another job beside this one, open to all.
func otherJob(t *testing.T, tr *trial) string {
	dir := tr.job.Dir + "-other"
	must(t, os.MkdirAll(filepath.Join(dir, "in"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "in", "1.txt"), []byte("secret"), 0o644))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// services listens as a database, a cache and a bus might, open to all.
func services(t *testing.T, tr *trial) []string {
	var all []string
	path := filepath.Join(otherJob(t, tr), "s")
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": path, "unix ": "@convertd-test-" + strconv.Itoa(os.Getpid()) + tr.job.Dir} {
		network = strings.TrimSpace(network)
		l, err := net.Listen(network, address)
		must(t, err)
		t.Cleanup(func() { l.Close() })
		all = append(all, network+"="+l.Addr().String())
	}
	must(t, os.Chmod(path, 0o777))
	return all
}

func openFile(t *testing.T, tr *trial) []string {
	path := filepath.Join(otherJob(t, tr), "file")
	must(t, os.WriteFile(path, []byte("x"), 0o666))
	must(t, os.Chmod(path, 0o666))
	return []string{path}
}

func attackRows() []attackRow {
	other := func(t *testing.T, tr *trial) []string { return []string{otherJob(t, tr)} }
	good := func(t *testing.T, tr *trial) []string {
		tr.spec.Outputs = []recipe.Output{{Match: "*.txt", Min: 1}}
		return []string{filepath.Join(otherJob(t, tr), "in", "1.txt")}
	}
	noOutput := fault.ConverterFailed
	return []attackRow{
		{"E01_ReadSecrets", openFile, noOutput, 12, nil},
		{"E02_OtherJobs", other, noOutput, 3, nil},
		{"E03_Services", services, noOutput, 7, nil},
		{"E04_Network", nil, noOutput, 17, nil},
		{"E05_ForkBomb", fewProcesses, noOutput, 1, nil},
		{"E10_Daemonise", nil, noOutput, 1, nil},
		{"E11_CloseDescriptors", nil, noOutput, 1, nil},
		{"E12_KillEverybody", outsiders, fault.Killed, 2, outsidersLive},
		{"E13_Trace", nil, noOutput, 8, nil},
		{"E14_HostileOutputs", good, fault.Succeeded, 2, onlyGoodOutputs},
		{"E16_LeaveMess", nil, noOutput, 1, nil},
		{"E17_ForgeStatus", nil, noOutput, 0, nothingForged},
		{"E19_DumpCore", nil, noOutput, 1, noCore},
		{"E20_KernelCalls", nil, noOutput, 27, nil},
		{"E21_LeaveData", leaveFirst, noOutput, 1, nil},
		{"E22_Environment", nil, noOutput, 0, onlyPromisedVariables},
		{"E23_OwnLimits", nil, noOutput, 9, nil},
		{"E24_SetUserIDHelpers", nil, noOutput, 4, nil},
		{"E25_Groups", openFile, noOutput, 4, nil},
		{"E26_Neighbour", neighbour, noOutput, 2, nil},
		{"E27_Terminal", nil, noOutput, 2, noEscapes},
	}
}

func fewProcesses(_ *testing.T, tr *trial) []string {
	tr.spec.Limits.Processes = 40
	return nil
}

// outsiders are processes outside of the box: this one, and one that is easily killed.
func outsiders(t *testing.T, tr *trial) []string {
	p, err := os.StartProcess("/bin/sleep", []string{"sleep", "100"}, &os.ProcAttr{Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(tr.spec.Box.UID), Gid: uint32(tr.spec.Box.GID), NoSetGroups: os.Geteuid() != 0}}})
	must(t, err)
	t.Cleanup(func() { _ = p.Kill(); _, _ = p.Wait() })
	tr.outsider = p
	return []string{strconv.Itoa(os.Getpid()), strconv.Itoa(p.Pid)}
}

func outsidersLive(t *testing.T, tr *trial) {
	if err := tr.outsider.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("a process outside was killed: %v", err)
	}
}

func onlyGoodOutputs(t *testing.T, tr *trial) {
	entries, err := os.ReadDir(tr.job.Out(1))
	must(t, err)
	for _, entry := range entries {
		if text := contents(t, filepath.Join(tr.job.Out(1), entry.Name())); text != "good" && text != "x" {
			t.Errorf("%s has %q", entry.Name(), text)
		}
		if !entry.Type().IsRegular() {
			t.Errorf("%s was collected", entry)
		}
	}
	if len(entries) < 1 || len(entries) > 2 {
		t.Errorf("%d files were collected: %v", len(entries), entries)
	}
}

func nothingForged(t *testing.T, tr *trial) {
	for _, path := range []string{tr.job.Outcome(1), tr.job.Log(1), tr.job.Progress(1), tr.job.Lock(1)} {
		if text := contents(t, path); strings.HasPrefix(text, "forged") {
			t.Errorf("%s was forged", path)
		}
	}
	if _, err := os.Lstat(tr.job.Out(1)); err == nil {
		t.Error("a result was forged")
	}
	history := contents(t, tr.job.Progress(1))
	if strings.Contains(history, "100") || strings.Contains(history, "-5") || strings.Contains(history, "NaN") || len(history) > 64<<10 {
		t.Errorf("history is %.2000q", history)
	}
}

func noCore(t *testing.T, tr *trial) {
	if found, _ := filepath.Glob(filepath.Join(tr.job.Work(1), "*", "core*")); len(found) > 0 {
		t.Errorf("a core was dumped: %v", found)
	}
}

// leaveFirst lets a first step of the same kind leave its data.
func leaveFirst(t *testing.T, tr *trial) []string {
	tr.spec.Steps = append(tr.spec.Steps, bad("E21"))
	return nil
}

func onlyPromisedVariables(t *testing.T, tr *trial) {
	promised := " PATH LANG HOME TMPDIR CONVERTD_JOB CONVERTD_ATTEMPT CONVERTD_INPUT CONVERTD_OUTPUT CONVERTD_PREVIEW CONVERTD_STATE CONVERTD_SUBMIT CONVERTD_PROGRESS_FD NOTIFY_SOCKET "
	for line := range strings.Lines(tr.log()) {
		_, entry, found := strings.Cut(line, " out env ")
		name, _, _ := strings.Cut(entry, "=")
		if found && !strings.Contains(promised, " "+name+" ") {
			t.Errorf("variable %s", entry)
		}
	}
}

// neighbour starts another job of the same kind that waits.
func neighbour(t *testing.T, tr *trial) []string {
	next := newTrial(t, sh("echo ready > ready; sleep 100"))
	next.input("1.txt", "neighbour.txt", "secret")
	next.start()
	next.waitFor("ready")
	t.Cleanup(func() { _ = next.cmd.Process.Signal(syscall.SIGTERM); next.wait() })
	return []string{next.job.Dir, strconv.Itoa(next.cmd.Process.Pid)}
}

func noEscapes(t *testing.T, tr *trial) {
	if strings.ContainsAny(tr.log(), "\x1b\x07") {
		t.Errorf("escapes are in the log: %q", tr.log())
	}
}
