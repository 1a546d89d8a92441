package importer

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"convertd/runner/track"
)

// lines reads a source by lines.
func lines(in *Source) []string {
	var all []string
	for {
		line, ok := in.Line()
		if !ok {
			return all
		}
		all = append(all, string(line))
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"":                              nil,
		"a":                             {"a"},
		"a\nb\n":                        {"a", "b"},
		"a\r\nb\rc\n\rd":                {"a", "b", "c", "", "d"},
		"\r\n\r\n":                      {"", ""},
		"\n":                            {""},
		"\xef\xbb\xbfa\n":               {"a"},
		"\xff\xfea\x00\n\x00b\x00":      {"a", "b"},
		"\xfe\xff\x00a\x00\r\x00\n":     {"a"},
		"\xff\xfe":                      nil,
		"\xff\xfea":                     {"\uFFFD"},
		"\xff\xfe\x3d\xd8":              {"\uFFFD"},
		"\xff\xfe\x3d\xd8\x80\xdea\x00": {"\U0001F680a"},
		"\xff\xfe\x80\xde\x3d\xd8a\x00": {"\uFFFD\uFFFDa"},
		"ab":                            {"ab"},
		"\xe9\n":                        {"\xe9"},
	}
	for data, want := range tests {
		for name, r := range map[string]io.Reader{
			"at once": strings.NewReader(data), "byte by byte": iotest.OneByteReader(strings.NewReader(data)),
			"with end": iotest.DataErrReader(strings.NewReader(data)),
		} {
			in := NewSource(r, nil)
			if diff := cmp.Diff(want, lines(in)); diff != "" || in.Err() != nil {
				t.Errorf("%q %s: error %v, lines differ (-want +got):\n%s", data, name, in.Err(), diff)
			}
		}
	}
}

// A text in UTF-16 gives the same lines as in UTF-8, wherever its pieces end.
func TestUTF16ReadsLikeUTF8(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab\n\ré点🚀")), 0, 300, -1).Draw(t, "text")
		text = strings.Repeat(text, rapid.SampledFrom([]int{1, 100}).Draw(t, "times"))
		want := lines(NewSource(strings.NewReader(text), nil))
		for _, bigEndian := range []bool{false, true} {
			got := lines(NewSource(iotest.HalfReader(bytes.NewReader(toUTF16("\ufeff"+text, bigEndian))), nil))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("lines differ (-want +got):\n%s", diff)
			}
		}
	})
}

func TestHeadDoesNotConsume(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("some line\r\n", 20_000)
	in := NewSource(strings.NewReader(text), nil)
	head, err := in.Head()
	if err != nil || len(head) != headSize || bytes.IndexByte(head, '\r') >= 0 {
		t.Fatalf("got a head of %d bytes, %v", len(head), err)
	}
	if got := len(lines(in)); got != 20_000 {
		t.Errorf("got %d lines behind the head, want 20000", got)
	}
}

func TestProgressCountsBytes(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("1 2 3 4\r\n"), 50_000)
	var calls []int64
	in := NewSource(bytes.NewReader(data), func(n int64) { calls = append(calls, n) })
	lines(in)
	for i := 1; i < len(calls); i++ {
		if calls[i] <= calls[i-1] {
			t.Fatalf("progress went from %d to %d", calls[i-1], calls[i])
		}
	}
	if last := calls[len(calls)-1]; last != int64(len(data)) {
		t.Errorf("progress ended at %d, want %d", last, len(data))
	}
}

func TestLineTooLong(t *testing.T) {
	t.Parallel()
	in := NewSource(io.MultiReader(strings.NewReader("a\n"), io.LimitReader(endless('x'), 6<<20)), nil)
	if got := lines(in); len(got) != 1 {
		t.Fatalf("got %d lines, want 1", len(got))
	}
	var parse *track.ParseError
	if !errors.As(in.Err(), &parse) || parse.Line != 2 {
		t.Errorf("got %v, want an error in line 2", in.Err())
	}
}

func TestReaderThatNeverReads(t *testing.T) {
	t.Parallel()
	in := NewSource(io.MultiReader(strings.NewReader("abcd"), stuck{}), nil)
	lines(in)
	if !errors.Is(in.Err(), io.ErrNoProgress) {
		t.Errorf("got %v, want io.ErrNoProgress", in.Err())
	}
}

// stuck is a file that gives nothing and does not end.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }
