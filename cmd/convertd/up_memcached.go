package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// memcachedMegabytes holds about half a million statuses.
const memcachedMegabytes = "64"

// memcachedService is a private memcached on a unix socket that only we may open.
func memcachedService(run string) (s *service, address string, err error) {
	binary, err := exec.LookPath("memcached")
	if err != nil {
		return nil, "", errors.New("memcached is not installed: apt-get install memcached, or name a running one in [memcached] address")
	}
	dir := filepath.Join(run, "memcached")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("make folder for memcached: %w", err)
	}
	who, err := memcachedUser(dir)
	if err != nil {
		return nil, "", err
	}
	socket := filepath.Join(dir, "socket")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, "", fmt.Errorf("remove old socket: %w", err)
	}
	s = &service{
		name: "memcached",
		argv: []string{binary, "-s", socket, "-a", "0700", "-U", "0", "-m", memcachedMegabytes, "-c", "4096"},
		user: who, stop: syscall.SIGTERM, patience: 5 * time.Second,
		ready: func() bool { return answers(socket) },
		gone:  func() error { return os.Remove(socket) },
	}
	return s, socket, nil
}

// memcachedUser is who memcached runs as when we are root: it refuses root, and has no
// business being it.
func memcachedUser(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("memcache")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find a user for memcached: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2, os.Chown(dir, int(uid), int(gid))); err != nil {
		return nil, fmt.Errorf("give memcached its folder: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func answers(socket string) bool {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}
