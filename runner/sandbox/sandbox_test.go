package sandbox

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests start processes but never reap all children of the test program: that is
// what the tests of package runner do, with the real child.

func TestLookPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"tool": 0o755, "text": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=/", "PATH=/no/such:" + dir}
	for _, row := range []struct {
		name, want string
	}{
		{"tool", filepath.Join(dir, "tool")},
		{filepath.Join(dir, "tool"), filepath.Join(dir, "tool")},
		{"/proc/self/exe", "/proc/self/exe"},
		{"text", ""}, {"folder", ""}, {"none", ""}, {"./tool", ""}, {filepath.Join(dir, "none"), ""},
	} {
		path, err := lookPath(row.name, env)
		if path != row.want || (err == nil) != (row.want != "") || err != nil && !errors.Is(err, ErrNotInstalled) {
			t.Errorf("%s is %q, %v", row.name, path, err)
		}
	}
	if _, err := lookPath("sh", []string{"HOME=/"}); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("without PATH sh is found: %v", err)
	}
}

// startCat starts a shell whose child waits for the end of its input.
func startCat(t *testing.T) (io.Closer, int) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "sh -c 'echo ready; cat; true'; true")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	return in, cmd.Process.Pid
}

func TestDescendants(t *testing.T) {
	t.Parallel()
	_, pid := startCat(t)
	for name, found := range map[string][]int{"in use": Descendants(), "by scan": scan(os.Getpid())} {
		if !slices.Contains(found, pid) {
			t.Errorf("%s: %d is missing in %v", name, pid, found)
		}
	}
	below := scan(pid)
	if len(below) == 0 {
		t.Errorf("process %d has no descendants", pid)
	}
	if parent, ok := parentOf(below[0]); !ok || parent != pid {
		t.Errorf("parent of %d is %d, not %d", below[0], parent, pid)
	}
}

func TestMemoryCountsDescendants(t *testing.T) {
	t.Parallel()
	startCat(t)
	if size := Memory(); size <= 0 || size > 1<<32 {
		t.Errorf("descendants take %d bytes", size)
	}
	if size := resident("/proc/self"); size <= 0 {
		t.Errorf("this process takes %d bytes", size)
	}
	if resident("/proc/0") != 0 {
		t.Error("a process that is not there takes memory")
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := Disk{Bytes: 1 << 40, Inodes: 1 << 40}
	for name, size := range map[string]int{"a": 100_000, "b": 0, "sub/c": 50_000} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Repeat("x", size)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	got := Measure(none, dir, filepath.Join(dir, "missing"))
	if got.Inodes != 6 || got.Bytes < 150_000 || got.Bytes > 400_000 {
		t.Errorf("folder takes %+v", got)
	}
	if got := Measure(Disk{Bytes: 1 << 40, Inodes: 2}, dir); got.Inodes != 3 {
		t.Errorf("measuring went on to %d inodes", got.Inodes)
	}
	sparse, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	defer sparse.Close()
	if err := sparse.Truncate(1 << 40); err != nil {
		t.Fatal(err)
	}
	if got := Measure(none, sparse.Name()); got.Bytes > 1<<20 {
		t.Errorf("a file of holes takes %d bytes", got.Bytes)
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	master, slave, err := openTerminal()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	file := os.NewFile(uintptr(slave), "slave")
	if _, err := file.WriteString("hello\n"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 7)
	if err := master.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(master, text); err != nil || string(text) != "hello\r\n" {
		t.Errorf("terminal says %q: %v", text, err)
	}
	file.Close()
	if _, err := master.Read(text); err == nil {
		t.Error("a terminal without anybody on it can be read")
	}
}
