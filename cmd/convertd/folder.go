package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"convertd/runner/fault"
)

// socketRoom is what the longest socket name beneath a run folder needs of the 107
// bytes that a unix socket's path may have.
const socketRoom = 40

// defaultData is where `up` keeps everything when it is not told.
func defaultData() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/convertd", nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the home folder (or give --data): %w", err)
	}
	return filepath.Join(home, ".local", "share", "convertd"), nil
}

// makeData makes the data folder. Root's may be passed through, not listed, by the users
// that PostgreSQL, memcached and the steps run as; everyone else's is closed.
func makeData(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return "", notUsable(fmt.Errorf("make the data folder: %w", err), dir)
	}
	return dir, nil
}

// notUsable adds what can be done about a data folder.
func notUsable(err error, dir string) error {
	switch {
	case errors.Is(err, syscall.EACCES):
		return fault.Wrap(err, fault.Unavailable, "This user may not write into the data folder "+dir+".", "Run this as the user whose folder it is, or choose another one with --data.")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EROFS):
		return fault.Wrap(err, fault.Unavailable, "The disk of the data folder "+dir+" is full or read-only.", "Make room there, or choose another folder with --data.")
	}
	return err
}

// runFolder is where sockets and process notes of the data folder lie: within it, or on
// a short path of our own where its name is too long for a socket.
func runFolder(data string) (string, error) {
	dir := filepath.Join(data, "run")
	if len(dir)+socketRoom > 107 {
		sum := sha256.Sum256([]byte(data))
		dir = filepath.Join(shortRoot(), "convertd-"+strconv.Itoa(os.Geteuid())+"-"+hex.EncodeToString(sum[:4]))
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("make the run folder: %w", err)
	}
	return dir, ours(dir)
}

func shortRoot() string {
	if os.Geteuid() == 0 {
		return "/run"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && len(dir)+socketRoom < 80 {
		return dir
	}
	return "/tmp"
}

// ours refuses a folder that someone else made in our place.
func ours(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("run folder %s is not ours alone: remove it, or give a shorter --data", dir)
	}
	return nil
}

// errRuns says that the lock of a data folder is held.
var errRuns = errors.New("convertd up already runs")

// lockFolder takes the lock that one `up` holds on its data folder; the kernel frees it
// with the process, however that ends.
func lockFolder(data string) (*os.File, error) {
	path := filepath.Join(data, "up.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, notUsable(fmt.Errorf("lock the data folder: %w", err), data)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		_ = f.Close()
		return nil, fmt.Errorf("%w on %s (process %s): stop it first, or give another --data", errRuns, data, holder)
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		_ = f.Close()
		return nil, notUsable(fmt.Errorf("lock the data folder: %w", err), data)
	}
	return f, nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return err
}
