package cache

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/spool"
)

// Shelf holds the copies of the inputs of one recipe.
type Shelf struct{ dir string }

// Dir is its folder.
func (s Shelf) Dir() string { return s.dir }

// OpenShelf returns the shelf in a folder that Dir told.
func OpenShelf(dir string) Shelf { return Shelf{dir: dir} }

// label is what stands beside a copy.
type label struct {
	Prefix string `json:"prefix"`
	// Asked is when the fetch began: what was dropped later is not to be used.
	Asked time.Time `json:"asked"`
	Until time.Time `json:"until"`
}

// dropped is one call to drop copies.
type dropped struct {
	Prefix string    `json:"prefix"`
	At     time.Time `json:"at"`
}

// dropsKept is how long a drop is remembered: longer than any fetch takes.
const dropsKept = 91 * 24 * time.Hour

// Find returns the file of a copy that may be used now.
func (s Shelf) Find(digest string, now time.Time) (path string, ok bool) {
	path = filepath.Join(s.dir, digest)
	l, err := readLabel(path)
	if err != nil || !now.Before(l.Until) || s.isDropped(l) {
		return "", false
	}
	_, err = os.Lstat(path)
	return path, err == nil
}

func readLabel(path string) (label, error) {
	var l label
	text, err := os.ReadFile(path + ".json")
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	return l, err
}

func (s Shelf) isDropped(l label) bool {
	return slices.ContainsFunc(s.drops(), func(d dropped) bool {
		return strings.HasPrefix(l.Prefix, d.Prefix) && !l.Asked.After(d.At)
	})
}

func (s Shelf) drops() []dropped {
	var all []dropped
	text, err := os.ReadFile(filepath.Join(s.dir, "dropped.json"))
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil
	}
	return all
}

// Copy is what is to be kept.
type Copy struct {
	Digest, Prefix string
	// Asked is when its fetch began; it is kept for TTL from Now.
	Asked, Now time.Time
	TTL        time.Duration
}

// shelfLimit bounds the copies of one recipe in bytes; what was used least lately goes.
const shelfLimit = 10 << 30

// Put takes over a file of the same file system as a copy and returns its path.
func (s Shelf) Put(file string, c Copy) (string, error) {
	path := filepath.Join(s.dir, c.Digest)
	_ = os.Remove(path + ".json") // the copy before is over, whatever happens now
	if err := os.Rename(file, path); err != nil {
		return "", err
	}
	text, err := json.Marshal(label{Prefix: c.Prefix, Asked: c.Asked, Until: c.Now.Add(c.TTL)})
	if err == nil {
		err = os.WriteFile(path+".json.new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".json.new", path+".json")
	}
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	return path, shrink(root, shelfLimit, func(name string) bool { return filepath.Ext(name) == "" })
}

// drop notes that copies with the prefix are over, and removes those that are there.
func (s Shelf) drop(prefix string, now time.Time) (int, error) {
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	drops := slices.DeleteFunc(s.drops(), func(d dropped) bool {
		return now.Sub(d.At) > dropsKept || strings.HasPrefix(d.Prefix, prefix)
	})
	text, err := json.Marshal(append(drops, dropped{prefix, now}))
	path := filepath.Join(s.dir, "dropped.json")
	if err == nil {
		err = os.WriteFile(path+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return 0, err
	}
	return s.remove(func(l label) bool { return s.isDropped(l) })
}

// unusedFor is how long a folder of an owner is kept without being used.
const unusedFor = 30 * 24 * time.Hour

// Sweep removes copies whose time is over, and folders that nobody used for 30 days.
func (c Cache) Sweep(now time.Time) error {
	recipes, err := os.ReadDir(filepath.Join(c.root, "copies"))
	err = gone(err)
	for _, r := range recipes {
		s := c.Copies(r.Name())
		_, sweepErr := s.remove(func(l label) bool { return !now.Before(l.Until) })
		err = errors.Join(err, sweepErr)
	}
	folders, globErr := filepath.Glob(filepath.Join(c.root, "folders", "*", "*"))
	err = errors.Join(err, globErr)
	for _, dir := range folders {
		info, statErr := os.Lstat(dir)
		if statErr == nil && now.Sub(info.ModTime()) > unusedFor {
			err = errors.Join(err, spool.RemoveFolder(dir))
		}
	}
	return err
}

// remove removes the copies that over tells.
func (s Shelf) remove(over func(label) bool) (n int, err error) {
	labels, err := filepath.Glob(filepath.Join(s.dir, "*.json"))
	if err != nil {
		return 0, err
	}
	for _, name := range labels {
		path := strings.TrimSuffix(name, ".json")
		l, err := readLabel(path)
		if err != nil || l.Until.IsZero() || !over(l) {
			continue
		}
		if err := errors.Join(gone(os.Remove(name)), gone(os.Remove(path)), s.removeLock(path)); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeLock removes the lock of a copy that nobody holds.
func (s Shelf) removeLock(path string) error {
	lock, err := tryLock(path + ".lock")
	if lock == nil {
		return err
	}
	defer lock.Close()
	return gone(os.Remove(path + ".lock"))
}

// Lock takes the lock of a copy for whoever fetches it; nil while another has it. Closing
// it, or the end of the process, lets go of it.
func (s Shelf) Lock(digest string) (*os.File, error) {
	if err := makeFolder(s.dir, 0o700); err != nil {
		return nil, err
	}
	return tryLock(filepath.Join(s.dir, digest+".lock"))
}

func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	var st unix.Stat_t
	if err == nil {
		err = unix.Fstat(int(f.Fd()), &st)
	}
	if err == nil && st.Nlink > 0 {
		return f, nil
	}
	f.Close()
	if err == nil || errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil // it was removed just now, or is another's
	}
	return nil, err
}
