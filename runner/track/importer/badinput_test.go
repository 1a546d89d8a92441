package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/track"
)

// Ways to write the same text, none of which may change what is read.
func rewritings() map[string]func([]byte) []byte {
	return map[string]func([]byte) []byte{
		"CRLF":                 func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"CR":                   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r")) },
		"byte order mark":      func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) },
		"UTF-16 little endian": func(b []byte) []byte { return toUTF16("\ufeff"+string(b), false) },
		"UTF-16 big endian":    func(b []byte) []byte { return toUTF16("\ufeff"+string(b), true) },
		"UTF-16 without mark":  func(b []byte) []byte { return toUTF16(string(b), false) },
		"UTF-16BE, no mark":    func(b []byte) []byte { return toUTF16(string(b), true) },
		"blank lines":          func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\n\n \n")) },
		"blanks at line ends":  func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("  \n")) },
		"no last line end":     func(b []byte) []byte { return bytes.TrimRight(b, "\n") },
		"blank start":          func(b []byte) []byte { return append([]byte("\n\n"), b...) },
	}
}

func toUTF16(text string, bigEndian bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(text)) {
		if bigEndian {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func TestRewrittenFilesReadTheSame(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		want, err := readAs(t, e.id, e.data)
		if err != nil {
			t.Fatal(err)
		}
		for how, rewrite := range rewritings() {
			t.Run(e.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				data := rewrite(e.data)
				got, err := readAs(t, e.id, data)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(dump(want), dump(got)); diff != "" {
					t.Errorf("read differently (-want +got):\n%s", diff)
				}
				checkDetected(t, e, data)
			})
		}
	}
}

func TestCutFilesAreErrorsOrRead(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			for n := range e.data {
				shot, err := readAs(t, e.id, e.data[:n])
				checkResult(t, e.id, shot, err)
			}
		})
	}
}

// Formats that mark their end or count ahead have to notice that a file is cut in the middle.
func TestCutFilesAreNoticed(t *testing.T) {
	t.Parallel()
	before := map[string]string{
		"3de4": "1919.5", "pftrack": "981.690", "nuke": "100 101", "shake-script": "715.846", "flame": "Interpolation",
		"matchmover": "15.694", "rzml": "812.48", "json": "1.015e2", "ae-keyframes": "9.61e2",
	}
	for _, e := range examples(t) {
		if before[e.id] == "" {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			cut := bytes.Index(e.data, []byte(before[e.id]))
			_, err := readAs(t, e.id, e.data[:cut])
			var parse *track.ParseError
			if !errors.As(err, &parse) || parse.Line == 0 {
				t.Fatalf("got %v, want an error with a line", err)
			}
		})
	}
}

func TestForcedFormats(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		for _, imp := range All() {
			id := imp.Format().ID
			shot, err := readAs(t, id, e.data)
			checkResult(t, id, shot, err)
		}
	}
}

// Numbers no format allows, put in the place of every number of every example.
func TestImpossibleNumbers(t *testing.T) {
	t.Parallel()
	numbers := []string{
		"1e999", "-1e999", strings.Repeat("7", 400), "nan", "NaN", "inf", "-Infinity", "-", "", "0x1p5", "1_0", "1e", "..", "1,5",
		"9223372036854775808", "-9223372036854775809", "1e-400", "99999999999999999999.5",
	}
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			for _, at := range numberPlaces(e.data) {
				for _, n := range numbers {
					data := append(append(append([]byte{}, e.data[:at[0]]...), n...), e.data[at[1]:]...)
					shot, err := readAs(t, e.id, data)
					checkResult(t, e.id, shot, err)
				}
			}
		})
	}
}

// numberPlaces returns where the numbers in data start and end.
func numberPlaces(data []byte) [][2]int {
	var places [][2]int
	for i := 0; i < len(data); i++ {
		start := i
		for i < len(data) && (isDigit(data[i]) || data[i] == '.' || data[i] == '-') {
			i++
		}
		if i > start {
			places = append(places, [2]int{start, i})
		}
	}
	return places
}

func TestHugeNumbersNameTheirPlace(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		id, data     string
		line, column int
	}{
		"exponent":   {"shake", "TrackName a\n   Frame X Y Correlation\n  1.00   1e999   2.0  1.0\n", 3, 10},
		"400 digits": {"3de4", "1\na\n0\n1\n1 2 " + strings.Repeat("9", 400) + "\n", 5, 5},
		"frame":      {"pftrack", "\"a\"\n1\n9999999999 1 2 3\n", 3, 1},
		"word":       {"3de3", "// 3DE Multiple Tracking Curves Export 10 x 10 * 1 frames\na\n\t1\t2\tübel\n", 3, 6},
		"behind ü":   {"csv", "tracker,frame,x,y\nü,1,zwei,3\n", 2, 5},
		"json":       {"json", "{\"trackers\":[\n {\"keyframes\":[{\"frame\":1,\"x\":1e999}]}]}", 2, 36},
		"nuke":       {"nuke", "Tracker3 {\n track1 {{curve x1 1 1e999 3}}\n}", 2, 27},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readAs(t, test.id, []byte(test.data))
			var parse *track.ParseError
			if !errors.As(err, &parse) {
				t.Fatalf("got %v, want a *track.ParseError", err)
			}
			if parse.Line != test.line || parse.Column != test.column {
				t.Errorf("got line %d, column %d, want %d, %d: %v", parse.Line, parse.Column, test.line, test.column, parse)
			}
		})
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	const deep = 200_000
	tests := map[string]struct{ id, start, repeat string }{
		"braces":               {"nuke", "Tracker4 {tracks {{}{}{", "{"},
		"lists":                {"nuke", "Tracker3 {track1 ", "{"},
		"calls":                {"shake-script", "a = ", "Tracker("},
		"parentheses":          {"shake-script", "a = Tracker(", "("},
		"arrays":               {"shake-script", "a = ", "["},
		"bodies":               {"shake-script", "f(int a) ", "{"},
		"elements":             {"rzml", "<RZML>", "<IPLN><IFRM>"},
		"json arrays":          {"json", `{"a":`, "["},
		"json objects":         {"json", "", `{"a":`},
		"json in the trackers": {"json", `{"trackers":[`, `{"keyframes":[`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shot, err := readAs(t, test.id, []byte(test.start+strings.Repeat(test.repeat, deep)))
			checkResult(t, test.id, shot, err)
		})
	}
}

func TestEndlessLines(t *testing.T) {
	t.Parallel()
	for _, imp := range All() {
		id := imp.Format().ID
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			for _, start := range []string{"# ", "<a b=\"", "{\"", "a = \"", "Tracker3 {\n name \""} {
				in := NewSource(io.MultiReader(strings.NewReader(start), io.LimitReader(endless('x'), 5<<20)), nil)
				in.Width, in.Height = 1920, 1080
				shot, err := imp.Read(context.Background(), in)
				checkResult(t, id, shot, err)
			}
		})
	}
}

// endless is a file of one letter only.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	const alphabet = " \n\t{}[]()\"'#=@,;:<>/\\-+.0123456789eExXcurveTrackName\x00\xff\u00e9"
	for range 200 {
		data := make([]byte, random.IntN(400))
		for i := range data {
			data[i] = alphabet[random.IntN(len(alphabet))]
		}
		for _, imp := range All() {
			shot, err := readAs(t, imp.Format().ID, data)
			checkResult(t, imp.Format().ID, shot, err)
		}
	}
}

// Damage in the middle of files: bytes changed, dropped and doubled.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, 4))
			for range 500 {
				data := bytes.Clone(e.data)
				for range 1 + random.IntN(3) {
					at := random.IntN(len(data))
					switch random.IntN(3) {
					case 0:
						data[at] = byte(random.Uint32())
					case 1:
						data = append(data[:at], data[min(at+1+random.IntN(9), len(data)-1):]...)
					case 2:
						data = append(data[:at:at], data[max(at-20, 0):]...)
					}
				}
				shot, err := readAs(t, e.id, data)
				checkResult(t, e.id, shot, err)
			}
		})
	}
}

func TestNoTrackers(t *testing.T) {
	t.Parallel()
	for _, imp := range All() {
		id := imp.Format().ID
		for _, data := range []string{"", "\n", " ", "\n\n\n"} {
			shot, err := readAs(t, id, []byte(data))
			if err == nil {
				t.Errorf("%s: no error for %q", id, data)
			}
			checkResult(t, id, shot, err)
		}
	}
}

func TestNamesOfAnyCharacter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ raw, want string }{
		"script":       {`"); evil(`, `");_evil(`},
		"latin 1":      {"caf\xe9", "café"},
		"controls":     {"a\x00b\x07c\x7fd", "abcd"},
		"wide":         {"点 🚀", "点_🚀"},
		"percent":      {"%s%n{}[]$x", "%s%n{}[]$x"},
		"half UTF-8":   {"a\xe7\x82", "aç"},
		"no name left": {"\x01", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shot, err := readAs(t, "shake", []byte("TrackName "+test.raw+"\n1 2 3 1\n"))
			if err != nil {
				t.Fatal(err)
			}
			if got := shot.Trackers[0].Name; got != test.want {
				t.Errorf("got name %q, want %q", got, test.want)
			}
		})
	}
}

func TestBrokenReads(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			imp, _ := ByID(e.id)
			in := NewSource(io.MultiReader(bytes.NewReader(e.data[:len(e.data)/2]), iotest.ErrReader(broken)), nil)
			in.Width, in.Height = 1920, 1080
			if _, err := imp.Read(context.Background(), in); !errors.Is(err, broken) {
				t.Errorf("got %v, want the error of the file", err)
			}
			slow := NewSource(iotest.OneByteReader(bytes.NewReader(e.data)), nil)
			if imp.Format().NeedsSize {
				slow.Width, slow.Height = 1920, 1080
			}
			got, err := imp.Read(context.Background(), slow)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := readAs(t, e.id, e.data)
			if diff := cmp.Diff(dump(want), dump(got)); diff != "" {
				t.Errorf("read byte by byte differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadStopsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, e := range examples(t) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		imp, _ := ByID(e.id)
		in := NewSource(bytes.NewReader(e.data), nil)
		in.Width, in.Height = 1920, 1080
		if _, err := imp.Read(ctx, in); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", e.id, err)
		}
	}
}

func TestSizeIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, imp := range All() {
		if !imp.Format().NeedsSize {
			continue
		}
		_, err := imp.Read(context.Background(), NewSource(strings.NewReader("a 1 2 3 4\n"), nil))
		var parse *track.ParseError
		if !errors.As(err, &parse) || !strings.Contains(parse.Hint, "width and height") {
			t.Errorf("%s: got %v, want a request for width and height", imp.Format().ID, err)
		}
	}
}
