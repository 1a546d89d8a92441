package tus

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
)

const (
	version    = "1.0.0"
	extensions = "creation,creation-with-upload,expiration,checksum,termination"
	// maxMetadata bounds Upload-Metadata in bytes.
	maxMetadata = 8 << 10
	// StatusChecksum is the protocol's own status for a piece that arrived damaged.
	StatusChecksum = 460
)

// Options is what a Handler is made of.
type Options struct {
	Spool spool.Spool
	// Path is the address of the collection, without a slash at its end.
	Path string
	// MaxSize is how large one upload may be.
	MaxSize int64
	// Age is how long an upload is kept after its last piece.
	Age time.Duration
	// Owner names who a request belongs to.
	Owner func(*http.Request) string
	// Body gives a request's body the limits of the service; the piece has at most
	// limit bytes.
	Body func(w http.ResponseWriter, r *http.Request, limit int64) (io.ReadCloser, error)
	// Room refuses an upload of a size for which there is no room.
	Room func(size int64) error
	// Believed reports whether the clock can be believed; nothing expires while it cannot.
	// nil means always.
	Believed func() bool
}

// Refusal is an answer with a status that the protocol defines and the codes of faults
// do not.
type Refusal struct {
	Status int
	Fault  *fault.Error
}

// Error returns the fault's line.
func (e Refusal) Error() string { return e.Fault.Error() }

// Unwrap gives errors.As the fault.
func (e Refusal) Unwrap() error { return e.Fault }

// Handler speaks the protocol. It is safe for concurrent use.
type Handler struct {
	Options
	store store

	mu     sync.Mutex
	active map[string]*turn
}

// turn is the right of one request to write an upload. A newer request for the same
// upload takes it: its sender has given the older connection up.
type turn struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// New returns a Handler.
func New(o Options) *Handler {
	return &Handler{Options: o, store: store{dir: o.Spool.Uploads(), believed: o.Believed}, active: map[string]*turn{}}
}

// Finished returns a complete upload.
func (h *Handler) Finished(id string) (Upload, error) { return h.store.finished(id) }

// Remove ends an upload.
func (h *Handler) Remove(id string) error { return h.store.remove(id) }

// Sweep removes expired uploads that nobody is writing.
func (h *Handler) Sweep() error {
	ids, err := h.store.expired()
	for _, id := range ids {
		h.mu.Lock()
		busy := h.active[id] != nil
		h.mu.Unlock()
		if !busy {
			err = errors.Join(err, h.store.remove(id))
		}
	}
	return err
}

// take waits until the upload belongs to this request alone; a request that is still
// writing is told to stop.
func (h *Handler) take(ctx context.Context, id string) (context.Context, *turn) {
	ctx, cancel := context.WithCancel(ctx)
	mine := &turn{cancel: cancel, done: make(chan struct{})}
	h.mu.Lock()
	before := h.active[id]
	h.active[id] = mine
	h.mu.Unlock()
	if before != nil {
		before.cancel()
		<-before.done
	}
	return ctx, mine
}

func (h *Handler) leave(id string, mine *turn) {
	h.mu.Lock()
	if h.active[id] == mine {
		delete(h.active, id)
	}
	h.mu.Unlock()
	mine.cancel()
	close(mine.done)
}

// begin answers the protocol's version question, for every request but Options.
func begin(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Tus-Resumable", version)
	if r.Header.Get("Tus-Resumable") != version {
		w.Header().Set("Tus-Version", version)
		return Refusal{http.StatusPreconditionFailed, fault.New(fault.Unsupported, "The request is not of tus 1.0.0.", "Send Tus-Resumable: 1.0.0.")}
	}
	return nil
}

// Describe says what the service can do (OPTIONS).
func (h *Handler) Describe(w http.ResponseWriter) {
	head := w.Header()
	head.Set("Tus-Resumable", version)
	head.Set("Tus-Version", version)
	head.Set("Tus-Extension", extensions)
	head.Set("Tus-Max-Size", strconv.FormatInt(h.MaxSize, 10))
	head.Set("Tus-Checksum-Algorithm", algorithms)
	w.WriteHeader(http.StatusNoContent)
}

// Create makes an upload (POST), with its first bytes if the request has a body.
func (h *Handler) Create(w http.ResponseWriter, r *http.Request) error {
	if err := begin(w, r); err != nil {
		return err
	}
	i, err := h.newInfo(w, r)
	if err != nil {
		return err
	}
	id, err := h.store.create(i)
	if err != nil {
		return err
	}
	w.Header().Set("Location", h.Path+"/"+id)
	w.Header().Set("Upload-Expires", i.Expires.Format(http.TimeFormat))
	if r.Header.Get("Content-Type") == pieceType && r.ContentLength != 0 {
		ctx, mine := h.take(r.Context(), id)
		defer h.leave(id, mine)
		offset, err := h.receive(ctx, w, r, piece{id: id, info: i})
		if err != nil {
			return err
		}
		w.Header().Set("Upload-Offset", strconv.FormatInt(offset, 10))
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (h *Handler) newInfo(w http.ResponseWriter, r *http.Request) (info, error) {
	if r.Header.Get("Upload-Defer-Length") != "" || r.Header.Get("Upload-Concat") != "" {
		return info{}, fault.New(fault.Unsupported, "Uploads without a length, and in parts, are not taken here.", "Send Upload-Length.")
	}
	length, err := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	if err != nil || length < 0 {
		return info{}, fault.New(fault.Invalid, "The Upload-Length is missing or no number of bytes.", "Send it with the creation.")
	}
	if length > h.MaxSize {
		w.Header().Set("Tus-Max-Size", strconv.FormatInt(h.MaxSize, 10))
		return info{}, fault.New(fault.TooLarge, fmt.Sprintf("The upload is larger than the limit of %d bytes.", h.MaxSize), "Send a smaller file.")
	}
	if err := h.Room(length); err != nil {
		return info{}, err
	}
	metadata := r.Header.Get("Upload-Metadata")
	name, err := fileName(metadata)
	now := time.Now().UTC()
	return info{Owner: h.Owner(r), Name: name, Length: length, Created: now, Expires: now.Add(h.Age), Metadata: metadata}, err
}

// fileName reads the file's name out of Upload-Metadata: pairs of a key and a value in
// base64, separated by commas.
func fileName(metadata string) (string, error) {
	bad := fault.New(fault.Invalid, "The Upload-Metadata is malformed.", "Write it as: filename BASE64.")
	if len(metadata) > maxMetadata {
		return "", bad
	}
	name := ""
	for pair := range strings.SplitSeq(metadata, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
		text, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return "", bad
		}
		if key == "filename" || key == "name" && name == "" {
			name = string(text)
		}
	}
	return spool.CleanName(name), nil
}

// Head tells how far an upload is.
func (h *Handler) Head(w http.ResponseWriter, r *http.Request, id string) error {
	w.Header().Set("Cache-Control", "no-store")
	if err := begin(w, r); err != nil {
		return err
	}
	if !isID(id) {
		return unknown()
	}
	_, mine := h.take(r.Context(), id)
	defer h.leave(id, mine)
	i, offset, err := h.open(id)
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Upload-Offset", strconv.FormatInt(offset, 10))
	head.Set("Upload-Length", strconv.FormatInt(i.Length, 10))
	head.Set("Upload-Expires", i.Expires.Format(http.TimeFormat))
	if i.Metadata != "" {
		head.Set("Upload-Metadata", i.Metadata)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// open returns an upload in a state that counts. The caller has its turn.
func (h *Handler) open(id string) (info, int64, error) {
	i, err := h.store.load(id)
	if err != nil {
		return i, 0, err
	}
	if err := h.store.recover(id); err != nil {
		return i, 0, err
	}
	offset, err := h.store.offset(id)
	return i, offset, err
}

// Delete ends an upload.
func (h *Handler) Delete(w http.ResponseWriter, r *http.Request, id string) error {
	if err := begin(w, r); err != nil {
		return err
	}
	if !isID(id) {
		return unknown()
	}
	_, mine := h.take(r.Context(), id)
	defer h.leave(id, mine)
	if _, err := h.store.load(id); err != nil {
		return err
	}
	if err := h.store.remove(id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
