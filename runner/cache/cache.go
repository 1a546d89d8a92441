// Package cache owns what is kept on disk between jobs: a folder for each recipe and
// owner, which steps may use, and copies of fetched inputs, which only the runner writes.
// What was used least lately goes first.
//
//	ROOT/key                     what the names of folders are made with
//	ROOT/folders/RECIPE/NAME/    the folder of an owner; NAME cannot be guessed
//	ROOT/copies/RECIPE/DIGEST    a copy; beside it DIGEST.json says what it is, DIGEST.lock
//	                             is held by whoever fetches it
//	ROOT/copies/RECIPE/dropped.json  prefixes that were dropped, and when
//
// It does not own what a recipe says about it (recipe), nor fetching (runner). It may
// import the standard library, golang.org/x/sys/unix and runner/spool.
package cache

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Cache is everything that is kept between jobs of one spool.
type Cache struct{ root string }

// New returns the cache beneath an absolute folder; it touches no disk.
func New(root string) Cache { return Cache{root: root} }

// Copies is where copies of the inputs of a recipe lie.
func (c Cache) Copies(recipe string) Shelf {
	return Shelf{dir: filepath.Join(c.root, "copies", recipe)}
}

// modes: a step passes through what is above its folder, and sees no other's name.
const (
	passable = 0o711
	ownMode  = 0o777 // of whichever user a step has; nobody else knows the way
)

// Folder makes, if it is not there, the folder that jobs of the recipe and owner use, and
// returns its path. Owner "" is all owners together.
func (c Cache) Folder(recipe, owner string) (string, error) {
	key, err := c.key()
	if err != nil {
		return "", fmt.Errorf("make cache of recipe: %w", err)
	}
	name := hmac.New(sha256.New, key)
	name.Write([]byte(recipe + "\x00" + owner))
	above := filepath.Join(c.root, "folders", recipe)
	for _, dir := range []string{c.root, filepath.Dir(above), above} {
		if err := makeFolder(dir, passable); err != nil {
			return "", fmt.Errorf("make cache of recipe: %w", err)
		}
	}
	dir := filepath.Join(above, hex.EncodeToString(name.Sum(nil)))
	err = makeFolder(dir, ownMode)
	if err == nil {
		now := time.Now()
		err = os.Chtimes(dir, now, now) // it is used: see Sweep
	}
	if err != nil {
		return "", fmt.Errorf("make cache of recipe: %w", err)
	}
	return dir, nil
}

// makeFolder makes a folder with exactly this mode; one that is there stays as it is.
func makeFolder(dir string, mode fs.FileMode) error {
	err := os.MkdirAll(filepath.Dir(dir), passable)
	if err == nil {
		err = os.Mkdir(dir, mode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

const keySize = 32

// key reads what names are made with, and makes it the first time.
func (c Cache) key() ([]byte, error) {
	path := filepath.Join(c.root, "key")
	key, err := os.ReadFile(path)
	if err == nil && len(key) == keySize {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := makeFolder(c.root, passable); err != nil {
		return nil, err
	}
	key = make([]byte, keySize)
	_, _ = rand.Read(key) // it never fails (crypto/rand)
	mine := path + "." + hex.EncodeToString(key[:8])
	if err := os.WriteFile(mine, key, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(mine)
	if err := os.Link(mine, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path) // another process may have been first
}

// Drop removes the copies of a recipe whose prefix begins with this one, and what its
// folders hold beneath names that do; "" is everything. Copies that are being fetched
// now are not used for later jobs. It returns how many files went.
func (c Cache) Drop(recipe, prefix string, now time.Time) (int, error) {
	if recipe == "" || recipe != filepath.Base(recipe) || strings.HasPrefix(recipe, ".") {
		return 0, fmt.Errorf("drop what is kept: %q is not the name of a recipe", recipe)
	}
	n, err := c.Copies(recipe).drop(prefix, now)
	folders, listErr := os.ReadDir(filepath.Join(c.root, "folders", recipe))
	if listErr != nil && !errors.Is(listErr, fs.ErrNotExist) {
		err = errors.Join(err, listErr)
	}
	for _, folder := range folders {
		gone, dropErr := dropFiles(filepath.Join(c.root, "folders", recipe, folder.Name()), prefix)
		n, err = n+gone, errors.Join(err, dropErr)
	}
	if err != nil {
		return n, fmt.Errorf("drop what is kept for recipe %s: %w", recipe, err)
	}
	return n, nil
}

// dropFiles removes the files whose path below the folder begins with the prefix.
func dropFiles(dir, prefix string) (n int, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	files, err := list(root)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if !strings.HasPrefix(f.name, prefix) {
			continue
		}
		if err := root.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
		n++
	}
	return n, nil
}

// file is one file that is kept.
type file struct {
	name string
	size int64
	used time.Time
}

// list returns the files beneath a folder. What cannot be read is not seen; it goes with
// its folder.
func list(root *os.Root) ([]file, error) {
	var files []file
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		files = append(files, file{name: name, size: diskSize(info), used: lastUse(info)})
		return nil
	})
	return files, err
}

// lastUse is the later of reading and writing, as far as the file system keeps that.
func lastUse(info fs.FileInfo) time.Time {
	used := info.ModTime()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if read := time.Unix(stat.Atim.Unix()); read.After(used) {
			used = read
		}
	}
	return used
}

// diskSize is what a file takes of the disk.
func diskSize(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}

// Settle is called when a job that used the folder has ended: what it left becomes usable
// for the next, whatever user that has, and what was used least lately goes until the
// rest fits into the limit in bytes.
func Settle(dir string, limit int64) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("tidy cache of recipe: %w", err)
	}
	defer root.Close()
	if err := share(root); err != nil {
		return fmt.Errorf("tidy cache of recipe: %w", err)
	}
	if err := shrink(root, limit, func(string) bool { return true }); err != nil {
		return fmt.Errorf("tidy cache of recipe: %w", err)
	}
	return nil
}

// share gives everybody who knows the way what is in the folder. A file with a second
// name may be one of somewhere else.
func share(root *os.Root) error {
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		mode := info.Mode().Perm()
		switch {
		case !ok || int(stat.Uid) != os.Geteuid() && os.Geteuid() != 0:
			return nil
		case entry.IsDir():
			mode |= 0o777
		case info.Mode().IsRegular() && stat.Nlink == 1:
			mode |= 0o666
			if mode&0o100 != 0 {
				mode |= 0o111
			}
		}
		if mode == info.Mode().Perm() {
			return nil
		}
		return chmodSame(root, name, info, mode)
	})
}

// chmodSame changes the mode of exactly the file that was looked at.
func chmodSame(root *os.Root, name string, info fs.FileInfo, mode fs.FileMode) error {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil // another job took it away, or its permission
	}
	defer f.Close()
	now, err := f.Stat()
	if err != nil || !os.SameFile(now, info) {
		return err
	}
	return f.Chmod(mode)
}

// shrink removes what was used least lately of the files that counts tells.
func shrink(root *os.Root, limit int64, counts func(name string) bool) error {
	files, err := list(root)
	if err != nil {
		return err
	}
	files = slices.DeleteFunc(files, func(f file) bool { return !counts(f.name) })
	total := int64(0)
	for _, f := range files {
		total += f.size
	}
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total <= limit {
			return nil
		}
		if err := root.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= f.size
	}
	return nil
}
