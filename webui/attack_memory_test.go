package webui_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// pour sends a head and then as much of the same as the service takes, and returns the
// status of its answer. A service that stops listening resets the connection, which may
// lose the answer: then it is 0.
func (b *bench) pour(head string, piece []byte, times int) int {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	answered := make(chan int, 1)
	go func() {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			answered <- 0
			return
		}
		defer response.Body.Close()
		answered <- response.StatusCode
	}()
	_, err = io.WriteString(conn, head)
	for i := 0; i < times && err == nil; i++ {
		_, err = conn.Write(piece)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		_ = tcp.CloseWrite()
	}
	return <-answered
}

func TestAttack_A08_A09_forms_that_want_memory(t *testing.T) {
	t.Parallel()
	b := processOfItsOwn(t)
	const head = "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n%s"
	block := bytes.Repeat([]byte("x"), 1<<20)
	part := "--B\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n"
	for name, try := range map[string]struct {
		begin string
		piece []byte
		times int
	}{
		"A09_a_field_of_100_MB":       {fmt.Sprintf(part, "param.title", ""), block, 100},
		"A09_a_part_header_of_100_MB": {"--B\r\nContent-Disposition: form-data; name=\"", block, 100},
		"A08_a_million_fields":        {"", bytes.Repeat([]byte(fmt.Sprintf(part, "tag", "")+"a=b\r\n"), 10_000), 100},
		"A08_a_million_files":         {fmt.Sprintf(part, "recipe", "") + "copy\r\n", bytes.Repeat([]byte(fmt.Sprintf(part, "file", "; filename=\"a\"")+"x\r\n"), 1000), 1000},
	} {
		status := b.pour(fmt.Sprintf(head, len(try.begin)+len(try.piece)*try.times, try.begin), try.piece, try.times)
		if status != 0 && status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: answered %d", name, status)
		}
		if a := b.get("/healthz"); a.StatusCode != http.StatusOK {
			t.Errorf("%s: afterwards %d", name, a.StatusCode)
		}
	}
	if peak := peakMemory(t, b.pid); peak > maxResident {
		t.Errorf("%d MiB resident", peak>>20)
	}
	if files := b.files(); len(files) > 0 {
		t.Errorf("left: %q", files)
	}
}

func TestAttack_C14_a_JSON_body_of_100_MB(t *testing.T) {
	t.Parallel()
	b := processOfItsOwn(t)
	head := "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	piece := []byte(fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat("[", 1<<20)))
	if status := b.pour(head, piece, 100); status != 0 && status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", status)
	}
	if peak := peakMemory(t, b.pid); peak > maxResident {
		t.Errorf("%d MiB resident", peak>>20)
	}
}

func TestAttack_B01_names_in_an_archive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	// The runner gives results such names; a row of another kind must not do harm either.
	j := b.done(upload{"../../etc/passwd", "a"}, upload{"/abs", "b"}, upload{`..\..\x`, "c"}, upload{"a\nb", "d"}, upload{"x", "e"}, upload{"X", "f"})
	a := b.get(j.Links.Self + "/outputs.zip")
	archive, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		if strings.ContainsAny(f.Name, "/\\\n") || strings.Contains(f.Name, "..") || f.Mode()&^0o777 != 0 {
			t.Errorf("entry %q %s", f.Name, f.Mode())
		}
		names = append(names, strings.ToLower(f.Name))
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != 6 {
		t.Errorf("entries that are one on some systems: %q", names)
	}
}
