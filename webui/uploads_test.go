package webui_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/webui"
)

const tusVersion = "Tus-Resumable: 1.0.0"

// begin creates an upload of a size and returns its address.
func (b *bench) begin(size int, headers ...string) string {
	b.t.Helper()
	name := base64.StdEncoding.EncodeToString([]byte("grün.txt"))
	headers = append(headers, tusVersion, "Upload-Length: "+strconv.Itoa(size), "Upload-Metadata: filename "+name)
	a := b.do(http.MethodPost, "/api/v1/uploads", nil, headers...)
	if a.StatusCode != http.StatusCreated || a.Header.Get("Upload-Expires") == "" {
		b.t.Fatalf("create: %d %s", a.StatusCode, a.body)
	}
	return a.Header.Get("Location")
}

func (b *bench) piece(link string, offset int, content []byte, headers ...string) answer {
	b.t.Helper()
	headers = append(headers, tusVersion, "Content-Type: application/offset+octet-stream", "Upload-Offset: "+strconv.Itoa(offset))
	return b.do(http.MethodPatch, link, bytes.NewReader(content), headers...)
}

func (b *bench) offset(link string) int {
	b.t.Helper()
	a := b.do(http.MethodHead, link, nil, tusVersion)
	n, err := strconv.Atoi(a.Header.Get("Upload-Offset"))
	if a.StatusCode != http.StatusOK || err != nil || a.Header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("HEAD: %d %v", a.StatusCode, a.Header)
	}
	return n
}

func TestUploads_in_pieces_become_an_input(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := []byte(strings.Repeat("0123456789", 1000))
	link := b.begin(len(content))
	if n := b.offset(link); n != 0 {
		t.Errorf("offset %d", n)
	}
	for at := 0; at < len(content); at += 3000 {
		end := min(at+3000, len(content))
		if a := b.piece(link, at, content[at:end]); a.StatusCode != http.StatusNoContent || a.Header.Get("Upload-Offset") != strconv.Itoa(end) {
			t.Fatalf("piece at %d: %d %s", at, a.StatusCode, a.body)
		}
	}
	id := filepath.Base(link)
	j := b.do(http.MethodPost, "/api/v1/jobs", strings.NewReader(`{"recipe":"copy","inputs":[{"upload":"`+id+`"}]}`),
		"Content-Type: application/json").job(t, http.StatusAccepted)
	if in := j.Inputs[0]; in.Name != "grün.txt" || in.Size != 10000 || in.SHA256 != hexSum(content) {
		t.Errorf("%+v", in)
	}
	stored, err := os.ReadFile(filepath.Join(b.spool.Job(j.ID).In(), "1.txt"))
	if err != nil || !bytes.Equal(stored, content) {
		t.Errorf("stored %d bytes, %v", len(stored), err)
	}
	if a := b.do(http.MethodHead, link, nil, tusVersion); a.StatusCode != http.StatusNotFound {
		t.Errorf("the used upload is still there: %d", a.StatusCode)
	}
	if n := len(b.files()); n != 1 {
		t.Errorf("%d files", n)
	}
}

func TestUploads_with_creation_and_first_piece_in_one(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.do(http.MethodPost, "/api/v1/uploads", strings.NewReader("hello"), tusVersion, "Upload-Length: 8", "Content-Type: application/offset+octet-stream")
	if a.StatusCode != http.StatusCreated || a.Header.Get("Upload-Offset") != "5" {
		t.Fatalf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	if n := b.offset(a.Header.Get("Location")); n != 5 {
		t.Errorf("offset %d", n)
	}
}

func TestUploads_refuse(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.Upload = 1000 })
	link := b.begin(10)
	b.piece(link, 0, []byte("01234"))
	const pieceType = "Content-Type: application/offset+octet-stream"
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"another version", "POST", "/api/v1/uploads", "", []string{"Tus-Resumable: 0.2.2", "Upload-Length: 1"}, 412},
		{"no version", "HEAD", link, "", nil, 412},
		{"no length", "POST", "/api/v1/uploads", "", []string{tusVersion}, 400},
		{"a deferred length", "POST", "/api/v1/uploads", "", []string{tusVersion, "Upload-Defer-Length: 1"}, 400},
		{"a negative length", "POST", "/api/v1/uploads", "", []string{tusVersion, "Upload-Length: -1"}, 400},
		{"too long", "POST", "/api/v1/uploads", "", []string{tusVersion, "Upload-Length: 1001"}, 413},
		{"broken metadata", "POST", "/api/v1/uploads", "", []string{tusVersion, "Upload-Length: 1", "Upload-Metadata: filename %%"}, 400},
		{"a wrong offset", "PATCH", link, "x", []string{tusVersion, pieceType, "Upload-Offset: 4"}, 409},
		{"no offset", "PATCH", link, "x", []string{tusVersion, pieceType}, 400},
		{"a wrong type", "PATCH", link, "x", []string{tusVersion, "Upload-Offset: 5"}, 415},
		{"more than the length", "PATCH", link, "567890", []string{tusVersion, pieceType, "Upload-Offset: 5"}, 413},
		{"an unknown checksum", "PATCH", link, "x", []string{tusVersion, pieceType, "Upload-Offset: 5", "Upload-Checksum: md4 AAAA"}, 400},
		{"a damaged piece", "PATCH", link, "x", []string{tusVersion, pieceType, "Upload-Offset: 5", "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, 460},
		{"an unknown upload", "PATCH", "/api/v1/uploads/AAAAAAAAAAAAAAAAAAAAAAAAAA", "x", []string{tusVersion, pieceType, "Upload-Offset: 0"}, 404},
		{"an id that is none", "DELETE", "/api/v1/uploads/..%5cx", "", []string{tusVersion}, 404},
		{"a job of it before its end", "POST", "/api/v1/jobs", `{"recipe":"copy","inputs":[{"upload":"` + filepath.Base(link) + `"}]}`, []string{"Content-Type: application/json"}, 409},
	}
	for _, tt := range tests {
		a := b.do(tt.method, tt.path, strings.NewReader(tt.body), tt.headers...)
		if a.StatusCode != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, a.StatusCode, a.body, tt.status)
		}
		if n := b.offset(link); n != 5 {
			t.Fatalf("%s: the offset is %d afterwards", tt.name, n)
		}
	}
	sum := sha1.Sum([]byte("56789"))
	if a := b.piece(link, 5, []byte("56789"), "Upload-Checksum: sha1 "+base64.StdEncoding.EncodeToString(sum[:])); a.StatusCode != http.StatusNoContent {
		t.Errorf("a piece that is right: %d %s", a.StatusCode, a.body)
	}
	if a := b.do(http.MethodDelete, link, nil, tusVersion); a.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %d", a.StatusCode)
	}
	if a := b.do(http.MethodOptions, "/api/v1/uploads", nil); a.StatusCode != 204 || a.Header.Get("Tus-Max-Size") != "1000" || a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("options: %d %v", a.StatusCode, a.Header)
	}
	b.nothingLeft()
}

// TestUploads_survive_cuts_at_any_byte sends pieces whose connections break, and goes on
// where the service says.
func TestUploads_survive_cuts_at_any_byte(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := make([]byte, 700_001)
	_, _ = rand.Read(content)
	for _, checked := range []bool{false, true} {
		link := b.begin(len(content))
		for _, cut := range []int{1, 255, 65_537, 262_145, 300_000} {
			at := b.offset(link)
			b.cutPiece(link, at, content[at:], cut, checked)
			if !checked {
				b.eventually("what came is kept", func() bool { return b.offset(link) > at })
			}
		}
		at := b.offset(link)
		if checked && at != 0 {
			t.Errorf("%d unchecked bytes count", at)
		}
		if a := b.piece(link, at, content[at:]); a.StatusCode != http.StatusNoContent {
			t.Fatalf("the rest: %d %s", a.StatusCode, a.body)
		}
		stored, err := os.ReadFile(filepath.Join(b.spool.Uploads(), filepath.Base(link)+".data"))
		if err != nil || !bytes.Equal(stored, content) {
			t.Errorf("stored %d bytes that differ, %v", len(stored), err)
		}
	}
}

// cutPiece announces all of a piece, sends some of it and breaks the connection.
func (b *bench) cutPiece(link string, offset int, content []byte, send int, checked bool) {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	checksum := ""
	if checked {
		checksum = "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
	}
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n%sUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n",
		link, checksum, offset, len(content))
	if _, err := conn.Write(content[:send]); err != nil {
		b.t.Fatal(err)
	}
}

// TestUploads_hand_over lets a new request go on while an older one hangs.
func TestUploads_hand_over(t *testing.T) {
	t.Parallel()
	b := setup(t)
	link := b.begin(10)
	hanging, send := io.Pipe()
	r, err := http.NewRequest(http.MethodPatch, b.base+link, hanging)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Content-Type": {"application/offset+octet-stream"}, "Upload-Offset": {"0"}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if response, err := http.DefaultClient.Do(r); err == nil {
			response.Body.Close()
		}
	}()
	_, _ = send.Write([]byte("01234"))
	data := filepath.Join(b.spool.Uploads(), filepath.Base(link)+".data")
	b.eventually("the first bytes", func() bool { st, err := os.Stat(data); return err == nil && st.Size() == 5 })
	start := time.Now()
	if n := b.offset(link); n != 5 {
		t.Errorf("offset %d", n)
	}
	if a := b.piece(link, 5, []byte("56789")); a.StatusCode != http.StatusNoContent {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if waited := time.Since(start); waited > patience/2 {
		t.Errorf("the older request held the upload for %v", waited)
	}
	send.Close()
	<-ended
}

// The sweep at the start may be faster than the first piece; there is no other one soon.
func TestUploads_expire(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *webui.Options) { o.Limits.UploadAge = time.Nanosecond })
	code := fault.NotFound
	for range 2 {
		if code == fault.NotFound {
			code = b.do(http.MethodPatch, b.begin(10), strings.NewReader("x"), tusVersion, "Content-Type: application/offset+octet-stream", "Upload-Offset: 0").problem(t).Code
		}
	}
	if code != fault.Gone {
		t.Errorf("a piece that comes too late is answered %s", code)
	}
}
