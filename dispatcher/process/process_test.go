package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const tail = " S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3\n"
	tests := []struct {
		name, text string
		want       stat
		bad        bool
	}{
		{"plain", "12 (sh)" + tail, stat{'S', 7, 987654}, false},
		{"name with blanks and parentheses", "12 (a) S (b)" + tail, stat{'S', 7, 987654}, false},
		{"cut short", "12 (sh) S 7", stat{}, true},
		{"no name", "12 S 7", stat{}, true},
		{"empty", "", stat{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseStat([]byte(tt.text))
			if (err != nil) != tt.bad || (err == nil && got != tt.want) {
				t.Errorf("parseStat = %+v, %v; want %+v, bad %v", got, err, tt.want, tt.bad)
			}
		})
	}
}

func start(t *testing.T, cmd *exec.Cmd) Name {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	name, err := NameOf(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestHandle(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "300")
	name := start(t, cmd)
	if _, err := Open(Name{PID: name.PID, Start: name.Start + 1}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another start time opened: %v", err)
	}
	h, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Wait(short); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait of a live process: %v", err)
	}
	if err := h.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := h.Signal(unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal to an ended process: %v", err)
	}
	if _, err := Open(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an ended process opened: %v", err)
	}
}

// TestKinEndsHiddenRelatives starts a family of which one member has a session of its
// own, ignores TERM and has lost its parent, and is known by its environment only.
func TestKinEndsHiddenRelatives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", `(setsid sh -c 'trap "" TERM HUP; sleep 300' &) ; exec sleep 300`)
	cmd.Env = append(os.Environ(), "CONVERTD_JOB=kin-"+dir, "CONVERTD_ATTEMPT=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	root := start(t, cmd)
	kin := Kin{Root: root, Env: []string{"CONVERTD_JOB=kin-" + dir, "CONVERTD_ATTEMPT=3"}, Dir: dir}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for found := []Name(nil); len(found) < 3; {
		var err error
		if found, err = kin.Find(); err != nil || ctx.Err() != nil {
			t.Fatalf("found %d of 3 relatives: %v, %v", len(found), err, ctx.Err())
		}
	}
	other := Kin{Env: []string{"CONVERTD_JOB=kin-" + dir, "CONVERTD_ATTEMPT=4"}}
	if found, err := other.Find(); err != nil || len(found) != 0 {
		t.Errorf("another attempt's processes: %v, %v", found, err)
	}
	if err := kin.End(ctx); err != nil {
		t.Fatal(err)
	}
	if found, err := kin.Find(); err != nil || len(found) != 0 {
		t.Errorf("left: %v, %v", found, err)
	}
}

func TestKinKnowsTheWorkFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command("sleep", "300")
	cmd.Dir, cmd.Env = dir, []string{}
	name := start(t, cmd)
	found, err := Kin{Dir: dir}.Find()
	if err != nil || len(found) != 1 || found[0] != name {
		t.Errorf("Find = %v, %v; want %v", found, err, name)
	}
}

func TestBootAndClock(t *testing.T) {
	t.Parallel()
	if id, err := BootID(); err != nil || len(id) != 36 {
		t.Errorf("boot id %q, %v", id, err)
	}
	a, errA := Monotonic()
	b, errB := Monotonic()
	if errA != nil || errB != nil || a <= 0 || b < a {
		t.Errorf("monotonic %v then %v (%v, %v)", a, b, errA, errB)
	}
}
