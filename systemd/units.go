package systemd

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// units holds the unit files, the declarations of users and folders, and the settings
// that an installed service begins with.
//
//go:embed units
var units embed.FS

// packagedBin is where the unit files say that the programs are.
const packagedBin = "/usr/bin"

// Unit is one unit file.
type Unit struct{ Name, Text string }

// Units returns the unit files for programs that lie in the folder bin.
func Units(bin string) ([]Unit, error) {
	names, err := fs.Glob(units, "units/convertd*.*")
	if err != nil {
		return nil, fmt.Errorf("read units: %w", err)
	}
	var all []Unit
	for _, name := range names {
		if strings.HasSuffix(name, ".toml") {
			continue
		}
		text, err := units.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read units: %w", err)
		}
		placed := strings.ReplaceAll(string(text), "="+packagedBin+"/convertd ", "="+bin+"/convertd ")
		all = append(all, Unit{strings.TrimPrefix(name, "units/"), placed})
	}
	return all, nil
}

// Users is what systemd-sysusers is told.
func Users() (string, error) { return readUnit("sysusers.conf") }

// Folders is what systemd-tmpfiles is told.
func Folders() (string, error) { return readUnit("tmpfiles.conf") }

// Settings is the configuration file that an installed service begins with.
func Settings() (string, error) { return readUnit("convertd.toml") }

func readUnit(name string) (string, error) {
	text, err := units.ReadFile("units/" + name)
	if err != nil {
		return "", fmt.Errorf("read units: %w", err)
	}
	return string(text), nil
}
