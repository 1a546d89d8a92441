package runner

import (
	"strings"
	"testing"
	"time"
)

func TestKindsAreUnique(t *testing.T) {
	t.Parallel()
	types, extensions := map[string]bool{}, map[string]bool{}
	for _, k := range kinds() {
		if types[k.mediaType] {
			t.Errorf("%s is there twice", k.mediaType)
		}
		types[k.mediaType] = true
		for ext := range strings.FieldsSeq(k.extensions) {
			if extensions[ext] {
				t.Errorf(".%s is there twice", ext)
			}
			extensions[ext] = true
			if got := typeByExtension("A.B." + strings.ToUpper(ext)); got != k.mediaType {
				t.Errorf(".%s is %s, not %s", ext, got, k.mediaType)
			}
		}
	}
}

func TestLooksLike(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		for _, m := range k.begins {
			head := append(make([]byte, m.at), m.text...)
			if !looksLike(k.mediaType, head) {
				t.Errorf("%s does not look like itself", k.mediaType)
			}
			if looksLike(k.mediaType, head[:len(head)-1]) {
				t.Errorf("half the beginning of %s will do", k.mediaType)
			}
		}
		if len(k.begins) > 0 && looksLike(k.mediaType, nil) {
			t.Errorf("nothing looks like %s", k.mediaType)
		}
	}
	for _, row := range []struct {
		mediaType, head string
		want            bool
	}{
		{"application/pdf", "\x89PNG\r\n\x1a\n", false},
		{"image/png", "%PDF-1.7", false},
		{"video/mp4", "\x00\x00\x00\x18ftypisom", true},
		{"image/svg+xml", "<?xml version='1.0'?>\n<!-- a -->\n<svg xmlns='http://www.w3.org/2000/svg'>", true},
		{"image/svg+xml", "<html>", false},
		{"text/csv", "a,b\n", true},
		{"text/csv", "a\x00b", false},
		{"text/plain", "\xff\xfea\x00", true},
		{"application/x-unknown", "anything", true},
		{"", "anything", true},
	} {
		if got := looksLike(row.mediaType, []byte(row.head)); got != row.want {
			t.Errorf("%q as %s: %v", row.head, row.mediaType, got)
		}
	}
}

func TestTypeByExtensionOfOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a", ".", "a.", "a.nosuch", "a.jpg jpeg", "pdf"} {
		if got := typeByExtension(name); got != "" {
			t.Errorf("%q is %s", name, got)
		}
	}
}

func TestTextsForPeople(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ got, want string }{
		{bytesText(0), "0 bytes"},
		{bytesText(1023), "1023 bytes"},
		{bytesText(1 << 20), "1 MiB"},
		{bytesText(1536 << 10), "1.5 MiB"},
		{bytesText(5 << 40), "5 TiB"},
		{quote([]string{"a", "", "b c", "it's", "x\ny"}), `a '' 'b c' 'it'\''s' 'x y'`},
		{signalName(9), "SIGKILL"},
		{signalName(0), ""},
		{signalName(64), "signal 64"},
		{(&attempt{spec: Spec{Recipe: "r"}}).timeoutVerdict().detail, "The conversion took longer than its time limit of 0s."},
		{timeText(90 * time.Minute), "1h30m"},
		{timeText(time.Hour), "1h"},
		{timeText(90 * time.Second), "1m30s"},
		{timeText(100 * time.Millisecond), "100ms"},
	} {
		if row.got != row.want {
			t.Errorf("%q, want %q", row.got, row.want)
		}
	}
	if line := quote([]string{strings.Repeat("x", 1<<20)}); len(line) > maxQuoted+10 {
		t.Errorf("command line has %d bytes", len(line))
	}
}

func TestCutExt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, stem, ext string }{
		{"a.b.c", "a.b", ".c"}, {"a", "a", ""}, {".profile", ".profile", ""}, {"a.", "a", "."}, {"", "", ""},
	} {
		if stem, ext := cutExt(row.name); stem != row.stem || ext != row.ext {
			t.Errorf("%q is %q and %q", row.name, stem, ext)
		}
	}
}
