package progress

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// clock is a time that only the test moves.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) time() time.Time          { return c.now }
func (c *clock) advance(by time.Duration) { c.now = c.now.Add(by) }

// standIn listens like memcached and hands out what connections send.
type standIn struct {
	t        *testing.T
	path     string
	listener net.Listener
	conns    chan net.Conn
}

func listen(t *testing.T, path string) *standIn {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &standIn{t: t, path: path, listener: l, conns: make(chan net.Conn, 8)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.conns <- conn
		}
	}()
	t.Cleanup(func() { l.Close() })
	return s
}

func (s *standIn) conn() net.Conn {
	s.t.Helper()
	select {
	case c := <-s.conns:
		s.t.Cleanup(func() { c.Close() })
		return c
	case <-time.After(10 * time.Second):
		s.t.Fatal("nobody connected")
		return nil
	}
}

// dial returns a connected descriptor, as a child inherits it.
func dial(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// command reads one set command and returns its head and the document.
func command(t *testing.T, conn net.Conn) (head string, doc Status) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var flags, ttl, size int
	var key, noreply string
	if _, err := fmt.Sscanf(line, "set %s %d %d %d %s\r\n", &key, &flags, &ttl, &size, &noreply); err != nil || noreply != "noreply" {
		t.Fatalf("command is %q", line)
	}
	body = strings.TrimSuffix(body, "\r\n")
	if len(body) != size {
		t.Errorf("document has %d bytes, the command says %d", len(body), size)
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(key, " ", flags, " ", ttl), doc
}

func percent(p float64) *float64 { return &p }

func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mc") // short, for the limit on socket addresses
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func TestWriterSetsTheStatusKey(t *testing.T) {
	t.Parallel()
	s := listen(t, socketPath(t))
	c := newClock()
	w := NewWriter(Options{Job: "ID", Attempt: 2, Kind: "memcached", FD: dial(t, s.path), Address: s.path, Now: c.time})
	conn := s.conn()
	w.Update(percent(12.5), "Encoding", "half")
	head, doc := command(t, conn)
	if head != "convertd/status/ID 0 60" {
		t.Errorf("command is %q", head)
	}
	want := Status{ID: "ID", State: "running", Attempt: 2, Percent: percent(12.5), Step: "Encoding", Message: "half", Seq: 1, UpdatedAt: c.now}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	w.Close()
}

func TestWriterIsThrottledAndTheLastIsSent(t *testing.T) {
	t.Parallel()
	s := listen(t, socketPath(t))
	c := newClock()
	w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "memcached", FD: dial(t, s.path), Now: c.time})
	conn := s.conn()
	for i := range 99 {
		w.Update(percent(float64(i)), "", "")
	}
	if _, doc := command(t, conn); *doc.Percent != 0 {
		t.Errorf("first document is at %v", *doc.Percent)
	}
	w.Tick()
	c.advance(Interval)
	w.Tick()
	if _, doc := command(t, conn); *doc.Percent != 98 || doc.Seq != 99 {
		t.Errorf("second document is at %v, number %d", *doc.Percent, doc.Seq)
	}
	w.Update(nil, "", "last")
	w.Close()
	if _, doc := command(t, conn); doc.Message != "last" {
		t.Errorf("last document is %+v", doc)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d more bytes came", n)
	}
}

func TestWriterRefreshesWithoutAChange(t *testing.T) {
	t.Parallel()
	s := listen(t, socketPath(t))
	c := newClock()
	w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "memcached", FD: dial(t, s.path), Now: c.time})
	conn := s.conn()
	w.Update(nil, "one", "")
	_, first := command(t, conn)
	w.Update(nil, "one", "") // the same again is no change
	c.advance(Refresh)
	w.Tick()
	_, second := command(t, conn)
	if second.Seq != first.Seq || !second.UpdatedAt.Equal(first.UpdatedAt.Add(Refresh)) {
		t.Errorf("refreshed document is %+v after %+v", second, first)
	}
}

func TestWriterSurvivesItsStore(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		fail func(net.Conn)
	}{
		{"that dies", func(c net.Conn) { c.Close() }},
		{"that answers garbage", func(c net.Conn) { c.Write([]byte("SERVER_ERROR out of memory\r\n")) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, socketPath(t))
			c := newClock()
			w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "memcached", FD: dial(t, s.path), Address: s.path, Now: c.time})
			row.fail(s.conn())
			w.Update(percent(1), "", "")
			if _, doc := command(t, s.conn()); *doc.Percent != 1 {
				t.Errorf("document after the break is %+v", doc)
			}
		})
	}
}

func TestWriterReconnectsAtMostOnceASecond(t *testing.T) {
	t.Parallel()
	path := socketPath(t)
	c := newClock()
	w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "memcached", Address: path, Now: c.time})
	w.Update(percent(1), "", "") // nobody is there
	s := listen(t, path)
	for range 9 {
		c.advance(Interval)
		w.Tick()
	}
	select {
	case <-s.conns:
		t.Fatal("connected again within a second")
	default:
	}
	c.advance(2 * Interval)
	w.Tick()
	if _, doc := command(t, s.conn()); *doc.Percent != 1 {
		t.Errorf("document after the restart is %+v", doc)
	}
}

func TestWriterNeverWaitsForAStoreThatDoesNotRead(t *testing.T) {
	t.Parallel()
	s := listen(t, socketPath(t))
	c := newClock()
	w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "memcached", FD: dial(t, s.path), Address: s.path, Now: c.time})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20_000 {
			c.advance(Interval)
			w.Update(percent(float64(i%100)), "", strings.Repeat("x", i%200))
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the writer waits")
	}
}

func TestWriterOverTCP(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil && strings.HasPrefix(address, "[") {
			t.Logf("this machine has no IPv6: %v", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c := newClock()
		w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "memcached", Address: l.Addr().String(), Now: c.time})
		w.Update(percent(7), "", "")
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c.advance(Interval)
		w.Tick()
		if _, doc := command(t, conn); *doc.Percent != 7 {
			t.Errorf("%s: document is %+v", address, doc)
		}
	}
}

func TestWriterWithoutAStore(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "/no/such/socket", "nonsense", "256.0.0.1:1", "@"} {
		w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "memcached", Address: address})
		w.Update(percent(1), "", "")
		w.Tick()
		w.Close()
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	r, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := syscall.Dup(int(end.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	end.Close()
	w := NewWriter(Options{Job: "ID", Attempt: 1, Kind: "lines", FD: fd})
	w.Update(percent(3), "s", "m")
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var doc Status
	if err := json.Unmarshal([]byte(line), &doc); err != nil || *doc.Percent != 3 {
		t.Errorf("line is %q: %v", line, err)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "history"))
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	w := NewWriter(Options{Job: "ID", Attempt: 1, History: f, Now: c.time})
	w.Update(nil, "Reading", "")
	w.Update(percent(1), "Reading", "")
	w.Update(percent(2.5), "Reading", "two") // replaces the one before: too soon
	c.advance(time.Second)
	w.Tick()
	w.Update(percent(3), "Writing", "three") // too soon again, but the last
	w.Close()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := "2026-01-02T03:04:05.000Z\t-\tReading\t\n" +
		"2026-01-02T03:04:05.000Z\t2.5\tReading\ttwo\n" +
		"2026-01-02T03:04:06.000Z\t3\tWriting\tthree\n"
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestHistoryIsBoundedAndKeepsTheLast(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "history"))
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	w := NewWriter(Options{Job: "ID", Attempt: 1, History: f, Now: c.time})
	for i := range 5000 {
		w.Update(nil, "", fmt.Sprint(i, strings.Repeat("x", 150)))
		c.advance(time.Second)
	}
	w.Update(nil, "", "the last")
	w.Close()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > historyBytes || !strings.HasSuffix(string(text), "\tthe last\n") {
		t.Errorf("history has %d bytes and ends with %q", len(text), text[len(text)-40:])
	}
}
