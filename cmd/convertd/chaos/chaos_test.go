package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
)

// binDir holds the programs under test, built once, with places at which they can be killed.
var binDir string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == roleStep {
		os.Exit(act(os.Args[2:]))
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "convertd-chaos-")
	if err == nil {
		defer os.RemoveAll(dir)
		binDir = filepath.Join(dir, "bin")
		err = build(binDir)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755) // steps run under users of their own
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build makes the programs, and a copy of this one for the part of the steps.
func build(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "failpoints", "-o", dir, "..", "../../convertd-runner")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, actorName), self, 0o755)
}

const actorName = "actor"

// Names of the variables by which a trial is chosen.
const (
	seedVariable     = "SEED"
	durationVariable = "DURATION"
)

// shipped is how long services are disturbed in a run of all tests.
const shipped = 75 * time.Second

// TestChaos is the trial: SEED replays one, DURATION makes it longer.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed, duration := rand.Uint64()>>32, shipped
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	if text := os.Getenv(durationVariable); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", durationVariable, err)
		}
	}
	// Printed at once, not with the result: a trial that hangs has a seed too.
	fmt.Printf("chaos: SEED=%d DURATION=%s\n", seed, duration)
	w := newWorld(t, seed)
	w.disturbAndWork(duration)
	w.settle()
	evidence := w.gather()
	found := verdict.Judge(evidence)
	w.report(evidence, found)
	for _, v := range found {
		t.Error(v)
	}
	if len(found) > 0 {
		t.Errorf("again: %s=%d %s=%s; what was gathered is in %s", seedVariable, seed, durationVariable, duration, w.keep())
	}
}
