package main

import (
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"convertd/cmd/convertd/config"
	"convertd/systemd"
)

const unitFolder = "/etc/systemd/system"

// target is what is enabled, started and stopped as a whole.
const target = "convertd.target"

func (s *setupRun) installUnits() error {
	if s.Packaged {
		return nil
	}
	all, err := systemd.Units(s.Bin)
	if err != nil {
		return err
	}
	for _, unit := range all {
		if _, err := s.put(filepath.Join(unitFolder, unit.Name), unit.Text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

const dropInHead = "# Written by convertd setup.\n"

// dropIn is a file that changes a unit; without text it is not there.
type dropIn struct{ unit, name, text string }

func (d dropIn) path() string { return filepath.Join(unitFolder, d.unit+".d", d.name) }

// dropIns fit the units to the settings and the recipes.
func dropIns(loaded config.Loaded) ([]dropIn, error) {
	listen := "[Socket]\nListenStream=\nListenStream=" + loaded.Web.Listen + "\n"
	if loaded.From["web.listen"] == "" {
		listen = ""
	}
	web := "[Service]\nPrivateNetwork=no\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\nIPAddressDeny=\n"
	dispatcher := "[Service]\nIPAddressDeny=\nIPAddressAllow=\n"
	if storesAreHere(loaded) {
		web = ""
		if onThisMachine(loaded.Mail.SMTP) && onThisMachine(loaded.Dispatcher.MetricsListen) {
			dispatcher = ""
		}
	}
	access, err := accessDropIn(loaded)
	if err != nil {
		return nil, err
	}
	spool := spoolDropIn(loaded.Spool.Dir)
	return []dropIn{
		{"convertd-web.socket", "listen.conf", listen},
		{"convertd-web.service", "network.conf", web},
		{"convertd-web.service", "spool.conf", spool},
		{"convertd-dispatcher.service", "network.conf", dispatcher},
		{"convertd-dispatcher.service", "spool.conf", spool},
		{"convertd-dispatcher.service", "access.conf", access},
	}, nil
}

// writeDropIns writes them, and notes whether the address of the pages moves.
func (s *setupRun) writeDropIns() error {
	all, err := dropIns(s.loaded)
	if err != nil {
		return err
	}
	for _, d := range all {
		before := s.changed
		s.changed = false
		err := s.writeDropIn(d)
		s.moved = s.moved || s.changed && d.unit == "convertd-web.socket"
		s.changed = before || s.changed
		if err != nil {
			return err
		}
	}
	return nil
}

// storesAreHere reports whether rows and statuses are reached without the network.
func storesAreHere(loaded config.Loaded) bool {
	u, err := url.Parse(loaded.Database.URL)
	return err == nil && u.Host == "" && strings.HasPrefix(loaded.Memcached.Address, "/")
}

// onThisMachine reports a HOST:PORT, or none, that is reached by the loopback.
func onThisMachine(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// spoolDropIn lets a service write to a spool that is not where the package has it.
func spoolDropIn(dir string) string {
	if dir == "" || dir == "/var/spool/convertd" {
		return ""
	}
	return "[Service]\n" + writable(dir)
}

// writable is the line of a unit that opens a folder, if it is there, for writing.
func writable(path string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(path)
	return `ReadWritePaths="-` + quoted + "\"\n"
}

// accessDropIn takes back what the dispatcher's unit denies and a recipe grants its steps.
func accessDropIn(loaded config.Loaded) (string, error) {
	set, err := readRecipes(loaded)
	if err != nil {
		return "", err
	}
	lines := map[string]bool{}
	for _, r := range set.All() {
		if len(r.Access.Devices) > 0 {
			lines["PrivateDevices=no\nDevicePolicy=auto\n"] = true
		}
		for _, path := range append(slices.Clone(r.Access.Read), r.Access.Write...) {
			if beneath(path, "/home", "/root", "/run/user") {
				lines["ProtectHome=no\n"] = true
			}
		}
		for _, path := range r.Access.Write {
			lines[writable(path)] = true
		}
	}
	return section("Service", lines), nil
}

func section(name string, lines map[string]bool) string {
	if len(lines) == 0 {
		return ""
	}
	return "[" + name + "]\n" + strings.Join(slices.Sorted(maps.Keys(lines)), "")
}

// writeDropIn writes or, when there is nothing to say, removes one of ours.
func (s *setupRun) writeDropIn(d dropIn) error {
	if d.text != "" {
		_, err := s.put(d.path(), dropInHead+d.text, 0o644)
		return err
	}
	ours, err := writtenBySetup(d.path())
	if err != nil || !ours {
		return err
	}
	return s.do("Remove "+d.path(), func() error { return os.Remove(d.path()) })
}

// writtenBySetup reports whether the file is there and was written by setup.
func writtenBySetup(path string) (bool, error) {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && strings.HasPrefix(string(old), dropInHead), err
}

// start enables and starts the target, or brings what was changed into force. Running jobs
// go on: their keeper is left alone.
func (s *setupRun) start() error {
	if s.changed {
		if err := s.do("Run systemctl daemon-reload", func() error { return s.run("systemctl", "daemon-reload") }); err != nil {
			return err
		}
	}
	if !s.is("enabled", target) {
		if err := s.do("Run systemctl enable "+target, func() error { return s.run("systemctl", "--quiet", "enable", target) }); err != nil {
			return err
		}
	}
	switch {
	case s.NoStart:
		return nil
	case !s.is("active", target):
		return s.do("Run systemctl start "+target, func() error {
			// One of them may run without the target, and as it was before.
			err := s.run("systemctl", append([]string{"try-restart"}, services()...)...)
			return errors.Join(err, s.run("systemctl", "start", target))
		})
	case s.changed || s.Packaged:
		return s.restart()
	}
	return nil
}

// services are what is replaced by a new version: all but the keeper of running jobs.
func services() []string {
	return []string{"convertd-memcached.service", "convertd-dispatcher.service", "convertd-web.service"}
}

// restart replaces the services. A socket can be opened anew only while its service is
// stopped; that is done only when its address changed.
func (s *setupRun) restart() error {
	services := services()
	return s.do("Restart the services; jobs run on", func() error {
		if s.moved {
			if err := s.run("systemctl", "stop", "convertd-web.service", "convertd-web.socket"); err != nil {
				return err
			}
			services = append([]string{"convertd-web.socket"}, services...)
		}
		return s.run("systemctl", append([]string{"restart"}, services...)...)
	})
}

// is asks systemctl is-enabled or is-active.
func (s *setupRun) is(what, unit string) bool {
	return exec.CommandContext(s.ctx, "systemctl", "--quiet", "is-"+what, unit).Run() == nil
}
