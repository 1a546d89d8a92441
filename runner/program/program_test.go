package program

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	packaged, own, link := filepath.Join(dir, "packaged"), filepath.Join(dir, "own"), filepath.Join(dir, "link")
	write(t, packaged, "p", 0o755)
	write(t, own, "o", 0o755)
	if err := os.Symlink(packaged, link); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "dpkg/info/other.list"), "/.\n"+packaged+"-and-more\n", 0o644)
	write(t, filepath.Join(dir, "dpkg/info/tool:amd64.list"), "/.\n"+packaged+"\n", 0o644)
	write(t, filepath.Join(dir, "dpkg/status"), "Package: other\nVersion: 9\n\nPackage: tool\nStatus: install ok installed\nVersion: 1:2.3-4\n", 0o644)
	c := NewCatalog("v1")
	c.dpkg = filepath.Join(dir, "dpkg")
	check := func(name, want string) {
		t.Helper()
		if got := c.Version(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	check(packaged, "tool 1:2.3-4")
	check(link, "tool 1:2.3-4")
	check(own, "sha256 65c74c15a686")
	check(filepath.Join(dir, "absent"), "")
	check(Self, "convertd v1")
	write(t, own, "another", 0o755)
	check(own, "sha256 ae448ac86c4e")
}

func TestChanged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, before, now, want string }{
		{"/usr/bin/a", "a 1", "a 2", "The program a was a 1 and is a 2 now."},
		{Self, "convertd 1", "convertd 2", "The built-in conversion was of convertd 1 and is of convertd 2 now."},
		{"a", "a 1", "a 1", ""},
		{"a", "", "a 1", ""},
		{"a", "a 1", "", ""},
	} {
		if got := Changed(row.name, row.before, row.now); got != row.want {
			t.Errorf("%+v: %q", row, got)
		}
	}
}
