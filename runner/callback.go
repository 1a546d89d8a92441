package runner

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"convertd/runner/progress/reading"
)

// callback reads what a service pushes: a small file that is there as long as the attempt
// is, which the web process writes. Neither memcached nor the database has to be there for
// it, and the runner stays the only one who writes the status.
type callback struct {
	path string
	file *os.File
	seen time.Time
}

// maxPushed bounds what is pushed, in bytes.
const maxPushed = 4 << 10

// pushed is what the file holds.
type pushed struct {
	Percent *float64 `json:"percent"`
	Message string   `json:"message"`
}

// openCallback makes the file; the web process may write it.
func (a *attempt) openCallback() error {
	if a.spec.Callback == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(a.spec.Callback), 0o711); err != nil {
		return err
	}
	f, err := os.OpenFile(a.spec.Callback, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err := a.owner.give(f, 0o660); err != nil {
		f.Close()
		return err
	}
	a.callback = &callback{path: a.spec.Callback, file: f}
	return nil
}

// take returns what was pushed since the last time.
func (c *callback) take() (u reading.Update, ok bool) {
	if c == nil {
		return u, false
	}
	info, err := c.file.Stat()
	if err != nil || info.Size() == 0 || info.ModTime().Equal(c.seen) {
		return u, false
	}
	if unix.Flock(int(c.file.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil {
		return u, false // it is being written; the next look finds it
	}
	text := make([]byte, maxPushed)
	n, err := c.file.ReadAt(text, 0)
	_ = unix.Flock(int(c.file.Fd()), unix.LOCK_UN)
	var p pushed
	if err != nil && !errors.Is(err, io.EOF) || json.Unmarshal(text[:n], &p) != nil {
		return u, false
	}
	c.seen = info.ModTime()
	u.Message = reading.Clean(p.Message)
	if p.Percent != nil {
		u.Percent, u.Known = *p.Percent, true
	}
	return u, true
}

// close removes the file: the token is dead.
func (c *callback) close() {
	if c == nil {
		return
	}
	_ = os.Remove(c.path) // the dispatcher removes it as well
	c.file.Close()
}
