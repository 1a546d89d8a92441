package reading

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
)

// readStream gives a stream to the rules of a step as the runner does and returns every
// percent that was read, in writes of so many bytes.
func readStream(t *testing.T, step recipe.Step, total, stream string, size int) (percents []float64, messages []string) {
	t.Helper()
	rule, err := ForStep(step)
	if err != nil {
		t.Fatal(err)
	}
	if totaled, ok := rule.(Totaled); ok && total != "" {
		totaled.SetTotal(total)
	}
	_, eager := rule.(Eager)
	s := Splitter{Piece: func(text []byte, _ Mark) {
		u := rule.Read(string(text))
		if u.Known {
			percents = append(percents, math.Round(u.Percent*10)/10)
		}
		if u.Message != "" {
			messages = append(messages, u.Message)
		}
	}}
	for stream != "" {
		n := min(size, len(stream))
		_, _ = s.Write([]byte(stream[:n]))
		if eager {
			s.Pending()
		}
		stream = stream[n:]
	}
	s.End()
	return percents, messages
}

// toolStream is what a tool prints, the total that its probe found, and the percents that
// must come of it.
type toolStream struct {
	name, total, stream string
	want                []float64
}

func toolStreams() []toolStream {
	return []toolStream{
		{"ffmpeg", "20.000000", "frame=32\nfps=0.00\nout_time_us=N/A\nout_time_us=5000000\nout_time_ms=5000000\nout_time=00:00:05.000000\nspeed=2.05x\nprogress=continue\nout_time_us=20000000\nprogress=end\n", []float64{25, 100}},
		{"ffmpeg", "N/A", "  Duration: 00:01:40.00, start: 0.000000, bitrate: 5 kb/s\nout_time_us=50000000\n", []float64{50}},
		{"ffmpeg", "", "out_time_us=50000000\n", nil},
		{"handbrake", "", "\rEncoding: task 1 of 2, 6.67 %\rEncoding: task 1 of 2, 24.44 %\rEncoding: task 2 of 2, 50.00 %\n", []float64{3.3, 12.2, 75}},
		{"handbrake", "", "Progress: {\n    \"State\": \"SCANNING\",\n    \"Scanning\": {\n        \"Progress\": 1.0\n    }\n}\nProgress: {\n    \"State\": \"WORKING\",\n    \"Working\": {\n        \"Pass\": 2,\n        \"PassCount\": 2,\n        \"Progress\": 0.5\n    }\n}\n", []float64{75}},
		{"yt-dlp", "", "[download]  97.9% of   57.22MiB at   29.57MiB/s ETA 00:00\nPROG 30/60 50.0%\nPROG 30/NA\n", []float64{97.9, 50}},
		{"imagemagick", "", "load image[in.png]: 0 of 2500, 00% complete\rload image[in.png]: 2499 of 2500, 100% complete\rresize image[in.png]: 50 of 100, 50% complete\rsave image[out.jpg]: 0 of 1250, 00% complete\rsave image[out.jpg]: 1249 of 1250, 100% complete\r\n", []float64{0, 30, 42.5, 80, 100}},
		{"imagemagick", "", "Morphology/Image[]: 1 of 2, 100% complete\rMorphology/Image[]: 1 of 2, 10% complete\r", []float64{55, 56.3}},
		{"vips", "", "vipsthumbnail temp-11: 7% complete\rvipsthumbnail temp-11: 99% complete\r", []float64{7, 99}},
		{"vips", "", "vips temp-5: 21 x 1 pixels, 2 threads\nvips temp-5: 100% complete\rvips temp-5: done in 0.01s \nvips temp-30: 1% complete\rvips temp-30: 45% complete\rvips temp-30: 100% complete\rvips temp-30: done in 6.06s          \n", []float64{1, 45, 100}},
		{"ghostscript", "", "Processing pages 1 through 200.\nPage 1\nLoading font Courier\nPage 2\nPage 200\n", []float64{0, 0.5, 99.5}},
		{"ghostscript", "", "Processing pages 5 through 8.\nPage 7\n", []float64{50}},
		{"ghostscript", "", "Page 7\n", nil},
		{"qpdf", "", "qpdf: outq.pdf: write progress: 0%\nqpdf: outq.pdf: write progress: 99%\nqpdf: outq.pdf: write progress: 99%\nqpdf: outq.pdf: write progress: 100%\n", []float64{0, 99, 99, 100}},
		{"pdftoppm", "", "1 200 pg-001.png\n2 200 pg-002.png\n", []float64{0.5, 1}},
		{"7z", "", "  0M Scan \b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b 19% + rnd.bin\b\b\b\b\b\b\b\b\b\b\b\b\b\b 100% 1 + rnd.bin", []float64{19, 100}},
		{"rsync", "", "\r              0   0%    0.00kB/s    0:00:00  \r     42,795,008  37%   38.91MB/s    0:00:01  \r    112,920,078 100%   39.00MB/s    0:00:02 (xfr#1, to-chk=0/3)\n", []float64{0, 37, 100}},
		{"sox", "", "Duration       : 00:10:00.00 = 26460000 samples\n\rIn:0.56% 00:00:03.34 [00:09:56.66] Out:132k [      |      ]\rIn:100% 00:10:00", []float64{0.6, 100}},
		{"cwebp", "", "[in.png]:   1 %      \r[in.png]:  99 %      \r", []float64{1, 99}},
		{"exiftool", "", "======== ex/47.jpg [1/60]\n======== ex/48.jpg [30/60]\n   60 image files updated\n", []float64{1.7, 50}},
		{"exiftool", "", "\x1b]0;ExifTool 2%\x07\x1b]0;ExifTool 50%\x07", []float64{2, 50}},
		{"calibre", "", "1% Converting input to HTML...\n34% Running transforms on e-book...\nnot 99% here\n", []float64{1, 34}},
		{"ocrmypdf", "", "\rScanning contents: 100% 2/2 [00:01<00:00]\r\rOCR:  50% 1.0/2.0 [00:07<00:22, 14.90s/page]\r\rPDF/A conversion: 100% 2/2\r\n", []float64{5, 47.5, 100}},
		{"percent", "", "10% 20% done 33.5 %\n", []float64{33.5}},
	}
}

func TestExtractorsReadTheirTools(t *testing.T) {
	t.Parallel()
	for _, row := range toolStreams() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 5, 4096} {
				got, _ := readStream(t, recipe.Step{Progress: row.name}, row.total, row.stream, size)
				if diff := cmp.Diff(row.want, got); diff != "" {
					t.Errorf("in writes of %d (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}

func TestGdalIsReadDotByDot(t *testing.T) {
	t.Parallel()
	stream := "Input file size is 3000, 2500\n0...10...20...30...40...50...60...70...80...90...100 - done.\n"
	got, _ := readStream(t, recipe.Step{Progress: "gdal"}, "", stream, 1)
	last := -1.0
	steps := 0
	for _, p := range got {
		if p < last {
			t.Errorf("percent goes back from %v to %v", last, p)
		}
		if p > last {
			steps++
		}
		last = p
	}
	if last != 100 || steps != 41 {
		t.Errorf("the bar ends at %v after %d steps; 41 are expected", last, steps)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	_, got := readStream(t, recipe.Step{Progress: "calibre"}, "", "1% Converting input to HTML...\n", 100)
	if diff := cmp.Diff([]string{"Converting input to HTML..."}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	_, got = readStream(t, recipe.Step{Progress: "ffmpeg"}, "", "out_time=00:00:05.120000\nout_time=N/A\n", 100)
	if diff := cmp.Diff([]string{"00:00:05"}, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		patterns []recipe.Pattern
		stream   string
		want     []float64
	}{
		{"percent", []recipe.Pattern{{Match: `(?P<percent>\d+) of hundred`}}, "5 of hundred\n7 of hundred\n", []float64{5, 7}},
		{"done and total", []recipe.Pattern{{Match: `(?P<done>\d+)/(?P<total>\d+)`}}, "5/10\n1/0\n", []float64{50}},
		{"stages with weights", []recipe.Pattern{
			{Match: `(?P<stage>\w+) (?P<percent>\d+)%`, Stage: "read", Weight: 1},
			{Match: `(?P<stage>\w+) (?P<percent>\d+)%`, Stage: "write", Weight: 3},
		}, "read 0%\nread 100%\nother 50%\nwrite 0%\nwrite 50%\nread 50%\n", []float64{0, 25, 25, 62.5}},
		{"a stage twice", []recipe.Pattern{
			{Match: `^blur (?P<percent>\d+)`, Stage: "blur"},
			{Match: `^blur (?P<percent>\d+)`, Stage: "blur"},
		}, "blur 50\nblur 100\nblur 0\nblur 50\nblur 20\n", []float64{25, 50, 50, 75, 60}},
		{"a stage named by one line and counted by others", []recipe.Pattern{
			{Match: `^begin`, Stage: "one"}, {Match: `^next`, Stage: "two"}, {Match: `(?P<percent>\d+)%`},
		}, "begin\n50%\nnext\n50%\n", []float64{0, 25, 50, 75}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, _ := readStream(t, recipe.Step{Patterns: row.patterns}, "", row.stream, 3)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("percents (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := ForStep(recipe.Step{Patterns: []recipe.Pattern{{Match: "("}}}); err == nil {
		t.Error("a pattern that is no expression is taken")
	}
}

func TestLinesOfTheDescriptor(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text    string
		ok      bool
		percent float64
		message string
	}{
		{"42", true, 42, ""},
		{"42.5% half  way\x07 there", true, 42.5, "half way there"},
		{"-5 below", true, -5, "below"},
		{"1e308 far", true, 1e308, "far"},
		{"nan", false, 0, ""},
		{"inf", false, 0, ""},
		{"hello", false, 0, ""},
		{"", false, 0, ""},
	} {
		u, ok := Line(row.text)
		if ok != row.ok || u.Percent != row.percent || u.Message != row.message {
			t.Errorf("%q is %+v, %v", row.text, u, ok)
		}
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		datagram string
		want     Update
		ok       bool
	}{
		{"STATUS=working\nX_PERCENT=12.5", Update{12.5, true, "working"}, true},
		{"READY=1\nMAINPID=1", Update{}, false},
		{"X_PERCENT=lots", Update{}, false},
		{"STATUS=\x1b[31m<b>red\u202E", Update{0, false, "[31m<b>red"}, true},
	} {
		if u, ok := Notify(row.datagram); u != row.want || ok != row.ok {
			t.Errorf("%q is %+v, %v", row.datagram, u, ok)
		}
	}
}

func TestCleanBoundsMessages(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("é ", 10_000), strings.Repeat("x", 1<<20), "\xff\xfe\x00", " \t\n "} {
		got := Clean(text)
		if len(got) > maxMessage || strings.ContainsAny(got, "\n\t\x00\uFFFD") || strings.TrimSpace(got) != got {
			t.Errorf("%.20q became %q", text, got)
		}
	}
}

func TestEveryNamedExtractorExists(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		if rule, err := ForStep(recipe.Step{Progress: name}); err != nil || rule == nil || !Known(name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if Known("") || Known("no-such") {
		t.Error("an unknown extractor is known")
	}
}

// seeds are streams of all tools, and what breaks readers: codes of terminals of every
// kind, cut off anywhere, numbers that are none, characters cut in two.
func seeds() []toolStream {
	all := append(toolStreams(), toolStream{name: "gdal", stream: "0...10...20...100 - done.\n"})
	for _, stream := range []string{
		"Processing pages 9 through 1.\nPage 3\n", "task 1 of 0, 5 %", "1 0 x\n", "\"Progress\": 1e999\n", "PROG 1/0\nPROG x/NA\n", "10% 1e400%",
		"a 5\nb 7\na 1e5\n3/4 half\n5/0\nother 9\n", "STATUS=\x1b[31m\u202ered\nX_PERCENT=12.5", "42.5% half  way\x07",
		"\x1b[1;31mred\x1b[0m\x1b]2;T\x1b\\\x1b]8;;x\x07\x1bPq#0\x1b\\\x1b(B\x1b\x1b7\n", "\x1b]0;never\nb\x1b[3\nc\x1bPnever\nd", "\xc3\xe2\x82\xf0\x9f\x98", "é€😀",
	} {
		all = append(all, toolStream{stream: stream})
	}
	return all
}

// fuzzPatterns are rules of a recipe's own with everything that such can have.
func fuzzPatterns() []recipe.Pattern {
	return []recipe.Pattern{
		{Match: `^(?P<stage>[a-z]+) (?P<percent>[\d.e+-]+)`, Stage: "a"}, {Match: `^b (?P<percent>\d+)`, Stage: "b"},
		{Match: `(?P<done>\d+)/(?P<total>\d+)(?P<message>.*)`, Stage: "a", Weight: 2},
	}
}

// TestSeedsReachEveryRule keeps the fuzzing below from starting where some rule never reads
// anything.
func TestSeedsReachEveryRule(t *testing.T) {
	t.Parallel()
	steps := []recipe.Step{{Name: "patterns", Patterns: fuzzPatterns()}}
	for _, name := range Names() {
		steps = append(steps, recipe.Step{Name: name, Progress: name})
	}
	for _, step := range steps {
		reached := 0
		for _, seed := range seeds() {
			got, _ := readStream(t, step, seed.total, seed.stream, 3)
			reached += len(got)
		}
		if reached == 0 {
			t.Errorf("no stream says anything to %s", step.Name)
		}
	}
}

// FuzzOutput feeds any stream to every extractor and to patterns: no panic, bounded
// pieces, percents that are numbers, messages that are clean.
func FuzzOutput(f *testing.F) {
	for i, seed := range seeds() {
		f.Add(seed.stream, seed.total, 1+i%7)
	}
	f.Fuzz(func(t *testing.T, stream, total string, size int) {
		size = min(max(size, 1), 64)
		stream = stream[:min(len(stream), 1000)] // each growing piece is read by each rule
		rules := fuzzRules(t, total)
		s := Splitter{Piece: func(text []byte, _ Mark) {
			for name, rule := range rules {
				check(t, name, rule.Read(string(text)))
			}
		}}
		for rest := stream; rest != ""; {
			n := min(size, len(rest))
			_, _ = s.Write([]byte(rest[:n]))
			s.Pending()
			rest = rest[n:]
		}
		s.End()
		for _, p := range split(strings.Repeat(stream, 1+2*maxPiece/(len(stream)+1)), size) {
			if len(p.Text) > maxPiece {
				t.Fatalf("piece of %d bytes", len(p.Text))
			}
		}
		u, _ := Line(stream)
		check(t, "line", u)
		u, _ = Notify(stream)
		check(t, "notify", u)
	})
}

// fuzzRules are every extractor by name, and rules of a recipe's own alone and beside one.
func fuzzRules(t *testing.T, total string) map[string]Rule {
	t.Helper()
	steps := map[string]recipe.Step{"patterns": {Patterns: fuzzPatterns()}, "both": {Progress: "percent", Patterns: fuzzPatterns()}}
	for _, name := range Names() {
		steps[name] = recipe.Step{Progress: name}
	}
	rules := map[string]Rule{}
	for name, step := range steps {
		rule, err := ForStep(step)
		if err != nil {
			t.Fatal(err)
		}
		if totaled, ok := rule.(Totaled); ok {
			totaled.SetTotal(total)
		}
		rules[name] = rule
	}
	return rules
}

func check(t *testing.T, name string, u Update) {
	t.Helper()
	if math.IsNaN(u.Percent) || u.Message != Clean(u.Message) {
		t.Fatalf("%s said %+v", name, u)
	}
}

// TestStreamsOnFile reads the streams in testdata, which print what tools print:
// NAME.EXTRACTOR.txt holds the stream, as a Go string without its quotes, and in its
// last line the percents that must come of it.
func TestStreamsOnFile(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no streams: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			stream, err := strconv.Unquote(`"` + strings.Join(lines[:len(lines)-1], "") + `"`)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := readStream(t, recipe.Step{Progress: strings.Split(filepath.Base(file), ".")[1]}, "", stream, 4096)
			if text := fmt.Sprint(got); text != lines[len(lines)-1] {
				t.Errorf("percents are %s, want %s", text, lines[len(lines)-1])
			}
		})
	}
}
