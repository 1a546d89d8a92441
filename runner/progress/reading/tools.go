package reading

import (
	"regexp"
	"strconv"
	"strings"
)

// matcher is an extractor that needs no memory: one expression and what to make of its
// groups.
type matcher struct {
	match *regexp.Regexp
	read  func(groups []string) Update
}

// Read matches the piece.
func (m matcher) Read(piece string) Update {
	groups := m.match.FindStringSubmatch(piece)
	if groups == nil {
		return Update{}
	}
	return m.read(groups)
}

// first makes the percent of the first group.
func first(groups []string) Update {
	if p, ok := number(groups[1]); ok {
		return percentOf(p)
	}
	return Update{}
}

// ratio makes the percent of the first group being so many of the second.
func ratio(groups []string) Update { return share(groups[1], groups[2]) }

func share(done, total string) Update {
	a, okA := number(done)
	b, okB := number(total)
	if !okA || !okB || b <= 0 {
		return Update{}
	}
	return percentOf(100 * a / b)
}

// newPercent takes any number before a percent sign ("plain percent", 7-Zip); of
// several in one piece the last, which is the newest.
func newPercent() Rule {
	return matcher{regexp.MustCompile(`^(?:.*[^\d.])?(\d{1,3}(?:\.\d+)?)\s?%`), first}
}

// newQpdf: "qpdf: out.pdf: write progress: 4%" (qpdf --progress).
func newQpdf() Rule {
	return matcher{regexp.MustCompile(`write progress: (\d+)%`), first}
}

// newPdftoppm: "1 200 pg-001.png" is page, last page, file (pdftoppm -progress).
func newPdftoppm() Rule {
	return matcher{regexp.MustCompile(`^(\d+) (\d+) `), ratio}
}

// newRsync: "  42,795,008  37%   38.91MB/s    0:00:01" (rsync --info=progress2).
func newRsync() Rule {
	return matcher{regexp.MustCompile(`\s(\d{1,3})%\s`), first}
}

// newSox: "In:0.56% 00:00:03.34 [00:09:56.66] Out:132k" (sox -S).
func newSox() Rule {
	return matcher{regexp.MustCompile(`In:([\d.]+)%`), first}
}

// newCwebp: "[in.png]:   2 %" (cwebp -progress).
func newCwebp() Rule {
	return matcher{regexp.MustCompile(`:\s+(\d+) %`), first}
}

// newCalibre: "34% Running transforms on e-book..." (ebook-convert).
func newCalibre() Rule {
	return matcher{regexp.MustCompile(`^(\d+)% (.*)`), func(groups []string) Update {
		u := first(groups)
		u.Message = Clean(groups[2])
		return u
	}}
}

// newExiftool: "======== ex/47.jpg [1/60]" (-progress) or the window's title
// "ExifTool 2%" (-progress:).
func newExiftool() Rule {
	return matcher{regexp.MustCompile(`^========.*\[(\d+)/(\d+)\]|^ExifTool (\d+)%`), func(groups []string) Update {
		if groups[3] != "" {
			return first(groups[2:])
		}
		return ratio(groups)
	}}
}

// newYtDlp: "[download]  97.9% of 57.22MiB", or the line "PROG DONE/TOTAL" of a
// --progress-template; several downloads are not told apart.
func newYtDlp() Rule {
	return matcher{regexp.MustCompile(`^PROG (\d+)/(\d+)|^\[download\]\s+([\d.]+)%`), func(groups []string) Update {
		if groups[3] != "" {
			return first(groups[2:])
		}
		return ratio(groups)
	}}
}

// newOcrmypdf: "OCR:  25% 0.5/2.0 [00:07<00:22, 14.90s/page]" on a pseudo-terminal; each
// phase has a bar of its own and recognition takes nearly all of the time.
func newOcrmypdf() Rule {
	shares := func(phase string) (from, to float64) {
		switch {
		case strings.HasPrefix(phase, "Scan"):
			return 0, 5
		case phase == "OCR" || strings.HasPrefix(phase, "Image processing"):
			return 5, 90
		}
		return 90, 100
	}
	return matcher{regexp.MustCompile(`^(\w[\w /-]*):\s+(\d+)%`), func(groups []string) Update {
		from, to := shares(groups[1])
		u := first(groups[1:])
		u.Percent = from + (to-from)*min(u.Percent, 100)/100
		u.Message = Clean(groups[1])
		return u
	}}
}

// ffmpeg reads the blocks of "ffmpeg -progress pipe:1". out_time_us and out_time_ms are
// both microseconds; while nothing is known they are N/A.
type ffmpeg struct {
	// total is the length of the result in seconds: from the probe, else from the line
	// "Duration:" that ffmpeg prints about its input; 0 when not known.
	total float64
}

func newFFmpeg() Rule { return &ffmpeg{} }

// SetTotal takes the duration in seconds that ffprobe printed.
func (f *ffmpeg) SetTotal(text string) {
	if n, ok := number(text); ok && n > 0 {
		f.total = n
	}
}

// Read takes one key=value line.
func (f *ffmpeg) Read(piece string) Update {
	if f.total == 0 {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(piece), "Duration: "); ok {
			text, _, _ := strings.Cut(rest, ",")
			f.total, _ = clock(text)
			return Update{}
		}
	}
	key, value, _ := strings.Cut(piece, "=")
	switch {
	case key == "out_time_us" && f.total > 0:
		if us, ok := number(value); ok {
			return percentOf(100 * us / 1e6 / f.total)
		}
	case key == "out_time" && f.total == 0:
		if text, _, ok := strings.Cut(value, "."); ok {
			return Update{Message: Clean(text)}
		}
	}
	return Update{}
}

// clock reads HH:MM:SS.FRACTION as seconds.
func clock(text string) (float64, bool) {
	var seconds float64
	fields := strings.Split(text, ":")
	for _, field := range fields {
		n, ok := number(field)
		if !ok || n < 0 {
			return 0, false
		}
		seconds = seconds*60 + n
	}
	return seconds, len(fields) == 3
}

// handBrake reads "Encoding: task 1 of 1, 24.44 %", and the objects that HandBrakeCLI
// prints with --json, of which only those of State WORKING count.
type handBrake struct {
	encoding, percent *regexp.Regexp
	working           bool
	pass, passes      float64
}

func newHandBrake() Rule {
	return &handBrake{
		encoding: regexp.MustCompile(`task (\d+) of (\d+), ([\d.]+) %`),
		percent:  regexp.MustCompile(`^\s*"(State|Pass|PassCount|Progress)": "?([\w.+-]+)"?,?$`),
		pass:     1, passes: 1,
	}
}

// Read takes one line.
func (h *handBrake) Read(piece string) Update {
	if groups := h.encoding.FindStringSubmatch(piece); groups != nil {
		return h.task(groups[1], groups[2], groups[3])
	}
	groups := h.percent.FindStringSubmatch(piece)
	if groups == nil {
		return Update{}
	}
	n, ok := number(groups[2])
	switch groups[1] {
	case "State":
		h.working = groups[2] == "WORKING"
	case "Pass":
		h.pass = n
	case "PassCount":
		h.passes = n
	case "Progress":
		if ok && h.working && h.passes >= 1 {
			return percentOf(100 * (max(h.pass, 1) - 1 + n) / h.passes)
		}
	}
	return Update{}
}

func (h *handBrake) task(task, tasks, percent string) Update {
	t, _ := number(task)
	of, _ := number(tasks)
	p, ok := number(percent)
	if !ok || of < 1 {
		return Update{}
	}
	return percentOf((t - 1 + p/100) / of * 100)
}

// ghostscript reads "Processing pages 1 through 200." and then "Page 1" as each page
// begins, so that page n means that n - 1 are done.
type ghostscript struct{ from, to float64 }

func newGhostscript() Rule { return &ghostscript{} }

// Read takes one line.
func (g *ghostscript) Read(piece string) Update {
	if rest, ok := strings.CutPrefix(piece, "Processing pages "); ok {
		from, to, _ := strings.Cut(strings.TrimSuffix(rest, "."), " through ")
		g.from, _ = number(from)
		g.to, _ = number(to)
		return Update{}
	}
	rest, ok := strings.CutPrefix(piece, "Page ")
	if !ok {
		return Update{}
	}
	page, err := strconv.Atoi(strings.TrimSpace(rest))
	pages := g.to - g.from + 1
	if err != nil || g.to <= 0 || pages <= 0 {
		return Update{}
	}
	u := percentOf(100 * (float64(page) - g.from) / pages)
	u.Message = Clean(piece + " of " + strconv.Itoa(int(g.to)))
	return u
}

// gdal reads "0...10...20 … 100 - done.", written a character at a time: each number is
// that percent, each dot after it 2.5 more.
type gdal struct{}

func newGdal() Rule { return gdal{} }

// ReadsGrowingLines: the whole bar is one line.
func (gdal) ReadsGrowingLines() {}

// Read takes the line as far as it is written.
func (gdal) Read(piece string) Update {
	if !strings.HasPrefix(piece, "0") {
		return Update{}
	}
	percent, next := 0.0, 10
	for rest := piece[1:]; rest != ""; {
		expected := strconv.Itoa(next)
		switch {
		case rest[0] == '.':
			percent += 2.5
			rest = rest[1:]
		case rest[0] == ' ':
			rest = rest[1:]
		case strings.HasPrefix(rest, expected):
			percent = float64(next)
			next += 10
			rest = rest[len(expected):]
		default:
			return percentOf(min(percent, 100))
		}
	}
	return percentOf(min(percent, 100))
}
