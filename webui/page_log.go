package webui

import (
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"convertd/runner/spool"
	pages "convertd/webui/page"
)

const (
	// shownLines is how many lines of a failed job's log its card has.
	shownLines = 20
	// tailBytes is how much of a log is read for them.
	tailBytes = 32 << 10
	// maxLine is where a shown line is cut.
	maxLine = 1000
)

// lastLines reads the end of an attempt's log; none when there is no log.
func lastLines(folder spool.Job, attempt int) []pages.LogLine {
	file, err := folder.OpenLog(attempt, true)
	if err != nil {
		file, err = folder.OpenLog(attempt, false)
	}
	if err != nil {
		return nil
	}
	defer file.Close()
	text := strings.TrimRight(endOf(file), "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	lines = lines[max(0, len(lines)-shownLines):]
	shown := make([]pages.LogLine, len(lines))
	for i, line := range lines {
		shown[i] = logLine(line)
	}
	return shown
}

// endOf returns the last whole lines of a file, as valid text.
func endOf(file *os.File) string {
	info, err := file.Stat()
	if err != nil {
		return ""
	}
	from := max(0, info.Size()-tailBytes)
	text, err := io.ReadAll(io.NewSectionReader(file, from, tailBytes))
	if err != nil {
		return ""
	}
	valid := strings.ToValidUTF8(string(text), "\uFFFD")
	if from > 0 {
		_, valid, _ = strings.Cut(valid, "\n")
	}
	return valid
}

// logLine takes "RFC3339 STREAM TEXT" apart; what has another form is shown whole.
func logLine(line string) pages.LogLine {
	stamp, rest, _ := strings.Cut(line, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	shown := pages.LogLine{Text: line}
	if err == nil {
		_, text, _ := strings.Cut(rest, " ")
		shown = pages.LogLine{Clock: at.UTC().Format("15:04:05"), Text: text}
	}
	if len(shown.Text) > maxLine {
		shown.Text = strings.ToValidUTF8(shown.Text[:maxLine], "") + " …"
	}
	return shown
}

// sorted yields a map in the order of its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}
