package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"convertd/cmd/convertd/config"
	"convertd/dispatcher/doctor"
	"convertd/dispatcher/keeper"
	"convertd/runner/fault"
)

// keeperFolder is the one of the installed convertd-jobs.service.
const keeperFolder = "/run/convertd-jobs"

// doctorCommand looks at everything the service needs.
type doctorCommand struct {
	Data string `help:"Data folder of a running convertd up (default: as for up)." placeholder:"DIR" type:"path"`
	JSON bool   `name:"json" help:"Print the findings as JSON."`
}

// Help is the long text of --help and of the manual page.
func (*doctorCommand) Help() string {
	return "It looks at the database (version, schema, durability, bloat, long transactions, clock), the spool (place, room, inodes, " +
		"orphans both ways), memcached, the mail server, the control groups, the box of steps, the recipes with their programs, the clock, and whether the units of systemd fit settings and recipes. " +
		"A dispatcher does the same when it starts, when it reloads and every ten minutes; the administrator's pages and GET /api/v1/findings show what it found last.\n\n" +
		"The exit status is 0 when jobs can be accepted and run, even if something is weaker or missing (warn), 1 when they cannot (fail), " +
		"2 when the command was misused. --json prints a list of {check, level, text, remedy}."
}

// Run prints every finding and its remedy, and fails if one of them keeps jobs from
// running.
func (c *doctorCommand) Run(a *app) error {
	loaded, err := a.settings(nil)
	if err != nil {
		return err
	}
	units := unitFindings("/", loaded)
	if loaded.Database.URL == "" {
		units = nil // they are not what runs
		if loaded, err = a.running(c.Data); err != nil {
			return err
		}
	}
	options, err := doctorOptions(loaded)
	if err != nil {
		return err
	}
	findings := append(doctor.Examine(a.ctx, options), units...)
	if loaded.Database.URL == "" {
		findings = withoutService(findings)
	}
	if err := c.print(a, findings); err != nil {
		return err
	}
	if doctor.Worst(findings) == doctor.Fail {
		return errSilent
	}
	return nil
}

// withoutService says once that there is no service, in the place of what it would have
// brought.
func withoutService(findings []doctor.Finding) []doctor.Finding {
	findings = slices.DeleteFunc(findings, func(f doctor.Finding) bool {
		return slices.Contains([]string{"database", "spool", "memcached"}, f.Check)
	})
	return append([]doctor.Finding{{
		Check: "service", Level: doctor.Fail, Text: "No convertd up runs here, and no database is configured.",
		Remedy: "Start convertd up, name the folder that it runs on with --data, or set [database] url.",
	}}, findings...)
}

// running takes the settings that a running `up` gave its services; data "" means the
// folder that `up` takes when it is not told.
func (a *app) running(data string) (config.Loaded, error) {
	if data == "" {
		var err error
		if data, err = defaultData(); err != nil {
			return config.Loaded{}, err
		}
	}
	run, err := runFolder(data)
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(filepath.Join(run, environFile))
	}
	if errors.Is(err, os.ErrNotExist) {
		return a.settings(nil) // nothing runs there: look at what is configured
	}
	if err != nil {
		return config.Loaded{}, fault.Wrap(err, fault.Forbidden, "What runs on "+data+" is another user's.", "Run this command as the user that started convertd up.")
	}
	var environ []string
	if err := json.Unmarshal(raw, &environ); err != nil {
		return config.Loaded{}, fmt.Errorf("settings of the running service: %w", err)
	}
	a.environ = append(a.environ, environ...)
	return a.settings(nil)
}

func doctorOptions(loaded config.Loaded) (doctor.Options, error) {
	set, err := readRecipes(loaded)
	if err != nil {
		return doctor.Options{}, err
	}
	o := doctor.Options{
		DatabaseURL: loaded.Database.URL, Memcached: loaded.Memcached.Address, Spool: loaded.Spool.Dir,
		Mail: mailConfig(loaded), Recipes: set, Slots: loaded.Dispatcher.Slots,
	}
	if os.Geteuid() == 0 {
		o.UIDBase = loaded.Sandbox.UIDBase
	}
	// An installed dispatcher logs in as its own role, and its jobs live below the keeper.
	if parent, err := keeper.Place(keeperFolder); err == nil {
		o.CgroupParent, o.DatabaseURL = parent, roleURL(o.DatabaseURL, dispatcherRole)
	}
	o.Runner, err = runnerBinary()
	return o, err
}

func (c *doctorCommand) print(a *app, findings []doctor.Finding) error {
	if c.JSON {
		return printJSON(a.stdout, findings)
	}
	var b strings.Builder
	count := map[doctor.Level]int{}
	for _, f := range findings {
		count[f.Level]++
		fmt.Fprintf(&b, "%-4s  %-14s %s\n", f.Level, f.Check, f.Text)
		if f.Remedy != "" {
			fmt.Fprintf(&b, "%21s-> %s\n", "", f.Remedy)
		}
	}
	fmt.Fprintf(&b, "%d ok, %d warn, %d fail: %s\n", count[doctor.OK], count[doctor.Warn], count[doctor.Fail], verdict(doctor.Worst(findings)))
	_, err := io.WriteString(a.stdout, b.String())
	return err
}

// verdict is what the worst finding means for the service.
func verdict(worst doctor.Level) string {
	switch worst {
	case doctor.Fail:
		return "what is marked fail keeps jobs from being accepted or run."
	case doctor.Warn:
		return "jobs run; what is marked warn is weaker than it could be."
	}
	return "all is well."
}
