package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// startBox starts a program in a box of its own.
func startBox(t *testing.T, argv ...string) (*Process, error) {
	t.Helper()
	base := t.TempDir()
	c := Confinement{Base: base, Home: "/tmp"}
	if os.Geteuid() == 0 {
		c.UID, c.GID = 64000, 64000
	}
	p, err := c.Start(Command{Argv: argv, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"}, Progress: true})
	if err == nil {
		t.Cleanup(func() {
			p.Close()
			p.abandon()
		})
	}
	return p, err
}

// TestInitKeepsNothing looks from outside at process 1 of a box, which is made as a copy of
// this process.
func TestInitKeepsNothing(t *testing.T) {
	t.Parallel()
	p, err := startBox(t, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	folder := "/proc/" + strconv.Itoa(p.PID)
	open := names(folder + "/fd")
	slices.Sort(open)
	if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(open, want) {
		t.Errorf("the init has the descriptors %v, not %v", open, want)
	}
	status, err := os.ReadFile(folder + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"SigBlk:\tfffffffffffbfeff", // all but SIGKILL and SIGSTOP
		"CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
		"CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Threads:\t1",
	} {
		if !slices.Contains(strings.Split(string(status), "\n"), line) {
			t.Errorf("the status of the init has no line %q:\n%s", line, status)
		}
	}
}

// TestProgramStartsFresh looks at what the init hands on: no signal blocked or ignored.
func TestProgramStartsFresh(t *testing.T) {
	t.Parallel()
	p, err := startBox(t, "cat", "/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := p.Stdout.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(text[:n])) {
		name, set, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		if !slices.Contains([]string{"SigBlk", "SigIgn", "SigCgt"}, name) {
			continue
		}
		seen++
		if strings.Trim(set, "0") != "" {
			t.Errorf("a program starts with %s %s", name, set)
		}
	}
	if seen != 3 {
		t.Errorf("the program printed %q", text[:n])
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	odd := filepath.Join(t.TempDir(), "odd")
	if err := os.WriteFile(odd, []byte("neither a program nor a script\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		argv []string
		want error
	}{
		{"no format", []string{odd}, syscall.ENOEXEC},
		{"zero byte", []string{"echo", "a\x00b"}, syscall.EINVAL},
		{"too long", []string{"echo", strings.Repeat("x", 1<<20)}, syscall.E2BIG},
	} {
		p, err := startBox(t, row.argv...)
		if !errors.Is(err, row.want) || p != nil {
			t.Errorf("%s: %v, %v; expected %v", row.name, p, err, row.want)
		}
	}
}

func TestScriptBoundsDescriptors(t *testing.T) {
	t.Parallel()
	var s script
	for range maxDescriptors {
		s.opens(&call{})
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	s.opens(&call{})
	if !errors.Is(s.err, syscall.EMFILE) {
		t.Errorf("one descriptor too many: %v", s.err)
	}
}
