package tus

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
)

func newHandler(t *testing.T, dir string) *Handler {
	t.Helper()
	return New(Options{
		Spool: spool.New(dir), Path: "/uploads", MaxSize: 1000, Age: time.Hour,
		Owner: func(*http.Request) string { return "ann" },
		Body: func(_ http.ResponseWriter, r *http.Request, _ int64) (io.ReadCloser, error) {
			return r.Body, nil
		},
		Room: func(int64) error { return nil },
	})
}

func begun(t *testing.T, h *Handler, length int64) string {
	t.Helper()
	now := time.Now()
	id, err := h.store.create(info{Owner: "ann", Name: "a.txt", Length: length, Created: now, Expires: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// send appends a piece through the protocol and returns what went wrong.
func send(h *Handler, id, offset, content, checksum string) error {
	r := httptest.NewRequest(http.MethodPatch, "/uploads/"+id, strings.NewReader(content))
	r.Header = http.Header{"Tus-Resumable": {version}, "Content-Type": {pieceType}, "Upload-Offset": {offset}}
	if checksum != "" {
		r.Header.Set("Upload-Checksum", checksum)
	}
	return h.Patch(httptest.NewRecorder(), r, id)
}

// TestUpload_after_a_kill sets up what is on disk when the process is killed at the given
// moment, and looks at what a new one makes of it.
func TestUpload_after_a_kill(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		killed func(s store, id string) error
		offset int64
	}{
		{"in a piece without checksum", func(s store, id string) error { return appendTo(s.data(id), "345") }, 6},
		{"before a checked piece began", func(s store, id string) error { return os.WriteFile(s.hold(id), []byte("3"), 0o644) }, 3},
		{"in a checked piece", func(s store, id string) error {
			return errors.Join(os.WriteFile(s.hold(id), []byte("3"), 0o644), appendTo(s.data(id), "345"))
		}, 3},
		{"while noting the digest", func(s store, id string) error {
			return errors.Join(os.WriteFile(s.meta(id)+".tmp", []byte(`{"le`), 0o644), appendTo(s.data(id), "345"))
		}, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			h := newHandler(t, dir)
			id := begun(t, h, 10)
			if err := send(h, id, "0", "012", ""); err != nil {
				t.Fatal(err)
			}
			if err := tt.killed(h.store, id); err != nil {
				t.Fatal(err)
			}
			h = newHandler(t, dir)
			_, offset, err := h.open(id)
			if err != nil || offset != tt.offset {
				t.Fatalf("offset %d, %v", offset, err)
			}
			if err := send(h, id, string(rune('0'+offset)), "0123456789"[offset:], ""); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte("0123456789"))
			up, err := h.Finished(id)
			if err != nil || up.SHA256 != hex.EncodeToString(sum[:]) || up.Size != 10 || string(up.Head) != "0123456789" {
				t.Errorf("%+v, %v", up, err)
			}
		})
	}
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func TestUpload_refuses_a_damaged_piece_and_keeps_the_rest(t *testing.T) {
	t.Parallel()
	h := newHandler(t, t.TempDir())
	id := begun(t, h, 10)
	if err := send(h, id, "0", "012", ""); err != nil {
		t.Fatal(err)
	}
	var refused Refusal
	if err := send(h, id, "3", "345", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="); !errors.As(err, &refused) || refused.Status != StatusChecksum {
		t.Errorf("%v", err)
	}
	if n, err := h.store.offset(id); err != nil || n != 3 {
		t.Errorf("offset %d, %v", n, err)
	}
}

func TestSweep_removes_what_expired_only(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := newHandler(t, dir)
	living, dead := begun(t, h, 10), begun(t, h, 10)
	i, err := h.store.load(dead)
	if err != nil {
		t.Fatal(err)
	}
	i.Expires = time.Now().Add(-time.Second)
	if err := h.store.save(dead, i); err != nil {
		t.Fatal(err)
	}
	if err := send(h, dead, "0", "x", ""); !fault.Is(err, fault.Gone) {
		t.Errorf("a piece for the dead one: %v", err)
	}
	if err := h.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.load(living); err != nil {
		t.Errorf("the living one: %v", err)
	}
	if _, err := h.store.load(dead); !fault.Is(err, fault.NotFound) {
		t.Errorf("the dead one: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "uploads", dead+"*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestFault(t *testing.T) {
	t.Parallel()
	t.Run("F15_clock_set_during_an_upload", faultClockSet)
}

// faultClockSet has the clock jump over the end of an upload's time: while the clock is not
// believed the upload goes on and stays, afterwards it has expired.
func faultClockSet(t *testing.T) {
	t.Parallel()
	believed := false
	s := store{dir: t.TempDir(), believed: func() bool { return believed }}
	id, err := s.create(info{Length: 10, Expires: time.Now().Add(-48 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.load(id); err != nil {
		t.Errorf("during the jump: %v", err)
	}
	if ids, err := s.expired(); len(ids) > 0 || err != nil {
		t.Errorf("during the jump expired %v, %v", ids, err)
	}
	believed = true
	if _, err := s.load(id); !fault.Is(err, fault.Gone) {
		t.Errorf("afterwards: %v", err)
	}
}
