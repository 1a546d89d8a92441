package tus

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"convertd/runner/fault"
)

const (
	pieceType  = "application/offset+octet-stream"
	algorithms = "sha1,sha256"
	// bufferSize is how much is written at once.
	bufferSize = 256 << 10
)

// piece is a part of an upload that a request carries.
type piece struct {
	id     string
	info   info
	offset int64
}

// Patch appends a piece.
func (h *Handler) Patch(w http.ResponseWriter, r *http.Request, id string) error {
	if err := begin(w, r); err != nil {
		return err
	}
	if r.Header.Get("Content-Type") != pieceType {
		return fault.New(fault.UnsupportedMedia, "The piece has the wrong type.", "Send Content-Type: "+pieceType+".")
	}
	at, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || at < 0 {
		return fault.New(fault.Invalid, "The Upload-Offset is missing or no number of bytes.", "Ask with HEAD how far the upload is.")
	}
	if !isID(id) {
		return unknown()
	}
	ctx, mine := h.take(r.Context(), id)
	defer h.leave(id, mine)
	i, offset, err := h.open(id)
	if err != nil {
		return err
	}
	if offset != at {
		w.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
		return fault.New(fault.Conflict, fmt.Sprintf("The upload is at byte %d, and the piece begins at %d.", offset, at), "Ask with HEAD and go on from there.")
	}
	i.Expires = time.Now().UTC().Add(h.Age)
	offset, err = h.receive(ctx, w, r, piece{id, i, offset})
	if err != nil {
		return err
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
	w.Header().Set("Upload-Expires", i.Expires.Format(http.TimeFormat))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// receive appends the request's body and returns the offset behind it, which is on disk
// then. What came before an error stays, unless a checksum should have vouched for it.
func (h *Handler) receive(ctx context.Context, w http.ResponseWriter, r *http.Request, p piece) (int64, error) {
	check, err := newChecksum(r.Header.Get("Upload-Checksum"))
	if err != nil {
		return 0, err
	}
	body, err := h.Body(w, r, p.info.Length-p.offset)
	if err != nil {
		return 0, err
	}
	control := http.NewResponseController(w)
	defer body.Close()
	received := make(chan struct{})
	defer close(received)
	stop := context.AfterFunc(ctx, func() { interrupt(control, received) })
	defer stop()
	if check != nil {
		if err := h.store.mark(p); err != nil {
			return 0, err
		}
	}
	size, err := h.store.append(p, body, check)
	if check != nil {
		err = h.store.confirm(p, check, err)
	}
	if err == nil {
		err = h.store.advance(p, p.offset+size)
	}
	if ctx.Err() != nil && r.Context().Err() == nil {
		err = fault.New(fault.Conflict, "Another request goes on with this upload.", "Ask with HEAD how far it is.")
	}
	return p.offset + size, err
}

// interrupt ends a request whose upload a newer one goes on with: it may hang in a dead
// connection. The body's own limit may set another deadline at the same moment, so it is
// said until it is heard.
func interrupt(control *http.ResponseController, received <-chan struct{}) {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		_ = control.SetReadDeadline(time.Unix(1, 0))
		select {
		case <-received:
			return
		case <-again.C:
		}
	}
}

// mark notes where an unchecked piece begins.
func (s store) mark(p piece) error {
	return errors.Join(writeWhole(s.hold(p.id), strconv.AppendInt(nil, p.offset, 10)), syncFolder(s.dir))
}

// confirm removes the mark of a piece that passed, and the piece itself otherwise.
func (s store) confirm(p piece, check *checksum, err error) error {
	if err == nil && !check.holds() {
		err = Refusal{StatusChecksum, fault.New(fault.Invalid, "The piece arrived damaged.", "Send it again.")}
	}
	if err != nil {
		return errors.Join(err, s.release(p.id, p.offset))
	}
	if err := os.Remove(s.hold(p.id)); err != nil {
		return fmt.Errorf("confirm a piece: %w", err)
	}
	return nil
}

// append writes the body behind the upload and syncs, also when the body breaks off.
func (s store) append(p piece, body io.Reader, check *checksum) (int64, error) {
	f, err := os.OpenFile(s.data(p.id), os.O_WRONLY, 0)
	if err != nil {
		return 0, fmt.Errorf("append to an upload: %w", err)
	}
	var target io.Writer = io.NewOffsetWriter(f, p.offset)
	if check != nil {
		target = io.MultiWriter(target, check)
	}
	size, err := io.CopyBuffer(struct{ io.Writer }{target}, struct{ io.Reader }{body}, make([]byte, bufferSize))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fault.New(fault.Invalid, "The piece ended before it was complete.", "Ask with HEAD and go on from there.")
	}
	if ill := errors.Join(f.Sync(), f.Close()); ill != nil {
		// The kernel reports a page that it could not write once and then takes it for
		// written: another sync would prove nothing, so the bytes have to come again.
		return 0, errors.Join(err, ill, s.cut(p.id, p.offset))
	}
	return size, err
}

// advance keeps the digest of what is here, and the new expiry.
func (s store) advance(p piece, offset int64) error {
	if _, err := s.digest(p.id, &p.info, offset); err != nil {
		return err
	}
	return s.save(p.id, p.info)
}

// checksum is the Upload-Checksum of a piece.
type checksum struct {
	hash.Hash
	want []byte
}

// newChecksum reads "ALGORITHM BASE64", nil for none.
func newChecksum(header string) (*checksum, error) {
	if header == "" {
		return nil, nil
	}
	algorithm, text, _ := strings.Cut(header, " ")
	want, err := base64.StdEncoding.DecodeString(text)
	var sum hash.Hash
	switch algorithm {
	case "sha1":
		sum = sha1.New()
	case "sha256":
		sum = sha256.New()
	}
	if sum == nil || err != nil || len(want) != sum.Size() {
		return nil, fault.New(fault.Invalid, "The Upload-Checksum cannot be read.", "Write ALGORITHM BASE64 with one of "+algorithms+".")
	}
	return &checksum{sum, want}, nil
}

func (c *checksum) holds() bool { return subtle.ConstantTimeCompare(c.Sum(nil), c.want) == 1 }
