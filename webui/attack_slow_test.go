package webui_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/webui"
)

// crowd opens connections and sends a beginning on each. They take little before they
// are read from.
func (b *bench) crowd(n int, beginning string) []net.Conn {
	b.t.Helper()
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
		return errors.Join(err, set)
	}}
	all := make([]net.Conn, n)
	for i := range all {
		conn, err := small.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, beginning); err != nil {
			b.t.Fatal(err)
		}
		all[i] = conn
	}
	return all
}

// dribbling sends a byte now and then on every second of them, for as long as the service
// takes them.
func dribbling(all []net.Conn) []net.Conn {
	for i := 0; i < len(all); i += 2 {
		go dribble(all[i])
	}
	return all
}

func dribble(conn net.Conn) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
	}
}

// answersTo reads what each connection gets until the service closes it.
func answersTo(t *testing.T, all []net.Conn) []string {
	t.Helper()
	var answers []string
	for i, conn := range all {
		text, err := io.ReadAll(conn)
		if isTimeout(err) {
			t.Fatalf("connection %d is held for ever", i)
		}
		answers = append(answers, string(text))
	}
	return answers
}

func TestAttack_A06_bodies_that_come_too_slowly(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.Idle = time.Second })
	request := formRequest(t, "", nil, upload{"a.bin", strings.Repeat("x", 10_000)})
	slow := dribbling(b.crowd(200, request[:len(request)-8000]))
	b.made() // nobody else notices
	given := 0
	for _, answer := range answersTo(t, slow) {
		if strings.HasPrefix(answer, "HTTP/1.1 408 ") && strings.Contains(answer, "too slowly") {
			given++
		}
	}
	// A client that goes on sending may be reset before it reads the answer.
	if given < 100 {
		t.Errorf("%d of 200 heard why they were given up", given)
	}
	if jobs := b.list(); len(jobs) != 1 {
		t.Errorf("%d jobs, want the honest one", len(jobs))
	}
	b.eventually("the files of the slow ones are gone", func() bool { return len(b.files()) == 1 })
}

func TestAttack_A06_an_honest_upload_may_be_slower_than_the_limit_as_a_whole(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.Idle = 400 * time.Millisecond })
	content := strings.Repeat("x", 6*70_000)
	request := formRequest(t, "", nil, upload{"a.bin", content})
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	tick := time.NewTicker(150 * time.Millisecond) // six pieces: twice the limit together
	defer tick.Stop()
	for piece := range slices.Chunk([]byte(request), 70_000) {
		if _, err := conn.Write(piece); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Errorf("%d %s", response.StatusCode, readString(t, response.Body))
	}
}

func TestAttack_A07_heads_that_come_too_slowly(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.Header = time.Second })
	slow := dribbling(b.crowd(500, "GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "))
	b.made()
	for _, answer := range answersTo(t, slow) {
		if strings.HasPrefix(answer, "HTTP/1.1 2") {
			t.Fatalf("half a head was answered: %s", answer)
		}
	}
}

func TestAttack_A07_a_head_over_the_limit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response, _ := b.raw("GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "+strings.Repeat("x", 80<<10)+"\r\n\r\n", false)
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", response.StatusCode)
	}
}

func TestAttack_A11_a_hundred_uploads_for_ten_places(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.Upload = 1 << 60; o.Limits.Idle = patience })
	free, err := b.spool.Free()
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", free*2/21) // ten of them fit, others may write meanwhile
	taken := 0
	all := b.crowd(100, head)
	for _, conn := range all {
		line, err := bufio.NewReader(conn).ReadString('\n')
		switch {
		case strings.HasPrefix(line, "HTTP/1.1 100 "):
			taken++
		case !strings.HasPrefix(line, "HTTP/1.1 507 "):
			t.Fatalf("%q, %v", line, err)
		}
	}
	if taken < 9 || taken > 10 {
		t.Errorf("%d of 100 were begun, there is room for 10", taken)
	}
	for _, conn := range all {
		conn.Close()
	}
	b.eventually("the room is free again", func() bool {
		line, _ := bufio.NewReader(b.crowd(1, head)[0]).ReadString('\n')
		return strings.HasPrefix(line, "HTTP/1.1 100 ")
	})
	b.nothingLeft()
}

func TestAttack_C11_clients_that_never_read(t *testing.T) {
	t.Parallel()
	const clients = 300
	b := setup(t, func(o *webui.Options) { o.Limits.Idle, o.Limits.Streams = 500*time.Millisecond, clients+1 })
	j := b.made()
	c := b.claim()
	b.status.put(running(c, 1))
	b.writeLog(j.ID, 1, strings.Repeat(strings.Repeat("y", 127)+"\n", 64<<10)) // more than any buffer holds
	b.crowd(clients, "GET "+j.Links.Events+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
	reader := b.listen(j.Links.Events+"?log=0", "")
	reader.until("status", "running")
	other := b.made() // nobody else notices
	b.finish(c, fault.Succeeded, upload{"out.txt", "x"})
	done := running(c, 100)
	done.State, done.Done = "succeeded", true
	b.status.put(done)
	reader.until("done", "succeeded")
	opened := 0
	b.eventually("all places are free again", func() bool {
		conn := b.crowd(1, "GET "+other.Links.Events+" HTTP/1.1\r\nHost: localhost\r\n\r\n")[0]
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if strings.HasPrefix(line, "HTTP/1.1 200 ") {
			opened++
		}
		return opened == clients+1
	})
}

func isTimeout(err error) bool {
	late, ok := err.(net.Error)
	return ok && late.Timeout()
}
