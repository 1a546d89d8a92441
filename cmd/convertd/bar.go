package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// bar is one line on a terminal; on anything else it draws nothing.
type bar struct {
	w       io.Writer
	columns int
	drawn   bool
}

const barCells = 24

func newBar(w io.Writer) *bar {
	b := &bar{w: w}
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
			b.columns = max(int(size.Col), barCells+10)
		}
	}
	return b
}

// draw replaces the line; a nil percent is not known.
func (b *bar) draw(percent *float64, message string) {
	if b.columns == 0 {
		return
	}
	b.drawn = true
	line := strings.Repeat(" ", barCells+8) + message
	if percent != nil {
		full := int(*percent / 100 * barCells)
		line = fmt.Sprintf("[%s%s] %3.0f %% %s", strings.Repeat("=", full), strings.Repeat(" ", barCells-full), *percent, message)
	}
	if runes := []rune(line); len(runes) >= b.columns {
		line = string(runes[:b.columns-1])
	}
	_, _ = fmt.Fprintf(b.w, "\r\x1b[K%s", line)
}

// clear removes the line.
func (b *bar) clear() {
	if b.drawn {
		_, _ = fmt.Fprint(b.w, "\r\x1b[K")
	}
}
