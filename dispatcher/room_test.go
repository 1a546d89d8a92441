package dispatcher

import (
	"errors"
	"os"
	"testing"
	"time"

	"convertd/sql/job"
)

func TestHowMuchIsToStayFree(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		keep Keep
		want int64
	}{
		{Keep{}, 0},
		{Keep{FreePercent: 5}, 50},
		{Keep{FreeBytes: 70}, 70},
	} {
		if got := row.keep.want(1000); got != row.want {
			t.Errorf("%+v: %d, want %d", row.keep, got, row.want)
		}
	}
}

// While the disk has too little room the files of ended jobs go before their time, and
// those of a job that runs stay.
func TestAFullDiskTakesTheOldestResults(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("copy", `cp "$1" "$2.txt"`), shell("slow", th.patient(), th.open))
	w.opts.Keep = Keep{Results: time.Hour, Failed: time.Hour, Rows: time.Hour, FreeBytes: 1 << 60}
	w.opts.Times.Fresh = time.Nanosecond
	done, running := w.submit("copy", "x"), w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	until(t, "the files are gone, and the row says why", func() bool {
		j, err := w.jobs.Find(t.Context(), done)
		return err == nil && j.State == job.Succeeded && j.FilesGoneAt != nil && j.GoneFor == job.Disk
	})
	if _, err := os.Stat(w.spool.Job(done).Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
	if _, err := os.Stat(w.spool.Job(running).In()); err != nil {
		t.Errorf("inputs of the job that runs: %v", err)
	}
	th.tell("go")
	until(t, "the other one went when it had ended", func() bool {
		j, err := w.jobs.Find(t.Context(), running)
		return err == nil && j.GoneFor == job.Disk
	})
}

// Rows go after the time that their recipe says, or else after the general one.
func TestRowsAreKeptAsTheRecipeSays(t *testing.T) {
	t.Parallel()
	long := shell("long", `cp "$1" "$2.txt"`)
	long.Keep.Rows = 24 * time.Hour
	w := newWorld(t, long, shell("plain", `cp "$1" "$2.txt"`))
	w.opts.Keep = Keep{Results: time.Hour, Failed: time.Hour, Rows: time.Hour}
	kept, short := w.submit("long", "x"), w.submit("plain", "x")
	w.serve(w.opts)
	for _, id := range []string{kept, short} {
		w.await(id, job.Succeeded)
	}
	if _, err := w.db.Exec(`update result set ended_at = now() - interval '2 hours', keep_until = now()`); err != nil {
		t.Fatal(err)
	}
	until(t, "the row of the plain recipe is gone", func() bool {
		found, err := w.jobs.Exist(t.Context(), []string{kept, short})
		if err == nil && !found[kept] {
			t.Fatal("the row of the recipe that keeps rows longer is gone")
		}
		return err == nil && !found[short]
	})
}
