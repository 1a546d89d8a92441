package main

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// restartDropIn has systemd start a server again that went down by itself: PostgreSQL
// stops as a whole when it finds no room to write, and Debian leaves it so. A stop by its
// administrator is left alone. It tries for as long as the disk stays full.
const restartDropIn = "[Unit]\nStartLimitIntervalSec=0\n\n[Service]\nRestart=on-failure\nRestartSec=5\n"

// keepDatabaseUp lets the PostgreSQL of this machine come back by itself, where whoever
// packaged it says nothing about that.
func (s *setupRun) keepDatabaseUp() error {
	if _, local := isLocal(s.loaded.Database.URL); !local {
		return nil
	}
	unit := s.databaseUnit()
	if unit == "" {
		return nil // it does not answer, which is told already, or is nobody's service
	}
	drop := dropIn{unit, "convertd.conf", restartDropIn}
	ours, err := writtenBySetup(drop.path())
	if err != nil || !ours && s.restarts(unit) {
		return err
	}
	return s.writeDropIn(drop)
}

// restarts reports whether systemd starts a unit again already.
func (s *setupRun) restarts(unit string) bool {
	out, err := exec.CommandContext(s.ctx, "systemctl", "show", "--value", "-p", "Restart", unit).Output()
	return err == nil && strings.TrimSpace(string(out)) != "no"
}

// databaseUnit is the unit to which the server belongs that answers, "" for none.
func (s *setupRun) databaseUnit() string {
	data, err := s.psql("show data_directory")
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return ""
	}
	pid, _, _ := strings.Cut(string(text), "\n")
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%s/cgroup", pid))
	if err != nil {
		return ""
	}
	return serviceOf(string(groups))
}

// serviceOf finds the service of the system in what /proc/PID/cgroup says, "" for none.
func serviceOf(groups string) string {
	for line := range strings.Lines(groups) {
		_, place, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, place, _ := strings.Cut(place, ":")
		if controllers != "" && controllers != "name=systemd" || !strings.HasPrefix(place, "/system.slice/") {
			continue
		}
		if name := path.Base(place); strings.HasSuffix(name, ".service") {
			return name
		}
	}
	return ""
}
