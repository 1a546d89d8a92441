package cache_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/runner/cache"
)

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// put keeps a copy that was asked for at that time.
func put(t *testing.T, s cache.Shelf, digest, prefix string, asked time.Time) {
	t.Helper()
	lock, err := s.Lock(digest)
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	defer lock.Close()
	file := filepath.Join(s.Dir(), digest+".fetched")
	write(t, file, digest, 0o444)
	path, err := s.Put(file, cache.Copy{Digest: digest, Prefix: prefix, Asked: asked, Now: asked, TTL: time.Hour})
	if err != nil || !exists(path) || exists(file) {
		t.Fatal(path, err)
	}
}

func TestCopiesLiveAsLongAsTheyMay(t *testing.T) {
	t.Parallel()
	c := cache.New(t.TempDir())
	s, now := c.Copies("r"), time.Now()
	if _, ok := s.Find("A", now); ok {
		t.Error("found what was never put")
	}
	put(t, s, "A", "acme/1", now)
	put(t, s, "B", "beta/1", now)
	for at, want := range map[time.Duration]bool{0: true, 59 * time.Minute: true, time.Hour: false} {
		if _, ok := s.Find("A", now.Add(at)); ok != want {
			t.Errorf("after %s: %t", at, ok)
		}
	}
	if err := c.Sweep(now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.Dir()); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// What was asked for before a drop is not used after it, even if it comes later.
func TestDropReachesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	c := cache.New(t.TempDir())
	s, now := c.Copies("r"), time.Now()
	put(t, s, "A", "acme/1", now)
	put(t, s, "B", "beta/1", now)
	n, err := c.Drop("r", "acme/", now.Add(time.Minute))
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	put(t, s, "A", "acme/1", now.Add(30*time.Second)) // its fetch began before the drop
	if _, ok := s.Find("A", now); ok {
		t.Error("a copy from before the drop is used")
	}
	if _, ok := s.Find("B", now); !ok {
		t.Error("another customer's copy went")
	}
	put(t, s, "A", "acme/1", now.Add(2*time.Minute))
	if _, ok := s.Find("A", now.Add(2*time.Minute)); !ok {
		t.Error("a copy from after the drop is not used")
	}
	for _, name := range []string{"", "..", "../r", "."} {
		if _, err := c.Drop(name, "", now); err == nil {
			t.Errorf("dropped %q", name)
		}
	}
}

func TestOneHoldsTheLock(t *testing.T) {
	t.Parallel()
	s := cache.New(t.TempDir()).Copies("r")
	first, err := s.Lock("A")
	if err != nil || first == nil {
		t.Fatal(first, err)
	}
	if second, err := s.Lock("A"); err != nil || second != nil {
		t.Fatalf("two hold it: %v, %v", second, err)
	}
	first.Close()
	again, err := s.Lock("A")
	if err != nil || again == nil {
		t.Fatal(again, err)
	}
	again.Close()
}

func TestFoldersAreOfOneOwner(t *testing.T) {
	t.Parallel()
	c := cache.New(filepath.Join(t.TempDir(), "cache"))
	paths := map[string]bool{}
	for _, of := range [][2]string{{"r", "ann"}, {"r", "bob"}, {"q", "ann"}, {"r", ""}, {"r", "ann"}} {
		path, err := c.Folder(of[0], of[1])
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(path, "ann") {
			t.Errorf("%s tells its owner", path)
		}
		paths[path] = true
	}
	if len(paths) != 4 {
		t.Errorf("%d folders: %v", len(paths), paths)
	}
	other, err := cache.New(t.TempDir()).Folder("r", "ann")
	if err != nil || paths[other] || filepath.Base(other) == "" {
		t.Errorf("the folder of another machine can be guessed: %s, %v", other, err)
	}
	for path := range paths {
		if filepath.Base(path) == filepath.Base(other) {
			t.Errorf("%s is named alike everywhere", path)
		}
	}
}

// The end of a job leaves its files to the next one's user, and no more than fits.
func TestSettle(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	write(t, outside, "secret", 0o600)
	write(t, filepath.Join(dir, "old"), strings.Repeat("a", 64<<10), 0o600)
	write(t, filepath.Join(dir, "sub/tool"), strings.Repeat("b", 64<<10), 0o700)
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(outside, filepath.Join(dir, "second")); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "old"), long, long); err != nil {
		t.Fatal(err)
	}
	if err := cache.Settle(dir, 100<<10); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(dir, "old")) || !exists(filepath.Join(dir, "sub/tool")) {
		t.Error("what was used least lately did not go, or something else did")
	}
	for path, want := range map[string]os.FileMode{filepath.Join(dir, "sub"): 0o777, filepath.Join(dir, "sub/tool"): 0o777, outside: 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has the mode %v, %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

func TestUnusedFoldersGo(t *testing.T) {
	t.Parallel()
	c, now := cache.New(t.TempDir()), time.Now()
	used, err := c.Folder("r", "ann")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(used, "a/b"), "x", 0o600)
	if err := c.Sweep(now.Add(29 * 24 * time.Hour)); err != nil || !exists(used) {
		t.Errorf("%v: a folder that was used this month is gone", err)
	}
	if err := c.Sweep(now.Add(31 * 24 * time.Hour)); err != nil || exists(used) {
		t.Errorf("%v: a folder of nobody is kept", err)
	}
}
