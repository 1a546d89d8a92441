package progress

import (
	"os"
	"strconv"
	"time"
)

// Limits of the history of one attempt. The last line is written even when the file is
// full, out of the reserve.
const (
	historyInterval = time.Second
	historyBytes    = 256 << 10
	historyReserve  = 1 << 10
)

// history writes one line per change, at most one a second: time (RFC 3339), percent
// ("-" when not known), step and message, separated by tabs.
type history struct {
	file    *os.File
	line    []byte // held back, empty when there is none
	written time.Time
	size    int
}

// note takes a change; a change that comes too soon replaces the one held back.
func (h *history) note(doc Status, now time.Time) {
	if h.file == nil {
		return
	}
	line := now.UTC().AppendFormat(h.line[:0], "2006-01-02T15:04:05.000Z07:00")
	line = append(line, '\t')
	if doc.Percent == nil {
		line = append(line, '-')
	} else {
		line = strconv.AppendFloat(line, *doc.Percent, 'f', -1, 64)
	}
	for _, text := range []string{doc.Step, doc.Message} {
		line = append(line, '\t')
		line = append(line, text...)
	}
	h.line = append(line, '\n')
	h.flush(now)
}

func (h *history) flush(now time.Time) {
	if len(h.line) == 0 || now.Sub(h.written) < historyInterval || h.size+len(h.line) > historyBytes-historyReserve {
		return
	}
	h.write()
	h.written = now
}

func (h *history) write() {
	// The history is for reading afterwards; a full disk shows elsewhere.
	n, _ := h.file.Write(h.line)
	h.size += n
	h.line = h.line[:0]
}

func (h *history) close() {
	if h.file == nil {
		return
	}
	if len(h.line) > 0 && h.size+len(h.line) <= historyBytes {
		h.write()
	}
	h.file.Close()
}
