package webui

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"convertd/runner/fault"
)

const (
	// maxJSON bounds a JSON body in bytes, maxDepth its nesting.
	maxJSON  = 1 << 20
	maxDepth = 32
	// steadyPiece is how many bytes must arrive within Limits.Idle.
	steadyPiece = 64 << 10
)

// openBody refuses what can be refused before the first byte is read, and returns the
// body with its limits. A client that waits for 100 Continue never sends the rest.
func (s *Server) openBody(w http.ResponseWriter, r *http.Request, limit int64) (io.ReadCloser, error) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, fault.New(fault.UnsupportedMedia, "The request has a Content-Encoding.", "Send it without; a compressed file is sent as it is.")
	}
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	size := max(r.ContentLength, 0)
	if err := s.reserve(size); err != nil {
		return nil, err
	}
	return &steadyBody{
		body: http.MaxBytesReader(w, r.Body, limit), control: http.NewResponseController(w), idle: s.Limits.Idle,
		promised: &s.promised, left: size,
	}, nil
}

// reserve promises room for an upload of so many bytes, 0 for an unknown number, or
// refuses it. Of a hundred that come at once those get it for which there is room.
func (s *Server) reserve(size int64) error {
	for {
		promised := s.promised.Load()
		if err := s.roomBeside(promised, size); err != nil {
			return err
		}
		if s.promised.CompareAndSwap(promised, promised+size) {
			return nil
		}
	}
}

// room refuses an upload for which there is no room on the disk, what uploads under way
// will still bring left out.
func (s *Server) room(size int64) error { return s.roomBeside(s.promised.Load(), size) }

func (s *Server) roomBeside(promised, size int64) error {
	if err := s.sameSpool(); err != nil {
		return err
	}
	_, left, err := s.Spool.Kept(s.Limits.Reserve)
	if err == nil && size > left-promised { // a sum of sizes that strangers name might overflow
		return fault.New(fault.InsufficientStorage, "There is no room left to store the upload.",
			"Try again later, or send a smaller file; the administrator has to free disk space.")
	}
	return nil // a spool that cannot be asked fails at the first write, with its reason
}

// sameSpool refuses uploads when the spool is not the folder that it was at first: its
// disk may have been unmounted, and what is written beneath would be lost when it is back.
func (s *Server) sameSpool() error {
	there, err := os.Stat(s.Spool.Root())
	if err == nil {
		s.spoolFolder.CompareAndSwap(nil, &there)
	}
	first := s.spoolFolder.Load()
	if first == nil || err == nil && os.SameFile(*first, there) {
		return nil // a new installation has none until the first upload
	}
	return fault.Wrap(err, fault.Unavailable, "The folder for uploads is not there at the moment.",
		"The administrator has to look after [spool] dir: it is gone, or another folder is in its place.")
}

// steadyBody gives a body up that comes too slowly to be honest: a piece of it must
// arrive in each idle time. Nobody holds a connection by sending a byte now and then.
type steadyBody struct {
	body    io.ReadCloser
	control *http.ResponseController
	idle    time.Duration
	owed    int
	err     error
	// promised counts what all bodies will still bring, left what this one will.
	promised *atomic.Int64
	left     int64
}

// came takes what came off the promise.
func (b *steadyBody) came(n int64) {
	n = min(n, b.left)
	b.left -= n
	b.promised.Add(-n)
}

func (b *steadyBody) Read(p []byte) (int, error) {
	if b.owed <= 0 {
		// Not every writer has deadlines; those of net/http have.
		_ = b.control.SetReadDeadline(time.Now().Add(b.idle))
		b.owed = steadyPiece
	}
	n, err := b.body.Read(p)
	b.owed -= n
	b.err = err
	b.came(int64(n))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, refuse(http.StatusRequestTimeout, fault.Invalid, "The upload came too slowly and was given up.",
			fmt.Sprintf("At least %d KiB must arrive every %v. Large files are better sent as a resumable upload.", steadyPiece>>10, b.idle))
	}
	return n, err
}

// Close takes the promise back and lifts the deadline of a body that was read without an
// error, because the answer may take its time. What follows the last boundary of a form is read first: it counts
// for nothing, but the connection is used again.
func (b *steadyBody) Close() error {
	defer func() { b.came(b.left) }()
	if b.err == nil {
		_, _ = io.CopyN(io.Discard, b, steadyPiece)
	}
	if b.err == nil || errors.Is(b.err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return nil
}

// linger is how long the rest of a refused body is waited for: a client that is still
// sending would not hear the answer otherwise.
const linger = 2 * time.Second

// bounded lets no request hold its connection by a body that nobody reads.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.Limits.Idle))
		}
		next.ServeHTTP(w, r)
	})
}
