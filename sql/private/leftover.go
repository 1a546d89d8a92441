package private

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endLeftover ends the server that a killed predecessor left running on the cluster.
// All processes of a PostgreSQL server have the cluster as their working directory,
// which tells them from a stranger with a reused number. The caller holds the lock of
// the folder, so nobody alive owns them.
func endLeftover(ctx context.Context, cluster string, log *slog.Logger) error {
	master := postmaster(cluster)
	signal := syscall.SIGINT
	deadline := time.Now().Add(10 * time.Second)
	for {
		left, err := processesIn(cluster)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return removeStale(cluster, master)
		}
		if signal != 0 {
			log.Info("ending a database that was left running", "pid", master, "processes", len(left))
			signalLeft(left, master, signal)
			signal = 0
		}
		if time.Now().After(deadline) {
			signal, deadline = syscall.SIGQUIT, time.Now().Add(10*time.Second)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("end database that was left running: %w", ctx.Err())
		case <-time.After(readyEvery):
		}
	}
}

// signalLeft asks the server's first process to end; when that one is dead already, its
// orphans end by themselves, and SIGQUIT hastens them.
func signalLeft(left []int, master int, signal syscall.Signal) {
	for _, pid := range left {
		if pid == master {
			_ = syscall.Kill(pid, signal)
			return
		}
	}
	for _, pid := range left {
		_ = syscall.Kill(pid, syscall.SIGQUIT)
	}
}

// postmaster is the number of the server's first process by its own note, 0 for none.
func postmaster(cluster string) int {
	text, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0
	}
	return pid
}

// removeStale removes the note of a dead server whose number a stranger has got since:
// PostgreSQL would take the stranger for the server. There is no process left in the
// cluster when it is called. Any other note PostgreSQL judges itself.
func removeStale(cluster string, master int) error {
	if master == 0 || errors.Is(syscall.Kill(master, 0), syscall.ESRCH) {
		return nil
	}
	if err := os.Remove(filepath.Join(cluster, "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove note of a dead database: %w", err)
	}
	return nil
}

// processesIn lists the processes whose working directory is the folder.
func processesIn(folder string) ([]int, error) {
	real, err := filepath.EvalSymlinks(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a database that was left running: %w", err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("look for a database that was left running: %w", err)
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if at, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd")); err == nil && at == real {
			found = append(found, pid)
		}
	}
	return found, nil
}
