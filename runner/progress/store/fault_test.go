package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestFault has the row of the table of faults about memcached, as far as readers of it
// are concerned.
func TestFault(t *testing.T) {
	t.Parallel()
	t.Run("F11_memcached", func(t *testing.T) {
		t.Parallel()
		t.Run("away", faultAway)
		t.Run("garbage", faultGarbage)
		t.Run("never_answers", faultNeverAnswers)
		t.Run("comes_back", faultComesBack)
		t.Run("full_and_flushed", faultFull)
	})
}

// mute takes connections and what is said, and never answers until it is told to speak.
type mute struct {
	// asked counts what readers asked for, pinged what looked whether it is there.
	asked, pinged atomic.Int64
	speaks        atomic.Bool
}

func (m *mute) listen(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "m")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.hear(conn)
		}
	}()
	return socket
}

func (m *mute) hear(conn net.Conn) {
	defer conn.Close()
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		word, _, _ := strings.Cut(lines.Text(), " ")
		answer := ""
		switch word {
		case "get", "gets":
			m.asked.Add(1)
			answer = "END\r\n"
		case "set":
			m.asked.Add(1)
			lines.Scan()
			answer = "STORED\r\n"
		case "version":
			m.pinged.Add(1)
			answer = "VERSION 1\r\n"
		}
		if m.speaks.Load() {
			_, _ = fmt.Fprint(conn, answer)
		}
	}
}

// faultNeverAnswers has many readers and writers of a memcached that hangs. Only those of
// the first moment get as far as that; nobody else waits for it.
func faultNeverAnswers(t *testing.T) {
	t.Parallel()
	m := &mute{}
	s := open(t, m.listen(t))
	for i := range 2000 {
		id := fmt.Sprint(i)
		if _, err := s.Get(context.Background(), []string{id}); !errors.Is(err, ErrAway) {
			t.Fatalf("Get = %v", err)
		}
		if err := s.Put(id, []byte("x")); !errors.Is(err, ErrAway) {
			t.Fatalf("Put = %v", err)
		}
		if _, err := s.Dial(); !errors.Is(err, ErrAway) {
			t.Fatalf("Dial = %v", err)
		}
	}
	if n := m.asked.Load(); n > workers {
		t.Errorf("%d of 4000 calls reached it, want at most %d", n, workers)
	}
	var readers sync.WaitGroup
	for i := range 100 {
		readers.Go(func() { _, _ = s.Get(context.Background(), []string{fmt.Sprint(i)}) })
	}
	readers.Wait()
	waitFor(t, func() bool { return m.pinged.Load() >= 2 })
	if n := m.asked.Load(); n > workers {
		t.Errorf("%d calls reached it while it was looked after in the background", n)
	}
}

// faultComesBack has the same one answer at last.
func faultComesBack(t *testing.T) {
	t.Parallel()
	m := &mute{}
	s := open(t, m.listen(t))
	if err := s.Put("A", []byte("x")); !errors.Is(err, ErrAway) {
		t.Fatalf("Put = %v", err)
	}
	m.speaks.Store(true)
	waitFor(t, func() bool { return s.Put("A", []byte("x")) == nil })
}

// faultFull has a memcached forget what does not fit, and everything when it is told to.
func faultFull(t *testing.T) {
	t.Parallel()
	address, _ := memcached(t)
	s := open(t, address)
	doc := []byte(strings.Repeat("x", 500_000))
	for i := range 100 { // 50 MB for 16
		if err := s.Put(fmt.Sprint("J", i), doc); err != nil {
			t.Fatal(err)
		}
	}
	docs, err := s.Get(context.Background(), []string{"J0", "J99"})
	if err != nil || docs["J0"] != nil || len(docs["J99"]) != len(doc) {
		t.Errorf("%d bytes of the first, %d of the last: %v", len(docs["J0"]), len(docs["J99"]), err)
	}
	conn, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "flush_all\r\n"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		docs, err := s.Get(context.Background(), []string{"J99"})
		return err == nil && docs["J99"] == nil
	})
}
