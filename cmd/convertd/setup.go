package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"convertd/cmd/convertd/config"
	"convertd/systemd"
)

// setupCommand makes a machine ready for the service, from a folder of programs or for a
// package that has brought the files already.
type setupCommand struct {
	DryRun   bool   `help:"Say what would be done, and do nothing."`
	NoStart  bool   `help:"Start and restart nothing."`
	Bin      string `help:"Where the programs are put." default:"/usr/local/bin" type:"path"`
	Packaged bool   `hidden:"" help:"Programs and units were installed by a package."`
}

// setupRun is one run of setup.
type setupRun struct {
	*app
	setupCommand
	loaded config.Loaded
	// changed says that something was, or would be, done.
	changed bool
	// moved says that the address of the pages is another one now.
	moved bool
}

// programs are what the service consists of.
func programs() []string { return []string{"convertd", "convertd-runner", "convertd-net"} }

// Run does what is missing; a second call finds nothing to do.
func (c *setupCommand) Run(a *app) error {
	s := &setupRun{app: a, setupCommand: *c}
	if !s.DryRun && os.Geteuid() != 0 {
		return errors.New("setup changes the machine, so it must be run as root: sudo convertd setup (--dry-run only looks)")
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil && !s.DryRun {
		return errors.New("this machine does not run systemd: run the services by hand (convertd web, convertd dispatcher) or convertd up")
	}
	for _, step := range []func() error{
		s.installPrograms, s.makeUsers, s.makeFolders, s.writeSettings, s.readSettings,
		s.makeDatabase, s.keepDatabaseUp, s.migrate, s.installUnits, s.writeDropIns, s.start,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if !s.changed {
		_, _ = fmt.Fprintln(a.stdout, "Everything is set up already.")
	}
	return nil
}

// do says what is done, and does it unless only that was asked for.
func (s *setupRun) do(what string, work func() error) error {
	s.changed = true
	_, _ = fmt.Fprintln(s.stdout, what)
	if s.DryRun {
		return nil
	}
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// run runs a command of the system; what it prints is told when it fails.
func (s *setupRun) run(name string, args ...string) error {
	out, err := exec.CommandContext(s.ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// put writes a file that is not there or differs; it reports whether it did, or would.
func (s *setupRun) put(path, text string, mode fs.FileMode) (bool, error) {
	old, err := os.ReadFile(path)
	if err == nil && string(old) == text {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, s.do("Write "+path, func() error {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return replaceFile(path, []byte(text), mode)
	})
}

// replaceFile puts a file in place as a whole; a program that runs keeps its old one.
func replaceFile(path string, content []byte, mode fs.FileMode) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), ".convertd-*")
	if err != nil {
		return err
	}
	_, err = fresh.Write(content)
	if err := errors.Join(err, fresh.Chmod(mode), fresh.Sync(), fresh.Close()); err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	return os.Rename(fresh.Name(), path)
}

func (s *setupRun) installPrograms() error {
	if s.Packaged {
		s.Bin = "/usr/bin"
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	from := filepath.Dir(self)
	if from == s.Bin {
		return nil
	}
	for _, name := range programs() {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return fmt.Errorf("the programs must lie in one folder: %w", err)
		}
		if _, err := s.put(filepath.Join(s.Bin, name), string(content), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// makeUsers and makeFolders leave to systemd what it does at every boot as well.
func (s *setupRun) makeUsers() error {
	text, err := systemd.Users()
	if err != nil {
		return err
	}
	return s.declare("systemd-sysusers", "sysusers.d", text, !hasUsers())
}

func (s *setupRun) makeFolders() error {
	text, err := systemd.Folders()
	if err != nil {
		return err
	}
	_, missing := os.Stat("/var/spool/convertd/uploads")
	return s.declare("systemd-tmpfiles", "tmpfiles.d", text, missing != nil)
}

// declare writes a declaration, unless a package brought it, and has it carried out.
func (s *setupRun) declare(tool, folder, text string, missing bool) error {
	path := filepath.Join("/usr/lib", folder, "convertd.conf")
	changed := false
	if !s.Packaged {
		var err error
		path = filepath.Join("/etc", folder, "convertd.conf")
		if changed, err = s.put(path, text, 0o644); err != nil {
			return err
		}
	}
	if !changed && !missing {
		return nil
	}
	args := []string{path}
	if tool == "systemd-tmpfiles" {
		args = []string{"--create", path}
	}
	return s.do("Run "+tool+" "+strings.Join(args, " "), func() error { return s.run(tool, args...) })
}

// writeSettings puts the first configuration file in place; one that is there is the
// administrator's.
func (s *setupRun) writeSettings() error {
	if _, err := os.Lstat(s.configPath); err == nil {
		return s.closeSettings()
	}
	text, err := systemd.Settings()
	if err != nil {
		return err
	}
	if _, err := s.put(s.configPath, text, 0o640); err != nil {
		return err
	}
	return s.closeSettings()
}

// closeSettings lets the services read the configuration, which may hold secrets, and
// nobody else.
func (s *setupRun) closeSettings() error {
	group, err := groupID("convertd")
	if err != nil {
		if s.DryRun {
			return nil
		}
		return err
	}
	info, err := os.Stat(s.configPath)
	if err != nil || info.Mode().Perm()&0o007 == 0 && fileGroup(info) == group {
		return nil
	}
	return s.do("Let only the group convertd read "+s.configPath, func() error {
		return errors.Join(os.Chown(s.configPath, -1, group), os.Chmod(s.configPath, info.Mode().Perm()&0o740|0o040))
	})
}

// readSettings reads the settings as the services will. Before the first run there is
// nothing to read, and the shipped ones are what there will be.
func (s *setupRun) readSettings() error {
	if _, err := os.Stat(s.configPath); err != nil && s.DryRun {
		s.loaded = config.Loaded{Config: config.Default()}
		s.loaded.Database.URL = localDatabase
		return nil
	}
	var err error
	s.loaded, err = s.settings(nil)
	return err
}

// migrate brings the schema and the rights of the roles up to date.
func (s *setupRun) migrate() error {
	url := s.loaded.Database.URL
	if url == "" {
		return errNoDatabase
	}
	ready := context.WithoutCancel(s.ctx)
	if needed, err := schemaDiffers(ready, ownerURL(url)); err != nil && !s.DryRun {
		return err
	} else if err == nil && !needed {
		return s.grant(ownerURL(url))
	}
	return s.do("Bring the database to this program's schema", func() error { return migrate(ready, ownerURL(url)) })
}
