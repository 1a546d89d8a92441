package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/cmd/convertd/config"
	"convertd/systemd"
)

// What setup does to a machine is tried on one of its own (make test-vm); here are the
// parts that decide what that is.

func TestAddressesOfSetup(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		localDatabase: "convertd", "postgres:///x?host=/run/postgresql&port=5433": "x",
		"postgres://db.example/convertd": "", "postgres://me@/convertd?host=/run/postgresql": "",
		"postgres:///convertd?host=/run/postgresql&user=me": "", "postgres:///convertd?host=localhost": "", "%": "",
	} {
		if name, local := isLocal(address); name != want || local != (want != "") {
			t.Errorf("isLocal(%q) = %q, %v", address, name, local)
		}
	}
	for address, want := range map[string]bool{"": true, "localhost:25": true, "127.0.0.2:25": true, "[::1]:25": true, "mail.example:25": false, "10.0.0.1:25": false} {
		if got := onThisMachine(address); got != want {
			t.Errorf("onThisMachine(%q) = %v", address, got)
		}
	}
}

func TestBlockInAFileOfPostgreSQL(t *testing.T) {
	t.Parallel()
	block := blockBegin + "\nlocal x y peer\n" + blockEnd + "\n"
	for before, want := range map[string]string{
		"": "", "a\nb\n": "a\nb\n", block: "", block + "a\n": "a\n", "a\n" + block + "b\n": "a\nb\n",
	} {
		if got := withoutBlock(before); got != want {
			t.Errorf("withoutBlock(%q) = %q, want %q", before, got, want)
		}
	}
}

func TestUnitsFitTheRecipes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "name = %q\naccept = []\ncommand = [\"true\"]\n[access]\n"
	for name, access := range map[string]string{"gpu": `devices = ["/dev/null"]`, "home": `read = ["/home/me"]`, "etc": `write = ["/etc/a site", "/srv/out"]`} {
		recipe := strings.Replace(text, "%q", `"`+name+`"`, 1) + access + "\n"
		if err := os.WriteFile(filepath.Join(dir, name+".toml"), []byte(recipe), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	loaded := config.Loaded{Config: config.Default()}
	if got, err := accessDropIn(loaded); err != nil || got != "" {
		t.Errorf("the shipped recipes need %q, %v", got, err)
	}
	loaded.Recipes.Dir = dir
	got, err := accessDropIn(loaded)
	want := "[Service]\nPrivateDevices=no\nDevicePolicy=auto\nProtectHome=no\nReadWritePaths=\"-/etc/a site\"\nReadWritePaths=\"-/srv/out\"\n"
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

// The programs of a folder are where the units look for them.
func TestUnitsNameThePrograms(t *testing.T) {
	t.Parallel()
	all, err := systemd.Units("/usr/local/bin")
	if err != nil || len(all) != 7 {
		t.Fatalf("%d units, %v", len(all), err)
	}
	programs := 0
	for _, unit := range all {
		programs += strings.Count(unit.Text, "=/usr/local/bin/convertd ")
		if strings.Contains(unit.Text, "/usr/bin/convertd") {
			t.Errorf("%s names the package's program", unit.Name)
		}
	}
	if programs != 3 {
		t.Errorf("%d programs, want those of web, dispatcher and keeper", programs)
	}
	// The settings that an installed service begins with are right.
	settings, err := systemd.Settings()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "convertd.toml")
	if err := os.WriteFile(path, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Load(config.Input{Path: path, Explicit: true})
	if err != nil || loaded.Spool.Dir != "/var/spool/convertd" || loaded.Database.URL != localDatabase {
		t.Errorf("the first settings: %v, %+v", err, loaded.Spool)
	}
}

func TestPutWritesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	path := filepath.Join(t.TempDir(), "folder", "file")
	s := &setupRun{app: &app{stdout: &said}, setupCommand: setupCommand{DryRun: true}}
	if changed, err := s.put(path, "text", 0o640); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a dry run wrote: %v", err)
	}
	s.DryRun = false
	for _, want := range []bool{true, false} {
		if changed, err := s.put(path, "text", 0o640); err != nil || changed != want {
			t.Errorf("changed %v, %v, want %v", changed, err, want)
		}
	}
	if got := strings.Count(said.String(), "Write "+path); got != 2 {
		t.Errorf("said %q", &said)
	}
}

func TestServiceOfAProcess(t *testing.T) {
	t.Parallel()
	for groups, want := range map[string]string{
		"0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n":         "postgresql@15-main.service",
		"12:memory:/system.slice/x.service\n1:name=systemd:/system.slice/y.service\n":   "y.service",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/postgres.service\n": "",
		"0::/system.slice\n": "", "0::/\n": "", "": "", "nonsense": "",
	} {
		if got := serviceOf(groups); got != want {
			t.Errorf("serviceOf(%q) = %q, want %q", groups, got, want)
		}
	}
}
