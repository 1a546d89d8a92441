package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// headSize is how much of the beginning is kept for recognising the type.
	headSize = 4 << 10
	// aside is the size of a write from which on hashing is worth another goroutine.
	aside = 64 << 10
	// writeBack is how many bytes are written before the kernel is asked to begin
	// putting them on disk, so that the sync at the end has little left to wait for.
	writeBack = 16 << 20
)

// File is an input being written. Its digest is computed beside the writing.
type File struct {
	file    *os.File
	sum     hash.Hash
	size    int64
	started int64 // bytes whose write-back has begun
	head    []byte

	// The goroutine that hashes owns sum between work and idle.
	work chan []byte
	idle chan []byte
}

// Stored is what is known of a file once it is safely on disk.
type Stored struct {
	Size   int64
	SHA256 string
	// Head is the beginning of the content.
	Head []byte
}

func newFile(f *os.File) *File { return &File{file: f, sum: sha256.New()} }

// Write appends p.
func (f *File) Write(p []byte) (int, error) {
	if room := headSize - len(f.head); room > 0 {
		f.head = append(f.head, p[:min(room, len(p))]...)
	}
	f.hash(p)
	n, err := f.file.Write(p)
	f.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("write an upload: %w", err)
	}
	if f.size-f.started >= writeBack {
		// Only a hint: what matters is the sync in Close.
		_ = unix.SyncFileRange(int(f.file.Fd()), f.started, f.size-f.started, unix.SYNC_FILE_RANGE_WRITE)
		f.started = f.size
	}
	return n, nil
}

// hash adds p to the digest: small pieces at once, large ones on the other goroutine,
// which gets a copy because p is the caller's again when Write returns.
func (f *File) hash(p []byte) {
	if f.work == nil && len(p) < aside {
		f.sum.Write(p)
		return
	}
	if f.work == nil {
		f.startHashing()
	}
	f.work <- append((<-f.idle)[:0], p...)
}

func (f *File) startHashing() {
	f.work, f.idle = make(chan []byte), make(chan []byte, 1)
	f.idle <- nil
	go func() {
		for p := range f.work {
			f.sum.Write(p)
			f.idle <- p
		}
		close(f.idle)
	}()
}

// stopHashing waits until everything written is in the digest.
func (f *File) stopHashing() {
	if f.work == nil {
		return
	}
	close(f.work)
	for range f.idle { // the last buffer, then the close
	}
	f.work = nil
}

// Close syncs the file and returns what was stored. An error means that nothing may be
// relied on, even if a second try would succeed.
func (f *File) Close() (Stored, error) {
	f.stopHashing()
	if err := errors.Join(f.file.Sync(), f.file.Close()); err != nil {
		return Stored{}, fmt.Errorf("store an upload: %w", err)
	}
	return Stored{Size: f.size, SHA256: hex.EncodeToString(f.sum.Sum(nil)), Head: f.head}, nil
}

// Abort gives the file up; its folder is removed with the draft.
func (f *File) Abort() {
	f.stopHashing()
	_ = f.file.Close() // the content is not wanted any more
}

// Inspect reads a file of the spool that somebody else wrote, for its digest and head.
func Inspect(path string) (Stored, error) {
	f, err := openRegular(path)
	if err != nil {
		return Stored{}, fmt.Errorf("read an upload: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Stored{}, fmt.Errorf("read an upload: %w", err)
	}
	sum.Write(head[:n])
	rest, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{f}, make([]byte, 256<<10))
	if err != nil {
		return Stored{}, fmt.Errorf("read an upload: %w", err)
	}
	return Stored{Size: int64(n) + rest, SHA256: hex.EncodeToString(sum.Sum(nil)), Head: head[:n]}, nil
}
