package cgroup

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	const hybrid = `24 30 0:22 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
25 30 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
26 30 0:24 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
`
	tests := []struct {
		name, groups, mounts string
		want                 self
	}{
		{"hybrid", "4:memory:/a/b\n3:cpu,cpuacct:/\n0::/x\n", hybrid, self{"/sys/fs/cgroup/unified/x", map[string]string{"memory": "/sys/fs/cgroup/memory/a/b", "cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct"}}},
		{"pure v2", "0::/user.slice/s.scope\n", "30 1 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", self{"/sys/fs/cgroup/user.slice/s.scope", map[string]string{}}},
		{"group outside the mount's root", "0::/other\n", "30 1 0:26 /mine /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", self{"", map[string]string{}}},
		{"group beneath the mount's root", "0::/mine/x\n", "30 1 0:26 /mine /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", self{"/sys/fs/cgroup/x", map[string]string{}}},
		{"no cgroup mounted", "0::/\n", "30 1 0:26 / / rw - ext4 /dev/vda rw\n", self{"", map[string]string{}}},
		{"garbage", "0\n::\n", "x - y\n", self{"", map[string]string{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := locate(tt.groups, tt.mounts)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(self{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// openTree opens a tree of the test's own; where none may be made (an ordinary user
// without delegation) it checks that this is said, and returns nil.
func openTree(t *testing.T) *Tree {
	t.Helper()
	tree := Open(Options{Name: fmt.Sprintf("convertd-test-%d-%d", os.Getpid(), time.Now().UnixNano())})
	if tree.Method().Tree == None {
		if os.Getuid() == 0 || tree.Why() == nil {
			t.Fatalf("no tree as uid %d, reason: %v", os.Getuid(), tree.Why())
		}
		return nil
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Errorf("tree is not empty after the test: %v", err)
		}
	})
	return tree
}

func startIn(t *testing.T, g *Group, script string) *exec.Cmd {
	t.Helper()
	dir, err := g.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

func TestEndKillsDaemonsAndProvesIt(t *testing.T) {
	t.Parallel()
	tree := openTree(t)
	if tree == nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	g, err := tree.Make(ctx, "to-webp-abcdefgh.1")
	if err != nil {
		t.Fatal(err)
	}
	cmd := startIn(t, g, `trap "" TERM; setsid sh -c 'trap "" TERM HUP; sleep 300' & exec sleep 300`)
	if populated, err := g.Populated(); err != nil || !populated {
		t.Fatalf("populated %v, %v; want a live group", populated, err)
	}
	names, err := tree.Names()
	if err != nil || !slices.Contains(names, "to-webp-abcdefgh.1") {
		t.Errorf("Names = %v, %v", names, err)
	}
	if err := tree.At(g.Dir()).End(ctx); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if populated, err := g.Populated(); err != nil || populated {
		t.Errorf("populated %v, %v after End", populated, err)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	if populated, err := g.Populated(); err != nil || populated {
		t.Errorf("a removed group is populated: %v, %v", populated, err)
	}
}

func TestMakeEmptiesWhatWasLeft(t *testing.T) {
	t.Parallel()
	tree := openTree(t)
	if tree == nil {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	old, err := tree.Make(ctx, "a.1")
	if err != nil {
		t.Fatal(err)
	}
	cmd := startIn(t, old, "exec sleep 300")
	fresh, err := tree.Make(ctx, "a.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the old process ended well, want it killed")
	}
	if err := fresh.Remove(); err != nil {
		t.Error(err)
	}
}

func TestMemoryLimitKills(t *testing.T) {
	t.Parallel()
	tree := openTree(t)
	if tree == nil || tree.Method().Memory == None {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	g, err := tree.Make(ctx, "hungry.1")
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.Command("/bin/sh", "-c", "read go; ulimit -v 500000; exec tail /dev/zero")
	cmd.Stdin = in
	if err := g.Within(cmd.Start); err != nil {
		t.Fatal(err)
	}
	inside, _ := g.threadsV1()
	checkAlone(t, cmd.Process.Pid, inside)
	if g.memory {
		if err := write(g.dir, "cgroup.procs", fmt.Sprint(cmd.Process.Pid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Limit(Limits{MemoryBytes: 32 << 20, Processes: 16}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	out.Close()
	_ = cmd.Wait()
	if n := g.MemoryKills(); n != 1 {
		t.Errorf("%d processes killed for memory, want 1", n)
	}
	if peak := g.PeakMemory(); peak < 16<<20 || peak > 33<<20 {
		t.Errorf("peak %d bytes, want close to the limit", peak)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}

// checkAlone fails unless the process, and no thread of ours, is in the groups.
func checkAlone(t *testing.T, pid int, groups []string) {
	t.Helper()
	for _, dir := range groups {
		threads, err := os.ReadFile(filepath.Join(dir, "tasks"))
		if got := strings.Fields(string(threads)); err != nil || !slices.Equal(got, []string{strconv.Itoa(pid)}) {
			t.Errorf("%s holds %v (%v), not only %d", dir, got, err, pid)
		}
	}
}

// The service comes before its jobs, and each job gets the share its recipe says.
func TestAttack_E08_shares_of_the_processors(t *testing.T) {
	t.Parallel()
	tree := openTree(t)
	if tree == nil || tree.Method().CPU == None {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	g, err := tree.Make(ctx, "busy.1")
	if err != nil {
		t.Fatal(err)
	}
	var cmd *exec.Cmd
	if err := g.Within(func() error { cmd = startIn(t, g, "exec sleep 300"); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := g.Limit(Limits{CPUWeight: 20}); err != nil {
		t.Fatal(err)
	}
	whole, one := filepath.Join(tree.dir, "cpu.weight"), filepath.Join(g.dir, "cpu.weight")
	want := []string{"50", "20"}
	if tree.cpuV1 != "" {
		whole, one, want = filepath.Join(tree.cpuV1, "cpu.shares"), filepath.Join(g.cpuV1, "cpu.shares"), []string{"512", "204"}
		checkAlone(t, cmd.Process.Pid, []string{g.cpuV1})
	}
	for i, path := range []string{whole, one} {
		if text, err := os.ReadFile(path); err != nil || strings.TrimSpace(string(text)) != want[i] {
			t.Errorf("%s is %q, %v; want %s", path, text, err, want[i])
		}
	}
	if err := g.End(ctx); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}
