package dispatcher

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// smallDisk gives the world a disk of 128 MiB, of which 32 are reserved.
func (w *world) smallDisk() {
	w.t.Helper()
	w.onTmpfs("mode=755,size=128m")
	w.opts.Keep.Reserve = spool.Reserve{Percent: 25}
	w.opts.Times.Guard = 20 * time.Millisecond
}

// Of two jobs the one that fills the disk is stopped, before the disk is full; the one
// beside it and the one behind it go on.
func TestTheJobThatFillsTheDiskIsStopped(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open), shell("copy", `cp "$1" "$2.txt"`),
		shell("fill", `i=0; while head -c 1000000 /dev/zero > "$2.$i"; do i=$((i+1)); sleep 0.02; done`))
	w.smallDisk()
	beside := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	filler := w.submit("fill", "x")
	behind := w.submit("copy", "x")
	j := w.await(filler, job.Failed)
	if j.Result.Class != fault.Disk || !strings.Contains(j.Result.Detail, "nearly full") || !strings.Contains(j.Result.Hint, "[keep] reserve") {
		t.Errorf("%s: %s %s", j.Result.Class, j.Result.Detail, j.Result.Hint)
	}
	w.await(behind, job.Succeeded)
	th.tell("go")
	if j := w.await(beside, job.Succeeded); j.Attempt != 1 {
		t.Errorf("the job beside it needed %d attempts", j.Attempt)
	}
	w.checkClean(filler, 1)
}

// A single file stops at the reserve however fast it is written, whatever the program
// makes of that.
func TestOneFileStopsAtTheReserve(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("dies", `exec cat /dev/zero > "$2.bin"`), shell("complains", `trap '' XFSZ; cat /dev/zero > "$2.bin"`))
	w.smallDisk()
	w.opts.Times.Guard = time.Hour
	w.opts.Lanes.Slots = 1
	most := make(chan int64, 1)
	ended := make(chan struct{})
	go func() {
		least := int64(1 << 40)
		for {
			if free, err := w.spool.Free(); err == nil {
				least = min(least, free)
			}
			select {
			case <-ended:
				most <- least
				return
			default:
			}
		}
	}()
	w.serve(w.opts)
	for _, name := range []string{"dies", "complains"} {
		if j := w.await(w.submit(name, "x"), job.Failed); j.Result.Class != fault.Disk || !strings.Contains(j.Result.Detail, "had room for only") {
			t.Errorf("%s: %s %s", name, j.Result.Class, j.Result.Detail)
		}
	}
	close(ended)
	if least := <-most; least < 14<<20 {
		t.Errorf("%d bytes were left of 16 MiB that must be", least)
	}
}

// With less than the reserve no job starts, and the row of the dispatcher says why.
func TestNoJobStartsWithoutRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`))
	w.smallDisk()
	w.serveReady()
	ballast := filepath.Join(w.spool.Root(), "ballast")
	if err := os.WriteFile(ballast, make([]byte, 100<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w.tells(w.prepare("x"), func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}, fmt.Sprintf("The disk of %s has less free than the 32 MiB that [keep] reserve keeps.", w.spool.Root()))
}

// A job that wrote next to nothing is not stopped for what others wrote.
func TestOthersFillTheDisk(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	w.smallDisk()
	id := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	ballast := filepath.Join(w.spool.Root(), "ballast")
	if err := os.WriteFile(ballast, make([]byte, 120<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the dispatcher tells", func() bool { return w.trouble() != "" })
	if err := os.Remove(ballast); err != nil {
		t.Error(err)
	}
	th.tell("go")
	if j := w.await(id, job.Succeeded); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
}
