package dispatcher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/box"
	"convertd/runner/fault"
	"convertd/runner/spool"
)

// Files of the dispatcher in the spool's root; job folders have two-letter parents.
const (
	spoolLock   = "dispatcher.lock"
	spoolIDFile = "spool.id"
)

// takeSpool returns the open file that holds the spool's lock. While another process
// holds it we are a standby: the wait ends with its death. It returns nil when ctx
// ends first.
func (d *Dispatcher) takeSpool(ctx context.Context) (*os.File, error) {
	root := d.opts.Spool.Root()
	if err := box.CanHold(root); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	if err := d.refuseNetwork(root); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(root, spoolLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of spool: %w", err)
	}
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for standby := false; ; standby = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			if err := refuseHalf(d.opts.Spool); err != nil {
				return nil, errors.Join(err, f.Close())
			}
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("take lock of spool: %w", err), f.Close())
		}
		if !standby {
			d.log.Info("another dispatcher serves this spool; waiting as a standby", "spool", root)
		}
		select {
		case <-ctx.Done():
			return nil, f.Close()
		case <-d.stops:
			return nil, f.Close()
		case <-again.C:
		}
	}
}

// spoolName returns the random name that the spool got with its first dispatcher. It
// stands in the rows of attempts and names the control groups, so that whoever serves
// this spool next knows its own, whatever the machine is called then.
func spoolName(s spool.Spool) (string, error) {
	path := filepath.Join(s.Root(), spoolIDFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		b = []byte(strings.ToLower(rand.Text()[:12]))
		err = writeDurably(path, b)
	}
	if err != nil {
		return "", fmt.Errorf("name spool: %w", err)
	}
	name := strings.TrimSpace(string(b))
	if name == "" || strings.ContainsAny(name, "/.\x00") {
		return "", fmt.Errorf("name spool: %s is damaged: remove it while no job runs", path)
	}
	return name, nil
}

// Vacant takes the place of a dispatcher in a spool for somebody who works on its files,
// until the end that it returns. It is refused while a dispatcher serves it.
func Vacant(s spool.Spool) (end func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.Root(), spoolLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of spool: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fault.New(fault.Conflict, "A dispatcher serves the spool "+s.Root()+".", "Stop it first: systemctl stop convertd.target.")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}
