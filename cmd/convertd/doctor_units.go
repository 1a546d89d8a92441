package main

import (
	"os"
	"path/filepath"
	"strings"

	"convertd/cmd/convertd/config"
	"convertd/dispatcher/doctor"
)

// installation says whether what is written on this machine now, settings and units, will
// do when it is used next.
func (a *app) installation() []doctor.Finding {
	loaded, err := a.settings(nil)
	if err != nil {
		return []doctor.Finding{{
			Check: "settings", Level: doctor.Warn, Remedy: "Mend the file; convertd config says when it is right.",
			Text: "The configuration has errors, with which the services go on as they are but do not start again: " + strings.ReplaceAll(err.Error(), "\n", "; ") + ".",
		}}
	}
	return unitFindings("/", loaded)
}

// unitFindings says whether the units of an installed service let it do what settings and
// recipes ask for; a machine without them has nothing to find. In root the units lie as in /.
func unitFindings(root string, loaded config.Loaded) []doctor.Finding {
	setup := ""
	for folder, command := range map[string]string{unitFolder: "convertd setup", "/lib/systemd/system": "convertd setup --packaged"} {
		if _, err := os.Stat(filepath.Join(root, folder, "convertd-dispatcher.service")); err == nil {
			setup = command
		}
	}
	if setup == "" {
		return nil
	}
	wanted, err := dropIns(loaded)
	if err != nil {
		return nil // the recipes could not be read, which is a finding of its own
	}
	var differ []string
	for _, d := range wanted {
		if text, _ := os.ReadFile(filepath.Join(root, d.path())); !d.says(string(text)) {
			differ = append(differ, d.unit)
		}
	}
	if len(differ) == 0 {
		return []doctor.Finding{{Check: "units", Level: doctor.OK, Text: "The units fit the settings and the recipes."}}
	}
	return []doctor.Finding{{
		Check: "units", Level: doctor.Warn,
		Text:   "The units forbid, or still allow, what settings and recipes have changed since: " + strings.Join(differ, ", ") + ".",
		Remedy: "Run " + setup + "; it shows what it changes, and running jobs go on.",
	}}
}

// says reports whether a file is as this drop-in wants it; one that somebody else wrote
// where nothing is wanted is left alone.
func (d dropIn) says(file string) bool {
	if d.text == "" {
		return !strings.HasPrefix(file, dropInHead)
	}
	return file == dropInHead+d.text
}
