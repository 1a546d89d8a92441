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

// writeDropIns fits the units to the settings and the recipes.
func (s *setupRun) writeDropIns() error {
	listen := "[Socket]\nListenStream=\nListenStream=" + s.loaded.Web.Listen + "\n"
	if s.loaded.From["web.listen"] == "" {
		listen = ""
	}
	web := "[Service]\nPrivateNetwork=no\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\nIPAddressDeny=\n"
	dispatcher := "[Service]\nIPAddressDeny=\nIPAddressAllow=\n"
	if s.storesAreHere() {
		web = ""
		if onThisMachine(s.loaded.Mail.SMTP) {
			dispatcher = ""
		}
	}
	access, err := s.accessDropIn()
	if err != nil {
		return err
	}
	before := s.changed
	s.changed = false
	err = s.dropIn("convertd-web.socket", "listen.conf", listen)
	s.moved, s.changed = s.changed, before || s.changed
	return errors.Join(err,
		s.dropIn("convertd-web.service", "network.conf", web),
		s.dropIn("convertd-web.service", "spool.conf", s.spoolDropIn()),
		s.dropIn("convertd-dispatcher.service", "network.conf", dispatcher),
		s.dropIn("convertd-dispatcher.service", "access.conf", access))
}

// storesAreHere reports whether rows and statuses are reached without the network.
func (s *setupRun) storesAreHere() bool {
	u, err := url.Parse(s.loaded.Database.URL)
	return err == nil && u.Host == "" && strings.HasPrefix(s.loaded.Memcached.Address, "/")
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

// spoolDropIn lets the web process write to a spool that is not where the package has it.
func (s *setupRun) spoolDropIn() string {
	if s.loaded.Spool.Dir == "" || s.loaded.Spool.Dir == "/var/spool/convertd" {
		return ""
	}
	return "[Service]\nReadWritePaths=" + s.loaded.Spool.Dir + "\n"
}

// accessDropIn takes back what the dispatcher's unit denies and a recipe grants its steps.
func (s *setupRun) accessDropIn() (string, error) {
	set, err := readRecipes(s.loaded)
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
			if beneath(path, "/usr", "/boot", "/efi", "/etc") {
				lines["ReadWritePaths="+path+"\n"] = true
			}
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

// dropIn writes or, when there is nothing to say, removes one of ours.
func (s *setupRun) dropIn(unit, name, text string) error {
	path := filepath.Join(unitFolder, unit+".d", name)
	if text != "" {
		_, err := s.put(path, dropInHead+text, 0o644)
		return err
	}
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !strings.HasPrefix(string(old), dropInHead) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.do("Remove "+path, func() error { return os.Remove(path) })
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
