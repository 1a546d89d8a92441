package dbtest

import (
	"syscall"
	"testing"
	"time"

	"convertd/sql/db"
	"convertd/sql/private"
)

// Fragile is the database of a server of one test's own, which writes nothing to disk
// unless a commit waits for it, and can crash.
type Fragile struct {
	*db.DB
	t testing.TB
	// writer is the process that writes what no commit waits for; it is stopped.
	writer int
}

// OpenFragile starts the server.
func OpenFragile(t testing.TB) *Fragile {
	t.Helper()
	own := &shared{
		settings: map[string]string{"fsync": "off", "autovacuum": "off", "bgwriter_lru_maxpages": "0"},
		setup:    []string{"grant pg_read_all_stats to " + private.Role}, // to find the writer
	}
	t.Cleanup(func() {
		if err := own.stop(); err != nil {
			t.Errorf("stop the test's own server: %v", err)
		}
	})
	f := &Fragile{DB: own.open(t), t: t}
	if err := f.Get(&f.writer, writerSQL); err != nil {
		t.Fatal(err)
	}
	f.signal(syscall.SIGSTOP)
	return f
}

// Crash kills a process of the server, which then throws away all memory and recovers from
// what is on disk, and returns when it answers again.
func (f *Fragile) Crash() {
	f.t.Helper()
	f.signal(syscall.SIGKILL)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(startTimeout); ; <-look.C {
		var writer int
		err := f.Get(&writer, writerSQL)
		if err == nil && writer != f.writer {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("the server did not come back: %v", err)
		}
	}
}

const writerSQL = `select pid from pg_stat_activity where backend_type = 'walwriter'`

func (f *Fragile) signal(s syscall.Signal) {
	f.t.Helper()
	if err := syscall.Kill(f.writer, s); err != nil {
		f.t.Fatal(err)
	}
}
