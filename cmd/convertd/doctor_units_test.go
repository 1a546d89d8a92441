package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convertd/cmd/convertd/config"
	"convertd/dispatcher/doctor"
)

func TestDoctorComparesUnitsWithRecipes(t *testing.T) {
	t.Parallel()
	root, recipes := t.TempDir(), t.TempDir()
	loaded := config.Loaded{Config: config.Default()}
	loaded.Database.URL, loaded.Memcached.Address, loaded.Recipes.Dir = localDatabase, "/run/socket", recipes
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, want doctor.Level) {
		t.Helper()
		if got := unitFindings(root, loaded); len(got) != 1 || got[0].Level != want {
			t.Errorf("%s: %+v, want %s", when, got, want)
		}
	}
	if got := unitFindings(root, loaded); got != nil {
		t.Errorf("without units: %+v", got)
	}
	write(filepath.Join(root, "/lib/systemd/system/convertd-dispatcher.service"), "")
	expect("installed", doctor.OK)
	write(filepath.Join(recipes, "gpu.toml"), "name = \"gpu\"\naccept = []\ncommand = [\"true\"]\n[access]\ndevices = [\"/dev/null\"]\n")
	expect("a recipe asks for a device", doctor.Warn)
	all, err := dropIns(loaded)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.text != "" {
			write(filepath.Join(root, d.path()), dropInHead+d.text)
		}
	}
	expect("after setup", doctor.OK)
	if err := os.Remove(filepath.Join(recipes, "gpu.toml")); err != nil {
		t.Fatal(err)
	}
	expect("the recipe is gone", doctor.Warn)
	loaded.Mail.SMTP = "mail.example:25"
	expect("the mail server is elsewhere", doctor.Warn)
	loaded.Mail.SMTP = ""
	before, err := dropIns(loaded)
	if err != nil {
		t.Fatal(err)
	}
	loaded.Dispatcher.MetricsListen = "127.0.0.1:9464"
	if here, err := dropIns(loaded); err != nil || !slices.Equal(here, before) {
		t.Errorf("metrics for this machine: %+v, %v", here, err)
	}
	loaded.Dispatcher.MetricsListen = "0.0.0.0:9464"
	if wide, err := dropIns(loaded); err != nil || slices.Equal(wide, before) {
		t.Errorf("metrics for other machines: the units do not let them in (%v)", err)
	}
}

func TestDoctorTellsOfSettingsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	path := testFile(t, "convertd.toml", []byte("[web]\nlistne = 1\n[dispatcher]\nslots = 0\n"))
	a := &app{configPath: path, explicit: true}
	found := a.installation()
	if len(found) != 1 || found[0].Check != "settings" || found[0].Level != doctor.Warn || !strings.Contains(found[0].Text, "did you mean web.listen?") || found[0].Remedy == "" {
		t.Errorf("%+v", found)
	}
	if err := os.WriteFile(path, []byte("[dispatcher]\nslots = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range a.installation() {
		if f.Check == "settings" {
			t.Errorf("%+v", f)
		}
	}
}
