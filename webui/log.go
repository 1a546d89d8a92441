package webui

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/spool"
	"convertd/sql/job"
)

// logPiece is how much of a log one event carries at most.
const logPiece = 64 << 10

// logFollower reads the log of a job's current attempt as it grows.
type logFollower struct {
	job     spool.Job
	attempt int
	offset  int64
	file    *os.File
	// silent followers read nothing: the client wants no log.
	silent bool
	// ended says that the attempt is over, so that the tail is final and wanted.
	ended  bool
	tailed bool
	buffer []byte
}

// followLog begins where the event id says; without one, or with one of an attempt before,
// at the start of the attempt's log, with one that is none of ours at its present end.
func followLog(folder spool.Job, attempt int, lastEvent string) *logFollower {
	f := &logFollower{job: folder, attempt: attempt}
	if lastEvent == "" {
		return f
	}
	of, offset, ok := parseEventID(lastEvent)
	switch {
	case !ok || of > attempt:
		f.offset = f.size()
	case of == attempt:
		f.offset = offset
	}
	return f
}

func (f *logFollower) id() string {
	return strconv.Itoa(f.attempt) + ":" + strconv.FormatInt(f.offset, 10)
}

// turnTo goes to the log of a later attempt. A status may be older than what is told
// already, and nothing is told again.
func (f *logFollower) turnTo(attempt int) {
	if attempt <= f.attempt {
		return
	}
	f.close()
	f.attempt, f.offset = attempt, 0
}

func (f *logFollower) finish() { f.ended = true }

// next returns whole lines that were not returned yet, nil for none. They are valid
// until the next call.
func (f *logFollower) next() []byte {
	if f.silent || f.attempt == 0 || !f.open() {
		return nil
	}
	if f.buffer == nil {
		f.buffer = make([]byte, logPiece)
	}
	n, _ := f.file.ReadAt(f.buffer, f.offset)
	text := wholeLines(f.buffer[:n], f.ended)
	f.offset += int64(len(text))
	if len(text) == 0 && f.ended && !f.tailed {
		return f.tail()
	}
	return text
}

// wholeLines cuts off a line that is still being written, unless it fills the piece.
func wholeLines(text []byte, ended bool) []byte {
	if ended || len(text) == logPiece && bytes.IndexByte(text, '\n') < 0 {
		return text
	}
	return text[:bytes.LastIndexByte(text, '\n')+1]
}

// tail returns the end of a log whose middle was dropped, for as much as one event takes.
// Offsets beyond the log's size say that it was sent.
func (f *logFollower) tail() []byte {
	f.tailed = true
	if f.offset > f.size() {
		return nil
	}
	file, err := f.job.OpenLog(f.attempt, true)
	if err != nil {
		return nil // the log is whole
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	n, _ := file.ReadAt(f.buffer, max(0, info.Size()-logPiece))
	text := f.buffer[:n]
	if info.Size() > logPiece {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	f.offset += int64(len(text))
	return text
}

func (f *logFollower) open() bool {
	if f.file == nil {
		f.file, _ = f.job.OpenLog(f.attempt, false) // not there yet
	}
	return f.file != nil
}

func (f *logFollower) size() int64 {
	if !f.open() {
		return 0
	}
	info, err := f.file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

func (f *logFollower) close() {
	if f.file != nil {
		_ = f.file.Close() // only read
		f.file = nil
	}
}

// wantedAttempt reads ?attempt=N; without it the current one is meant.
func wantedAttempt(r *http.Request, j job.Job) (int, error) {
	text := r.URL.Query().Get("attempt")
	if text == "" {
		return j.Attempt, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "The attempt is not a number from 1 on.", "Leave it out for the last one.")
	}
	if n > j.Attempt {
		return 0, fault.New(fault.NotFound, fmt.Sprintf("The job has no attempt %d.", n), fmt.Sprintf("Its last attempt is %d.", j.Attempt))
	}
	return n, nil
}

// getLog serves what the steps of an attempt printed, head and tail as one text, in
// ranges where they are asked for; with ?q=TEXT the lines that have the text, in any case.
func (s *Server) getLog(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	attempt, err := wantedAttempt(r, j)
	if err != nil {
		return err
	}
	plainText(w)
	folder := s.Spool.Job(j.ID)
	head, err := folder.OpenLog(attempt, false)
	if errors.Is(err, fs.ErrNotExist) {
		return emptyText(w, j)
	}
	if err != nil {
		return err
	}
	defer head.Close()
	whole, changed, err := wholeLog(head, folder, attempt)
	if err != nil {
		return err
	}
	defer whole.close()
	if r.URL.Query().Has("q") {
		return whole.search(w, r)
	}
	http.ServeContent(w, r, "", changed, whole.text())
	return nil
}

// getHistory serves how an attempt progressed, one line per change.
func (s *Server) getHistory(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	attempt, err := wantedAttempt(r, j)
	if err != nil {
		return err
	}
	plainText(w)
	file, err := s.Spool.Job(j.ID).OpenProgress(attempt)
	if errors.Is(err, fs.ErrNotExist) {
		return emptyText(w, j)
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	http.ServeContent(w, r, "", info.ModTime(), file)
	return nil
}

// plainText keeps a browser from taking what a converter printed for a page.
func plainText(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Security-Policy", sandboxed)
	w.Header().Set("Cache-Control", "private, no-cache")
}

// emptyText answers for a file that is not there: yet, or any more.
func emptyText(w http.ResponseWriter, j job.Job) error {
	if j.FilesGoneAt != nil {
		return filesAreGone(j)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
