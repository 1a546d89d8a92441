package dispatcher

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"convertd/runner/progress/store"
	"convertd/sql/job"
)

// faultsOfMemcached put something else where memcached should be, for a whole job.
func faultsOfMemcached() []variant {
	garbage := func(conn net.Conn) {
		for range 100 {
			if _, err := conn.Write([]byte("\x00\xff VALUE x 0 99999999\r\nSSH-2.0\r\n")); err != nil {
				return
			}
		}
	}
	all := []variant{{"killed_and_restarted", faultMemcachedKilled}, {"flushed_again_and_again", faultFlushed}}
	for _, f := range []struct {
		name string
		act  func(net.Conn)
	}{
		{"never_answers", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }},
		{"does_not_even_read", func(conn net.Conn) { <-make(chan struct{}) }},
		{"closes_at_once", func(net.Conn) {}},
		{"another_program", func(conn net.Conn) {
			_, _ = conn.Write([]byte("220 mail.example ESMTP\r\n"))
			_, _ = io.Copy(io.Discard, conn)
		}},
		{"garbage", garbage},
		{"nobody_there", nil},
	} {
		all = append(all, variant{f.name, func(t *testing.T) { t.Parallel(); insteadOfMemcached(t, f.act) }})
	}
	return all
}

func insteadOfMemcached(t *testing.T, act func(net.Conn)) {
	w := newWorld(t, shell("copy", `for i in 1 2 3 4 5; do echo "$((i * 19)) step $i" >&$CONVERTD_PROGRESS_FD; sleep 0.1; done; cp "$1" "$2.txt"`))
	socket := filepath.Join(openDir(t), "m")
	if act != nil {
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() { defer conn.Close(); act(conn) }()
			}
		}()
	}
	instead, err := store.Open(socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { instead.Close() })
	w.opts.Status = instead
	ids := []string{w.submit("copy", "x"), w.submit("copy", "y"), w.submit("copy", "z")}
	w.serve(w.opts)
	for _, id := range ids {
		if j := w.await(id, job.Succeeded); j.Attempt != 1 || len(j.Outputs) != 1 {
			t.Errorf("attempt %d, outputs %+v", j.Attempt, j.Outputs)
		}
		w.checkClean(id, 1)
	}
}

// faultFlushed empties memcached, and fills the key of the job with other things, while it
// runs.
func faultFlushed(t *testing.T) {
	t.Parallel()
	th := newTheatre(t)
	w := newWorld(t, shell("slow", th.patient(), th.open))
	id := w.submit("slow", "x")
	w.serve(w.opts)
	awaitFile(t, th.path("diary"))
	conn, err := net.Dial("unix", w.cache.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 200 {
		if _, err := fmt.Fprintf(conn, "flush_all noreply\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := w.cache.store.Put(id, []byte(fmt.Sprintf(`{"id":"%026d","state":"failed","done":true}`, i))); err != nil {
			t.Fatal(err)
		}
	}
	th.tell("go")
	if j := w.await(id, job.Succeeded); j.Attempt != 1 {
		t.Errorf("attempt %d", j.Attempt)
	}
	if _, err := os.Stat(w.spool.Job(id).Out(1)); err != nil {
		t.Error(err)
	}
}
