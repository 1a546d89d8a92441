package document

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/fault"
)

// zipOf is a zip of files with a little content each.
func zipOf(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, strings.Repeat("content of "+name+"\n", 20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func garbage(n int) string {
	random := rand.NewChaCha8([32]byte{7})
	b := make([]byte, n)
	_, _ = random.Read(b)
	return string(b)
}

const oleMark = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

func TestCheck(t *testing.T) {
	t.Parallel()
	docx := zipOf(t, "[Content_Types].xml", "_rels/.rels", "word/document.xml")
	odt := zipOf(t, "mimetype", "content.xml", "META-INF/manifest.xml")
	encrypted := oleMark + strings.Repeat("\x00", 256<<10-20) + "E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00" + strings.Repeat("\x00", 1000)
	for _, tt := range []struct{ about, name, content, want string }{
		{"a Word document", "a.docx", docx, ""},
		{"a Word document with another document's name", "a.odt", docx, ""},
		{"a text document", "a.odt", odt, ""},
		{"an old Word document", "a.DOC", oleMark + strings.Repeat("\x00", 600), ""},
		{"RTF under the name of Word", "a.doc", `{\rtf1 Hello}`, ""},
		{"HTML under the name of Excel", "a.xls", "<table><tr><td>1</td></tr></table>", ""},
		{"plain text", "a.txt", "Grüße\n", ""},
		{"UTF-16 text", "a.csv", "\xff\xfea\x00;\x00b\x00", ""},
		{"a document without an extension", "a", odt, ""},
		{"random bytes named .docx", "a.docx", garbage(3000), "The file is named .docx, but its content is not that of such a document."},
		{"random bytes named .txt", "a.txt", garbage(3000), "The file is named .txt, but its content is not that of such a document."},
		{"random bytes without a name", "a", garbage(3000), "This is not a document that can be opened: its content is of no known kind."},
		{"text named .docx", "a.docx", "<html>502 Bad Gateway</html>", "The file is named .docx, but it contains plain text."},
		{"nothing", "a.docx", "", "The file is empty."},
		{"a document cut short", "a.docx", docx[:len(docx)-40], "The document is incomplete: its end is missing."},
		{"a document cut in the middle", "a.docx", docx[len(docx)/3:len(docx)/3] + docx[:len(docx)/3] + strings.Repeat("x", 10), "The document is incomplete: its end is missing."},
		{"an archive", "a.docx", zipOf(t, "photo.jpg"), "The file is an archive, not a document."},
		{"a locked document", "a.docx", encrypted, "The document is protected by a password."},
		{"a program", "a.docx", "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100), "The file is named .docx, but its content is not that of such a document."},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "1")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err := Check(file, tt.name)
			if tt.want == "" {
				if err != nil {
					t.Fatalf("Check: %v, want no problem", err)
				}
				return
			}
			var refusal *fault.Error
			if !errors.As(err, &refusal) || refusal.Message != tt.want || refusal.Hint == "" {
				t.Fatalf("Check: %v, want %q with a hint", err, tt.want)
			}
		})
	}
}

func TestCheckOfAMissingFileIsNoFaultOfTheDocument(t *testing.T) {
	t.Parallel()
	err := Check(filepath.Join(t.TempDir(), "none"), "a.docx")
	var refusal *fault.Error
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &refusal) {
		t.Fatalf("Check: %v, want an error about the missing file only", err)
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ about, content, want string }{
		{"HTML", "<!doctype html><p>Grüße", ""},
		{"UTF-16", "\xff\xfe<\x00p\x00>\x00", ""},
		{"Latin-1", "Gr\xfc\xdfe\n", ""},
		{"nothing", "", "The file is empty."},
		{"random bytes", garbage(3000), "The file contains no text: it is damaged, or of another kind than its name says."},
		{"a Word document", zipOf(t, "[Content_Types].xml", "_rels/.rels", "word/document.xml"), "The file contains no text: it is damaged, or of another kind than its name says."},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "1")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err, message := CheckText(file, "a.html"), ""
			var refusal *fault.Error
			if errors.As(err, &refusal) && refusal.Hint != "" {
				message = refusal.Message
			}
			if message != tt.want || (err == nil) != (tt.want == "") {
				t.Fatalf("CheckText: %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte("PK\x03\x04"), "a.docx")
	f.Add([]byte("PK\x03\x04PK\x05\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "a.odt")
	f.Add([]byte(oleMark), "a.doc")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		file := filepath.Join(t.TempDir(), "1")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		err := Check(file, name)
		var refusal *fault.Error
		if err != nil && !errors.As(err, &refusal) {
			t.Fatalf("Check: %v, want a refusal or none", err)
		}
	})
}
