package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
)

type got struct {
	Name, FileName string
	File           bool
	Content        string
}

var testLimits = Limits{Parts: 100, Header: 8 << 10, Field: 1 << 20}

func readAll(source io.Reader, boundary string, size int) ([]got, error) {
	r, err := newReader(source, boundary, testLimits, make([]byte, size))
	if err != nil {
		return nil, err
	}
	var all []got
	for {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		var content bytes.Buffer
		if _, err := r.CopyTo(&content); err != nil {
			return all, err
		}
		all = append(all, got{part.Name, part.FileName, part.File, content.String()})
	}
}

// TestReader_agrees_with_the_standard_library_about_well_formed_bodies writes bodies with
// the standard library and reads them in windows and pieces of awkward sizes.
func TestReader_agrees_with_the_standard_library_about_well_formed_bodies(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	var want []got
	for i, content := range []string{
		"", "x", "\r\n", "\r\n--", "--" + w.Boundary(), "\r\n--" + w.Boundary()[:20], "\r\n--" + w.Boundary() + "x",
		strings.Repeat("\r\n-", 9000), strings.Repeat("a", 40<<10), strings.Repeat("\r\n--"+w.Boundary()[:40], 700),
	} {
		name := fmt.Sprintf("part %d", i)
		part, err := w.CreateFormFile(name, name+`".bin`)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, content)
		want = append(want, got{name, name + `".bin`, true, content})
	}
	_ = w.WriteField("recipe", "ü")
	want = append(want, got{Name: "recipe", Content: "ü"})
	_ = w.Close()
	for _, size := range []int{16 << 10, 16<<10 + 1, 33 << 10, 256 << 10} {
		for name, source := range map[string]io.Reader{
			"whole": bytes.NewReader(body.Bytes()), "one byte at a time": iotest.OneByteReader(bytes.NewReader(body.Bytes())),
			"EOF with data": iotest.DataErrReader(bytes.NewReader(body.Bytes())),
		} {
			have, err := readAll(source, w.Boundary(), size)
			if diff := cmp.Diff(want, have); diff != "" || err != nil {
				t.Errorf("%s, window %d: %v\n%s", name, size, err, diff)
			}
		}
	}
}

func TestReader_refuses(t *testing.T) {
	t.Parallel()
	const head = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
	tests := []struct {
		name, boundary, body string
		code                 fault.Code
	}{
		{"no boundary", "", head, fault.Invalid},
		{"a boundary of 71 characters", strings.Repeat("b", 71), head, fault.Invalid},
		{"an empty body", "B", "", fault.Invalid},
		{"no final boundary", "B", head + "x", fault.Invalid},
		{"a cut in the final boundary", "B", head + "x\r\n--B-", fault.Invalid},
		{"a cut in the headers", "B", head[:20], fault.Invalid},
		{"bare line feeds", "B", strings.ReplaceAll(head+"x\r\n--B--\r\n", "\r\n", "\n"), fault.Invalid},
		{"text behind a boundary", "B", "--B x\r\n\r\nx\r\n--B--\r\n", fault.Invalid},
		{"headers of 1 MB", "B", "--B\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\nx\r\n--B--\r\n", fault.Invalid},
		{"a preamble", "B", "x\r\n" + head + "x\r\n--B--\r\n", fault.Invalid},
		{"a field of 2 MB", "B", head + strings.Repeat("x", 2<<20) + "\r\n--B--\r\n", fault.TooLarge},
		{"101 parts", "B", strings.Repeat(head+"x\r\n", 101) + "--B--\r\n", fault.Invalid},
		{"a folded header", "B", "--B\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\nx\r\n--B--\r\n", fault.Invalid},
		{"a header twice", "B", "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\nx\r\n--B--\r\n", fault.Invalid},
		{"a file name twice", "B", "--B\r\nContent-Disposition: form-data; name=a; filename=x; filename=y\r\n\r\nx\r\n--B--\r\n", fault.Invalid},
		{"no disposition", "B", "--B\r\n\r\nx\r\n--B--\r\n", fault.Invalid},
		{"base64", "B", "--B\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--B--\r\n", fault.Unsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := readTexts(tt.body, tt.boundary); !fault.Is(err, tt.code) {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}

func readTexts(body, boundary string) error {
	r, err := newReader(strings.NewReader(body), boundary, testLimits, make([]byte, 64<<10))
	for err == nil {
		if _, err = r.Next(); err == nil {
			_, err = r.Text()
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func TestReader_file_names(t *testing.T) {
	t.Parallel()
	tests := []struct{ disposition, want string }{
		{`form-data; name="file"; filename="a b.png"`, "a b.png"},
		{`form-data; name="file"; filename="ü.png"`, "ü.png"},
		{`form-data; name="file"; filename="a%22b.png"`, `a"b.png`},
		{`form-data; name="file"; filename="a\"b.png"`, `a"b.png`},
		{`form-data; name="file"; filename="plain.png"; filename*=UTF-8''%C3%BC.png`, "ü.png"},
		{`form-data; name="file"; filename*=UTF-8''%C3%BC.png; filename="plain.png"`, "ü.png"},
		{`form-data; name="file"; filename="plain.png"; filename*=UTF-7''+AN-`, "plain.png"},
		{`form-data; name="file"; filename=""`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.disposition, func(t *testing.T) {
			t.Parallel()
			body := "--B\r\nContent-Disposition: " + tt.disposition + "\r\n\r\nx\r\n--B--\r\n"
			all, err := readAll(strings.NewReader(body), "B", 64<<10)
			if diff := cmp.Diff([]got{{"file", tt.want, true, "x"}}, all); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

// FuzzReader holds the reader against mime/multipart: what both take must be the same,
// and what the standard library wrote must be taken.
func FuzzReader(f *testing.F) {
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\nhello\r\n--B\r\n\r\n--B--\r\n"), "B", uint16(0))
	f.Add([]byte("pre\r\n--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--Bx\r\n--B--"), "B", uint16(9))
	f.Add([]byte("--\r\n\r\n\r\n----"), "-", uint16(1))
	f.Fuzz(func(t *testing.T, body []byte, boundary string, extra uint16) {
		ours, err := readAll(bytes.NewReader(body), boundary, 9<<10+int(extra))
		if err != nil {
			return
		}
		oracle := multipart.NewReader(bytes.NewReader(body), boundary)
		for i, part := range ours {
			theirs, err := oracle.NextRawPart()
			if err != nil {
				t.Fatalf("part %d: the standard library refuses: %v", i, err)
			}
			content, err := io.ReadAll(theirs)
			if err != nil {
				t.Fatalf("part %d: the standard library refuses: %v", i, err)
			}
			if string(content) != part.Content {
				t.Fatalf("part %d: %q, the standard library has %q", i, part.Content, content)
			}
		}
		if _, err := oracle.NextRawPart(); !errors.Is(err, io.EOF) {
			t.Fatalf("the standard library has another part: %v", err)
		}
	})
}
