package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"convertd/runner/progress"
)

// memcached starts a real one on a socket of its own and returns its address and a
// function that kills it.
func memcached(t *testing.T) (string, func()) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "m")
	cmd := exec.Command("memcached", "-s", socket, "-a", "0700", "-U", "0", "-u", "root", "-m", "16")
	if err := cmd.Start(); err != nil {
		t.Fatalf("start memcached (apt-get install memcached): %v", err)
	}
	stop := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	waitFor(t, func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return socket, stop
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("condition did not come true within 10 s")
		}
	}
}

func open(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestGetReturnsWhatWasPut(t *testing.T) {
	t.Parallel()
	address, _ := memcached(t)
	s := open(t, address)
	if err := s.Put("A", []byte(`{"id":"A"}`)); err != nil {
		t.Fatal(err)
	}
	docs, err := s.Get(context.Background(), []string{"A", "B"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(docs["A"]); got != `{"id":"A"}` {
		t.Errorf("document of A = %q", got)
	}
	if _, ok := docs["B"]; ok {
		t.Error("a document of B, which has none")
	}
}

func TestManyReadersShareTwoConnections(t *testing.T) {
	t.Parallel()
	address, _ := memcached(t)
	s := open(t, address)
	for i := range 50 {
		if err := s.Put(fmt.Sprint(i), []byte(fmt.Sprint("doc", i))); err != nil {
			t.Fatal(err)
		}
	}
	var readers sync.WaitGroup
	for i := range 500 {
		readers.Go(func() {
			id := fmt.Sprint(i % 50)
			docs, err := s.Get(context.Background(), []string{id})
			if err != nil || string(docs[id]) != "doc"+id {
				t.Errorf("Get(%s) = %q, %v", id, docs[id], err)
			}
		})
	}
	readers.Wait()
	if n := connections(t, address); n > workers+2 {
		t.Errorf("%d connections for 500 readers, want at most %d", n, workers+2)
	}
}

// connections asks memcached how many connections it has, ours of this question included.
func connections(t *testing.T, address string) int {
	t.Helper()
	conn, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "stats\r\n"); err != nil {
		t.Fatal(err)
	}
	for {
		var stat, name, value string
		if _, err := fmt.Fscan(conn, &stat, &name, &value); err != nil {
			t.Fatal(err)
		}
		if name == "curr_connections" {
			n := 0
			_, _ = fmt.Sscan(value, &n)
			return n - 2 // the listening sockets memcached counts itself
		}
	}
}

func faultAway(t *testing.T) {
	t.Parallel()
	address, kill := memcached(t)
	s := open(t, address)
	if err := s.Put("A", []byte("x")); err != nil {
		t.Fatal(err)
	}
	kill()
	waitFor(t, func() bool {
		_, err := s.Get(context.Background(), []string{"A"})
		return errors.Is(err, ErrAway)
	})
	if err := s.Put("A", []byte("x")); !errors.Is(err, ErrAway) {
		t.Errorf("Put = %v, want ErrAway", err)
	}
	if err := s.Ping(); !errors.Is(err, ErrAway) {
		t.Errorf("Ping = %v, want ErrAway", err)
	}
}

func faultGarbage(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "m")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("SSH-2.0-OpenSSH_9.2\r\nwhat?\r\n"))
			_ = conn.Close()
		}
	}()
	s := open(t, socket)
	if docs, err := s.Get(context.Background(), []string{"A"}); !errors.Is(err, ErrAway) {
		t.Errorf("Get = %v, %v; want ErrAway", docs, err)
	}
}

func TestPutExpiresWithTTL(t *testing.T) {
	t.Parallel()
	if progress.TTL < progress.Fresh+progress.Refresh {
		t.Errorf("a document must outlive its refresh: TTL %v, fresh %v, refresh %v", progress.TTL, progress.Fresh, progress.Refresh)
	}
}
