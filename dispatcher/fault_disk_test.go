package dispatcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/runner/syscalltest"
	"convertd/sql/job"
)

// illCall is a call that fails.
type illCall struct {
	name, call string
	// file is how the path ends, with N for the number of the attempt.
	file  string
	errno unix.Errno
}

// of reports whether a call is the one, made about a job.
func (i illCall) of(c syscalltest.Call) bool {
	return c.Name == i.call && strings.HasSuffix(c.Path, i.file)
}

// faultsOfRunnersDisk fail each call by which a runner changes the spool. Where the job
// cannot go on it fails with a reason, where it can it succeeds.
func faultsOfRunnersDisk() []variant {
	var all []variant
	for _, f := range []struct {
		illCall
		state job.State
	}{
		{illCall{"make_log", "openat", "/log.1", unix.ENOSPC}, job.Failed},
		{illCall{"write_log", "write", "/log.1", unix.ENOSPC}, job.Succeeded},
		{illCall{"write_progress", "write", "/progress.1", unix.EDQUOT}, job.Succeeded},
		{illCall{"make_work_folder", "mkdirat", "/work.1", unix.ENOSPC}, job.Failed},
		{illCall{"make_state_folder", "mkdirat", "/state", unix.EDQUOT}, job.Failed},
		{illCall{"make_output_folder", "mkdirat", "/out.1", unix.ENOSPC}, job.Failed},
		{illCall{"sync_output", "fsync", ".txt", unix.EIO}, job.Failed},
		{illCall{"sync_output_folder", "fsync", "/out.1", unix.EIO}, job.Failed},
		{illCall{"make_outcome", "openat", "/outcome.1.json.new", unix.ENOSPC}, job.Failed},
		{illCall{"write_outcome", "write", "/outcome.1.json.new", unix.ENOSPC}, job.Failed},
		{illCall{"sync_outcome", "fsync", "/outcome.1.json.new", unix.EIO}, job.Failed},
		{illCall{"close_outcome", "close", "/outcome.1.json.new", unix.EIO}, job.Failed},
		{illCall{"rename_outcome", "renameat", "/outcome.1.json", unix.ENOSPC}, job.Failed},
	} {
		all = append(all, variant{f.name, func(t *testing.T) { t.Parallel(); runnerIll(t, f.illCall, f.state) }})
	}
	return append(all, variant{"really_full", faultDiskFull}, variant{"really_full_before_the_start", faultDiskFullBefore})
}

func runnerIll(t *testing.T, ill illCall, want job.State) {
	w := newWorld(t, shell("copy", `echo said; echo "5 half" >&$CONVERTD_PROGRESS_FD; cp "$1" "$2.txt"`))
	var well atomic.Bool
	var hits atomic.Int64
	env := syscalltest.Watch(t, func(c syscalltest.Call) (v syscalltest.Verdict) {
		if !well.Load() && ill.of(c) {
			hits.Add(1)
			v.Errno = ill.errno
		}
		return v
	})
	w.opts.Runner = syscalltest.Script(t, openDir(t), env, runnerPath)
	id := w.submit("copy", "x", func(d *job.Draft) { d.MaxAttempts = 1 })
	w.serve(w.opts)
	j := w.await(id, want)
	if hits.Load() == 0 {
		t.Error("the call was never made")
	}
	if want == job.Failed && (j.Result.Detail == "" || j.Result.Hint == "" || len(j.Outputs) > 0) {
		t.Errorf("result %+v, outputs %+v", j.Result, j.Outputs)
	}
	t.Logf("%s: %s", j.Result.Class, j.Result.Detail)
	w.checkClean(id, 1)
	well.Store(true)
	w.await(w.submit("copy", "x"), job.Succeeded)
}

// faultsOfDispatchersDisk fail each call by which a dispatcher changes the spool. No job
// begins, none fails, the trouble is told, and it passes by itself.
func faultsOfDispatchersDisk() []variant {
	var all []variant
	for _, ill := range []illCall{
		{"make_lock", "openat", "/lock.1", unix.ENOSPC},
		{"make_note", "openat", "/child.1.json.new", unix.EDQUOT},
		{"write_note", "write", "/child.1.json.new", unix.ENOSPC},
		{"sync_note", "fsync", "/child.1.json.new", unix.EIO},
		{"close_note", "close", "/child.1.json.new", unix.EIO},
		{"rename_note", "renameat", "/child.1.json", unix.EIO},
	} {
		all = append(all, variant{ill.name, func(t *testing.T) { t.Parallel(); dispatcherIll(t, ill, ill.file) }})
	}
	all = append(all, variant{"sync_folder", func(t *testing.T) {
		t.Parallel()
		dispatcherIll(t, illCall{"", "fsync", "", unix.EIO}, "folder of the job")
	}})
	return all
}

// dispatcherIll fails a call in the first attempt of a job, and the same in a rehearsal,
// until the trouble was told.
func dispatcherIll(t *testing.T, ill illCall, what string) {
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	id := w.submit("copy", "x")
	if ill.file == "" {
		ill.file = w.spool.Job(id).Dir
	}
	var well atomic.Bool
	var hits atomic.Int64
	env := syscalltest.Watch(t, func(c syscalltest.Call) (v syscalltest.Verdict) {
		rehearses := c.Name == ill.call && strings.Contains(c.Path, "/"+rehearsal)
		if !well.Load() && (ill.of(c) || rehearses) {
			hits.Add(1)
			v.Errno = ill.errno
		}
		return v
	})
	w.spawn(StopSafely, env...)
	until(t, "the call fails", func() bool { return hits.Load() > 0 })
	until(t, "the dispatcher tells", func() bool { return w.trouble() != "" })
	if j, err := w.jobs.Find(context.Background(), id); err != nil || j.State.Ended() || j.Attempt > 1 {
		t.Errorf("meanwhile the job is %s after %d attempts: %v", j.State, j.Attempt, err)
	}
	well.Store(true)
	if j := w.await(id, job.Succeeded); j.Failures != 0 || j.Attempt != 2 {
		t.Errorf("%s: attempt %d, %d failures", what, j.Attempt, j.Failures)
	}
	w.checkClean(id, 1)
}

// onTmpfs moves the world's spool to a file system of its own.
func (w *world) onTmpfs(options string) {
	w.t.Helper()
	root := filepath.Join(openDir(w.t), "spool")
	if err := os.Mkdir(root, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, options); err != nil {
		w.t.Fatalf("mount a small file system (this test needs root): %v", err)
	}
	w.t.Cleanup(func() { _ = unix.Unmount(root, unix.MNT_DETACH) })
	w.spool = spool.New(root)
	w.opts.Spool = w.spool
}

// faultDiskFull fills the disk by a job, and then by others, until somebody makes room.
func faultDiskFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("fill", `cat /dev/zero > "$2.bin"`), shell("copy", `cp "$1" "$2.txt"`))
	w.onTmpfs("mode=755,size=8m")
	w.opts.Lanes.Slots = 1
	filler := w.submit("fill", "x", func(d *job.Draft) { d.MaxAttempts = 1 })
	waiting := w.submit("copy", "x")
	w.serve(w.opts)
	if j := w.await(filler, job.Failed); j.Result.Detail == "" || j.Result.Hint == "" {
		t.Errorf("result %+v", j.Result)
	} else if j.Result.Class != fault.Disk {
		t.Errorf("%s: %s", j.Result.Class, j.Result.Detail)
	}
	w.await(waiting, job.Succeeded) // what the job wrote went with it
}

// faultDiskFullBefore fills the disk before a job starts.
func faultDiskFullBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	w.onTmpfs("mode=755,size=8m")
	w.serveReady()
	ballast := filepath.Join(w.spool.Root(), "ballast")
	id := w.prepare("x")
	fill(t, ballast)
	w.tells(id, func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}, "no space left")
}

// serveReady returns when the dispatcher claims. No job has run before: what a process
// that ended had open is given back at a time of its own.
func (w *world) serveReady() {
	w.t.Helper()
	ready := make(chan struct{})
	w.opts.Ready = func() { close(ready) }
	w.serve(w.opts)
	<-ready
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
}

// faultsOfLimits use up what else the machine gives in limited numbers.
func faultsOfLimits() []variant {
	return []variant{
		{"no_runner", faultNoRunner}, {"inodes", faultInodes}, {"descriptors", faultDescriptors}, {"processes", faultProcesses}, {"memory", faultMemoryOrder},
	}
}

func faultInodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	w.onTmpfs("mode=755,nr_inodes=60")
	w.serveReady()
	id := w.prepare("x")
	ballast := filepath.Join(w.spool.Root(), "ballast")
	if err := os.MkdirAll(ballast, 0o755); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if err := os.WriteFile(filepath.Join(ballast, fmt.Sprint(n)), nil, 0o644); err != nil {
			break
		}
	}
	w.tells(id, func() {
		if err := os.RemoveAll(ballast); err != nil {
			t.Error(err)
		}
	}, "no space left")
}

// tells gives a prepared job to a dispatcher that cannot start one, and undoes that when
// the trouble was told.
func (w *world) tells(id string, undo func(), words string) {
	w.t.Helper()
	w.insert(id, "copy", "x")
	until(w.t, "the dispatcher tells", func() bool { return strings.Contains(w.trouble(), words) }, func() any { return w.trouble() })
	if j, err := w.jobs.Find(context.Background(), id); err != nil || j.State.Ended() || j.Attempt > 2 {
		w.t.Errorf("meanwhile the job is %s after %d attempts: %v", j.State, j.Attempt, err)
	}
	undo()
	if j := w.await(id, job.Succeeded); j.Failures != 0 {
		w.t.Errorf("%d failures counted", j.Failures)
	}
	until(w.t, "the trouble is over", func() bool { return w.trouble() == "" })
}

// faultDescriptors lowers the limit of open files of a dispatcher below what it has open.
func faultDescriptors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	p := w.spawn(StopSafely)
	p.awaitReady()
	w.await(w.submit("copy", "x"), job.Succeeded) // every connection that it needs is open
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var before unix.Rlimit
	low := unix.Rlimit{Cur: uint64(len(open)) + 1}
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	low.Max = before.Max
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &low, nil); err != nil {
		t.Fatal(err)
	}
	w.tells(w.prepare("x"), func() {
		if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &before, nil); err != nil {
			t.Error(err)
		}
	}, "too many open files")
}

// faultProcesses has every fork of a dispatcher fail.
func faultProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	var well atomic.Bool
	env := syscalltest.Watch(t, func(c syscalltest.Call) (v syscalltest.Verdict) {
		if !well.Load() && c.Name == "clone" {
			v.Errno = unix.EAGAIN
		}
		return v
	})
	w.spawn(StopSafely, env...)
	w.tells(w.prepare("x"), func() { well.Store(true) }, "resource temporarily unavailable")
}

// faultMemoryOrder looks whether the kernel would rather kill a job than the dispatcher.
func faultMemoryOrder(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", fmt.Sprintf("echo $$ > %s/pid; ", th.dir)+th.patient(), th.open))
	id := w.submit("slow", "x")
	p := w.spawn(StopSafely)
	step := pidOf(t, id, th.path("pid"))
	n, err := readNote(w.spool.Job(id), 1, w.token(id))
	if err != nil {
		t.Fatal(err)
	}
	score := func(pid int) (n int) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
		if _, scanErr := fmt.Sscan(string(b), &n); err != nil || scanErr != nil {
			t.Fatal(err, scanErr)
		}
		return n
	}
	if d, r, s := score(p.cmd.Process.Pid), score(n.PID), score(step); d >= r || r > s {
		t.Errorf("oom_score_adj of dispatcher %d, runner %d, step %d", d, r, s)
	}
	th.tell("go")
	w.await(id, job.Succeeded)
}
