package webui

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
)

const (
	// maxSearch is how long a text to search for may be in bytes.
	maxSearch = 200
	// defaultFound and maxFound are how many lines a search answers.
	defaultFound, maxFound = 1000, 10_000
)

// logText is the log of an attempt as one text: the head, and where the middle was
// dropped the tail after it. Sizes are those at its opening; it may grow meanwhile.
type logText struct {
	head, tail           *os.File // tail is nil where the log is whole
	headBytes, tailBytes int64
}

// wholeLog puts the tail to an opened head; the caller closes both. It returns when the
// log changed last.
func wholeLog(head *os.File, folder spool.Job, attempt int) (logText, time.Time, error) {
	info, err := head.Stat()
	if err != nil {
		return logText{}, time.Time{}, fmt.Errorf("look at a log: %w", err)
	}
	l := logText{head: head, headBytes: info.Size()}
	tail, err := folder.OpenLog(attempt, true)
	if err != nil {
		return l, info.ModTime(), nil // there is none
	}
	last, err := tail.Stat()
	if err != nil {
		tail.Close()
		return l, time.Time{}, fmt.Errorf("look at the end of a log: %w", err)
	}
	l.tail, l.tailBytes = tail, last.Size()
	return l, last.ModTime(), nil
}

func (l logText) close() {
	if l.tail != nil {
		_ = l.tail.Close() // only read
	}
}

func (l logText) text() *io.SectionReader {
	return io.NewSectionReader(l, 0, l.headBytes+l.tailBytes)
}

// ReadAt implements io.ReaderAt over both files.
func (l logText) ReadAt(p []byte, at int64) (int, error) {
	if at >= l.headBytes {
		if l.tail == nil {
			return 0, io.EOF
		}
		return l.tail.ReadAt(p, at-l.headBytes)
	}
	n, err := l.head.ReadAt(p[:min(int64(len(p)), l.headBytes-at)], at)
	if err != nil || n == len(p) {
		return n, err
	}
	rest, err := l.ReadAt(p[n:], l.headBytes)
	return n + rest, err
}

// search answers the lines that have the text of ?q=, at most ?limit= of them, oldest
// first.
func (l logText) search(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	wanted := bytes.ToLower([]byte(query.Get("q")))
	if len(wanted) == 0 || len(wanted) > maxSearch {
		return fieldFault("q", fmt.Sprintf("The text to search for has not 1 to %d bytes.", maxSearch), "Leave q out for the whole log.")
	}
	limit := defaultFound
	if text := query.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxFound {
			return fieldFault("limit", fmt.Sprintf("The limit is not 1 to %d.", maxFound), fmt.Sprintf("Leave it out for %d.", defaultFound))
		}
	}
	lines := bufio.NewReaderSize(l.text(), logPiece)
	out := bufio.NewWriter(w)
	for limit > 0 && r.Context().Err() == nil {
		line, err := lines.ReadSlice('\n') // a longer line is searched in pieces
		if len(line) > 0 && bytes.Contains(bytes.ToLower(line), wanted) {
			limit--
			if _, gone := out.Write(bytes.TrimSuffix(line, []byte("\n"))); gone != nil || out.WriteByte('\n') != nil {
				return nil // nobody is there to be told
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil && err != bufio.ErrBufferFull {
			return fault.Wrap(err, fault.Internal, "The log could not be read to its end.", "Try again.")
		}
	}
	return out.Flush()
}
