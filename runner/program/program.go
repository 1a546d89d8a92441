// Package program tells which version of a program it is that a recipe executes, without
// executing it: the version of the Debian package that brought it, else a digest of the
// file.
//
// It does not own where programs are looked for (runner/recipe). It may import the
// standard library and runner/recipe.
package program

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"convertd/runner/recipe"
)

// Self is how a runner names itself when it executes a built-in conversion.
const Self = "/proc/self/exe"

// Where dpkg(1) keeps what is installed.
const dpkgFolder = "/var/lib/dpkg"

// Catalog remembers the versions of programs. It may be used by several goroutines.
type Catalog struct {
	self, dpkg string

	mu    sync.Mutex
	known map[file]string
}

// file is a program as it lies on disk: another version is another file.
type file struct {
	path     string
	size     int64
	modified time.Time
}

// NewCatalog returns a catalog; self is the version of built-in conversions.
func NewCatalog(self string) *Catalog {
	return &Catalog{self: self, dpkg: dpkgFolder, known: map[file]string{}}
}

// Version returns the version of what a command's first word names, such as
// "ffmpeg 7:5.1.6-0+deb12u1" or "sha256 0123456789ab"; "" when there is no such program
// or it cannot be read. The first time for a program may take some ten milliseconds.
func (c *Catalog) Version(name string) string {
	if name == Self {
		return "convertd " + c.self
	}
	path, err := recipe.FindProgram(name)
	if err != nil {
		return ""
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	f := file{path, info.Size(), info.ModTime()}
	c.mu.Lock()
	defer c.mu.Unlock()
	version, ok := c.known[f]
	if !ok {
		version = c.look(path)
		c.known[f] = version
	}
	return version
}

// look finds out the version of a file.
func (c *Catalog) look(path string) string {
	if owner := c.owner(path); owner != "" {
		if version := c.installed(owner); version != "" {
			return owner + " " + version
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return ""
	}
	return "sha256 " + hex.EncodeToString(sum.Sum(nil))[:12]
}

// owner returns the package that a file came with, "" for none. On systems whose /bin is
// a link to /usr/bin a list may name the file by either.
func (c *Catalog) owner(path string) string {
	lists, err := filepath.Glob(filepath.Join(c.dpkg, "info", "*.list"))
	if err != nil {
		return ""
	}
	wanted := []string{"\n" + path + "\n"}
	if short, ok := strings.CutPrefix(path, "/usr"); ok {
		wanted = append(wanted, "\n"+short+"\n")
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, line := range wanted {
			if strings.Contains("\n"+string(text), line) {
				name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(list), ".list"), ":")
				return name
			}
		}
	}
	return ""
}

// installed returns the version of an installed package.
func (c *Catalog) installed(name string) string {
	f, err := os.Open(filepath.Join(c.dpkg, "status"))
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	here := false
	for lines.Scan() {
		if found, ok := strings.CutPrefix(lines.Text(), "Package: "); ok {
			here = found == name
		}
		if version, ok := strings.CutPrefix(lines.Text(), "Version: "); ok && here {
			return version
		}
	}
	return ""
}

// Changed says in a sentence how a program differs from what it was, "" when it does not
// or one of both is not known.
func Changed(name, before, now string) string {
	if before == now || before == "" || now == "" {
		return ""
	}
	if name == Self {
		return fmt.Sprintf("The built-in conversion was of %s and is of %s now.", before, now)
	}
	return fmt.Sprintf("The program %s was %s and is %s now.", filepath.Base(name), before, now)
}
