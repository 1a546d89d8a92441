package spool

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

const testID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func newSpool(t *testing.T) Spool {
	t.Helper()
	s := New(filepath.Join(t.TempDir(), "spool"))
	if err := os.Mkdir(s.Root(), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func newDraft(t *testing.T, s Spool) *Draft {
	t.Helper()
	d, err := s.NewDraft(testID)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fill stores content in pieces and returns what is known of it.
func fill(t *testing.T, d *Draft, content []byte, piece int) Stored {
	t.Helper()
	f, err := d.Create(1)
	if err != nil {
		t.Fatal(err)
	}
	for rest := content; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
		if _, err := f.Write(rest[:min(piece, len(rest))]); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Name(1, InputFile(1, "bin")); err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestDraft_becomes_the_folder_of_a_job(t *testing.T) {
	t.Parallel()
	content := make([]byte, 1_000_003)
	_, _ = rand.Read(content)
	sum := sha256.Sum256(content)
	// Small pieces are hashed at once, large ones on the side, mixed ones both.
	for _, piece := range []int{1000, 65_536, 262_144, len(content)} {
		s := newSpool(t)
		d := newDraft(t, s)
		stored := fill(t, d, content, piece)
		if stored.SHA256 != hex.EncodeToString(sum[:]) || stored.Size != int64(len(content)) || !bytes.Equal(stored.Head, content[:len(stored.Head)]) || len(stored.Head) != headSize {
			t.Errorf("pieces of %d: %s, %d bytes, head of %d", piece, stored.SHA256, stored.Size, len(stored.Head))
		}
		if err := d.Publish(); err != nil {
			t.Fatal(err)
		}
		d.Keep()
		if err := d.Discard(); err != nil {
			t.Errorf("discard after keep: %v", err)
		}
		f, err := s.Job(testID).OpenInput("1.bin")
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		if again, err := Inspect(filepath.Join(s.Job(testID).In(), "1.bin")); err != nil || again.SHA256 != stored.SHA256 || again.Size != stored.Size {
			t.Errorf("inspected %+v, %v", again, err)
		}
	}
}

func TestDraft_discarded_leaves_nothing(t *testing.T) {
	t.Parallel()
	for _, published := range []bool{false, true} {
		s := newSpool(t)
		d := newDraft(t, s)
		fill(t, d, []byte("x"), 1)
		if published {
			if err := d.Publish(); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Discard(); err != nil {
			t.Fatal(err)
		}
		files := 0
		_ = filepath.WalkDir(s.Root(), func(_ string, e fs.DirEntry, _ error) error {
			if !e.IsDir() {
				files++
			}
			return nil
		})
		if _, err := os.Stat(s.Job(testID).Dir); files > 0 || err == nil {
			t.Errorf("published %v: %d files are left", published, files)
		}
	}
}

func TestRemoveDeadDrafts_spares_the_living(t *testing.T) {
	t.Parallel()
	s := newSpool(t)
	d := newDraft(t, s)
	dead := filepath.Join(s.Uploads(), "DEAD"+draftSuffix)
	if err := os.MkdirAll(filepath.Join(dead, "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveDeadDrafts(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dead draft is left: %v", err)
	}
	if _, err := os.Stat(d.dir); err != nil {
		t.Errorf("a living draft is gone: %v", err)
	}
}

func TestDraft_takes_a_file_without_copying(t *testing.T) {
	t.Parallel()
	s := newSpool(t)
	d := newDraft(t, s)
	source := filepath.Join(s.Root(), "source")
	if err := os.WriteFile(source, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Take(source, "1.bin"); err != nil {
		t.Fatal(err)
	}
	one, err1 := os.Stat(source)
	two, err2 := os.Stat(filepath.Join(d.in(), "1.bin"))
	if err1 != nil || err2 != nil || !os.SameFile(one, two) {
		t.Errorf("copied: %v %v", err1, err2)
	}
}

func TestOpen_refuses_what_is_no_plain_file(t *testing.T) {
	t.Parallel()
	s := newSpool(t)
	j := s.Job(testID)
	out := j.Out(1)
	if err := os.MkdirAll(filepath.Join(out, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(out, "1"), nil, 0o644), os.Symlink("/etc/passwd", filepath.Join(out, "link")),
		unix.Mkfifo(filepath.Join(out, "pipe"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../out.1/1", "folder", "link", "pipe", "none", "1\x00", "/etc/passwd"} {
		if f, err := j.OpenOutput(1, name); err == nil {
			_ = f.Close()
			t.Errorf("%q was opened", name)
		}
	}
	f, err := j.OpenOutput(1, "1")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}

func TestRemove_whatever_the_modes(t *testing.T) {
	t.Parallel()
	s := newSpool(t)
	dir := filepath.Join(s.Job(testID).Dir, "work.1", "deep")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "f"), nil, 0), os.Chmod(dir, 0), os.Chmod(filepath.Dir(dir), 0)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Remove(testID); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(s.Job(testID).Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}

// TestNewDraft_beside_the_removal_of_dead_ones always gets its folder and keeps it.
func TestNewDraft_beside_the_removal_of_dead_ones(t *testing.T) {
	t.Parallel()
	s := newSpool(t)
	end, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-end:
				ended <- nil
				return
			default:
			}
			if err := s.RemoveDeadDrafts(); err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 500 {
		d := newDraft(t, s)
		if _, err := os.Stat(d.in()); err != nil {
			t.Fatal(err)
		}
		if err := d.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	close(end)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
