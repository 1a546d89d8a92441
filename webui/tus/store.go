// Package tus owns resumable uploads: the tus 1.0.0 protocol (core, creation,
// creation-with-upload, expiration, checksum, termination; tus.io) and the files in
// which uploads wait to be finished and used.
//
// An upload is ID.data, the bytes so far, and ID.json, what is known of it. The length
// of ID.data is the offset; a piece that must pass a checksum is marked by ID.hold with
// the offset before it until it has passed, so that after a kill at any byte nothing
// unchecked counts. The digest of the whole grows with the upload and is kept in
// ID.json, so that finishing a large one does not read it again.
//
// It does not own what becomes of a finished upload (webui). It may import runner/spool
// and runner/fault.
package tus

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"convertd/runner/fault"
	"convertd/runner/spool"
)

// headSize is how much of the beginning is needed to recognise a type.
const headSize = 4 << 10

// info is what ID.json holds.
type info struct {
	Owner   string    `json:"owner"`
	Name    string    `json:"name"`
	Length  int64     `json:"length"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Metadata is Upload-Metadata as it came, for HEAD.
	Metadata string `json:"metadata"`
	// Hashed is how many bytes Digest, a state of SHA-256, has taken.
	Hashed int64  `json:"hashed"`
	Digest []byte `json:"digest,omitempty"`
}

// Upload is an upload that is complete.
type Upload struct {
	spool.Stored
	Name string
	// Path is where its bytes lie.
	Path string
}

// store keeps uploads in a folder.
type store struct {
	dir string
	// believed is Options.Believed.
	believed func() bool
}

func (s store) data(id string) string { return filepath.Join(s.dir, id+".data") }
func (s store) meta(id string) string { return filepath.Join(s.dir, id+".json") }
func (s store) hold(id string) string { return filepath.Join(s.dir, id+".hold") }

func unknown() error {
	return fault.New(fault.NotFound, "There is no such upload.", "It may have expired or been used; start it again.")
}

// isID reports whether s has the form of rand.Text.
func isID(s string) bool {
	return len(s) == 26 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// create makes an empty upload that is on disk when it returns.
func (s store) create(i info) (string, error) {
	if err := os.MkdirAll(s.dir, 0o711); err != nil {
		return "", fmt.Errorf("make the folder of uploads: %w", err)
	}
	id := rand.Text()
	f, err := os.OpenFile(s.data(id), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", fmt.Errorf("create an upload: %w", err)
	}
	if err := errors.Join(f.Close(), s.save(id, i), syncFolder(s.dir)); err != nil {
		return "", errors.Join(err, s.remove(id))
	}
	return id, nil
}

// save replaces ID.json as a whole.
func (s store) save(id string, i info) error {
	text, err := json.Marshal(i)
	if err != nil {
		return fmt.Errorf("note an upload: %w", err)
	}
	return writeWhole(s.meta(id), text)
}

// writeWhole replaces a small file so that it is always whole.
func writeWhole(path string, content []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("note an upload: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("note an upload: %w", err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return fmt.Errorf("note an upload: %w", err)
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the folder of uploads: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// load returns what is known of an upload that has not expired.
func (s store) load(id string) (info, error) {
	var i info
	if !isID(id) {
		return i, unknown()
	}
	text, err := os.ReadFile(s.meta(id))
	if errors.Is(err, fs.ErrNotExist) {
		return i, unknown()
	}
	if err == nil {
		err = json.Unmarshal(text, &i)
	}
	if err != nil {
		return i, fmt.Errorf("read an upload: %w", err)
	}
	if time.Now().After(i.Expires) && (s.believed == nil || s.believed()) {
		return i, fault.New(fault.Gone, "The upload has expired.", "Start it again.")
	}
	return i, nil
}

// recover drops a piece whose checksum was never confirmed. The caller has the upload
// for itself.
func (s store) recover(id string) error {
	text, err := os.ReadFile(s.hold(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read an upload: %w", err)
	}
	offset, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("read an upload: %w", err)
	}
	return s.release(id, offset)
}

// cut drops what lies behind offset. Where that cannot be done the whole upload goes: it
// must not count as here.
func (s store) cut(id string, offset int64) error {
	if err := os.Truncate(s.data(id), offset); err != nil {
		return errors.Join(fmt.Errorf("drop a piece: %w", err), s.remove(id))
	}
	return nil
}

// release cuts the upload back to offset and removes the mark.
func (s store) release(id string, offset int64) error {
	err := os.Truncate(s.data(id), offset)
	if err == nil {
		err = os.Remove(s.hold(id))
	}
	if err != nil {
		return fmt.Errorf("drop an unchecked piece: %w", err)
	}
	return nil
}

// offset is how much of the upload is here.
func (s store) offset(id string) (int64, error) {
	st, err := os.Lstat(s.data(id))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, unknown()
	}
	if err != nil {
		return 0, fmt.Errorf("read an upload: %w", err)
	}
	return st.Size(), nil
}

// digest takes the bytes up to size that the kept state does not have yet, and keeps the
// new state in i.
func (s store) digest(id string, i *info, size int64) (hash.Hash, error) {
	sum := sha256.New()
	if i.Digest == nil || i.Hashed > size || sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(i.Digest) != nil {
		i.Hashed = 0
		sum.Reset()
	}
	if i.Hashed < size {
		if err := s.hashFrom(id, sum, i.Hashed, size); err != nil {
			return nil, err
		}
	}
	state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("keep the digest of an upload: %w", err)
	}
	i.Hashed, i.Digest = size, state
	return sum, nil
}

func (s store) hashFrom(id string, sum hash.Hash, from, to int64) error {
	f, err := os.Open(s.data(id))
	if err != nil {
		return fmt.Errorf("read an upload: %w", err)
	}
	defer f.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, io.NewSectionReader(f, from, to-from), make([]byte, 256<<10))
	if err != nil || n != to-from {
		return fmt.Errorf("read an upload: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	return nil
}

// finished returns an upload that is complete.
func (s store) finished(id string) (Upload, error) {
	i, err := s.load(id)
	if err != nil {
		return Upload{}, err
	}
	size, err := s.offset(id)
	if err != nil {
		return Upload{}, err
	}
	if size != i.Length {
		return Upload{}, fault.New(fault.Conflict, fmt.Sprintf("The upload has %d of its %d bytes.", size, i.Length), "Finish it first.")
	}
	sum, err := s.digest(id, &i, size)
	if err != nil {
		return Upload{}, err
	}
	head, err := s.head(id)
	stored := spool.Stored{Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)), Head: head}
	return Upload{Stored: stored, Name: i.Name, Path: s.data(id)}, err
}

func (s store) head(id string) ([]byte, error) {
	f, err := os.Open(s.data(id))
	if err != nil {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	return head[:n], nil
}

// remove deletes everything of an upload, what is known of it last, so that a removal
// that was cut off can be repeated.
func (s store) remove(id string) error {
	var err error
	for _, path := range []string{s.hold(id), s.data(id), s.meta(id) + ".tmp", s.meta(id)} {
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("remove an upload: %w", e))
		}
	}
	return err
}

// expired returns the uploads whose time is over, and those of which only data is left.
func (s store) expired() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, entry := range entries {
		id, isData := strings.CutSuffix(entry.Name(), ".data")
		if !isData || !isID(id) {
			continue
		}
		if _, e := s.load(id); fault.Is(e, fault.Gone) || fault.Is(e, fault.NotFound) && old(entry) {
			ids = append(ids, id)
		}
	}
	return ids, err
}

// old keeps an upload that is just being created from being taken for a leftover.
func old(entry fs.DirEntry) bool {
	st, err := entry.Info()
	return err == nil && time.Since(st.ModTime()) > time.Hour
}
