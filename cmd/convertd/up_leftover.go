package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processNote says which process a service of `up` was, exactly: a pid alone may have
// been given to someone else since.
type processNote struct {
	PID       int    `json:"pid"`
	StartTime string `json:"start_time"`
	BootID    string `json:"boot_id"`
}

// note keeps which process runs the service, for the next `up` if this one is killed.
func (s *service) note(pid int) {
	raw, err := json.Marshal(processNote{PID: pid, StartTime: startTime(pid), BootID: bootID()})
	if err == nil {
		err = os.WriteFile(s.noteFile(), raw, 0o600)
	}
	if err != nil {
		s.log.Warn("process not noted: a killed `convertd up` would leave it behind", "service", s.name, "error", err)
	}
}

// endLeftovers ends what a killed `up` left running, web first, and reports each.
func endLeftovers(run string, log *slog.Logger) error {
	var problems []error
	for _, name := range []string{"web", "dispatcher", "memcached"} {
		path := filepath.Join(run, name+".json")
		raw, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var n processNote
		if err == nil {
			err = json.Unmarshal(raw, &n)
		}
		if err == nil && n.alive() {
			log.Info("ending what an earlier run left", "service", name, "pid", n.PID)
			err = n.end()
		}
		problems = append(problems, err, os.Remove(path))
	}
	return errors.Join(problems...)
}

func (n processNote) alive() bool {
	return n.PID > 1 && n.BootID == bootID() && n.StartTime != "" && startTime(n.PID) == n.StartTime
}

// end kills the process. SIGKILL is safe for all of them: the dispatcher's jobs are
// taken over by the next one, the web process keeps nothing, memcached is a hint.
func (n processNote) end() error {
	if err := syscall.Kill(n.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end process %d: %w", n.PID, err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for n.alive() {
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("process %d does not end", n.PID)
		}
	}
	return nil
}

// startTime is the 22nd field of /proc/PID/stat, in clock ticks since the boot; empty
// when there is no such process, or only its zombie.
func startTime(pid int) string {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	// The second field, the program's name in parentheses, may hold anything.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}

func bootID() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
