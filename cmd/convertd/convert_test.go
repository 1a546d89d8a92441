package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folderWith makes a folder with files of these names and contents.
func folderWith(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names lists a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func TestConvertPutsResultsBesideTheFile(t *testing.T) {
	t.Parallel()
	dir := folderWith(t, map[string]string{"shot.v1.csv": tracksCSV})
	file := filepath.Join(dir, "shot.v1.csv")
	got := convertd(t, "", "convert", file, "--to", "3de4", "--to", "ae-nulls")
	want := []string{filepath.Join(dir, "shot.v1_3de_v4.txt"), filepath.Join(dir, "shot.v1_createNulls.jsx")}
	if lines := strings.Fields(got.stdout); got.code != 0 || !slices.Equal(lines, want) {
		t.Fatalf("%+v, want %v on standard output", got, want)
	}
	again := convertd(t, "", "convert", file, "--to", "3de4", "--to", "nuke")
	if again.code != 1 || !strings.Contains(again.stderr, "shot.v1_3de_v4.txt: already there; --force overwrites") {
		t.Errorf("again: %+v", again)
	}
	if left := names(t, dir); len(left) != 3 {
		t.Errorf("after a refusal the folder holds %v", left)
	}
	if forced := convertd(t, "", "convert", file, "--to", "3de4", "--force"); forced.code != 0 {
		t.Errorf("--force: %+v", forced)
	}
}

func TestConvertAsAFilter(t *testing.T) {
	t.Parallel()
	got := convertd(t, tracksCSV, "convert", "-", "--to", "nuke")
	if got.code != 0 || !strings.Contains(got.stdout, "Tracker3 {") || got.stderr != "" {
		t.Errorf("%+v", got)
	}
	back := convertd(t, got.stdout, "convert", "-", "--to", "csv")
	if back.code != 0 || !strings.Contains(back.stdout, "corner_track1,0,100.5,200.25") {
		t.Errorf("back again: %+v", back)
	}
}

func TestConvertInto(t *testing.T) {
	t.Parallel()
	dir := folderWith(t, map[string]string{"shot.csv": tracksCSV})
	file := filepath.Join(dir, "shot.csv")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a named file": {[]string{file, filepath.Join(dir, "named.nk"), "--to", "nuke"}, "named.nk"},
		"a folder":     {[]string{file, "--to", "shake", "-o", filepath.Join(dir, "new")}, "new/shot_shake_trackers.txt"},
		"with a tool":  {[]string{file, filepath.Join(dir, "slipped.csv"), "--to", "csv", "--tool", "slip=10"}, "slipped.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := convertd(t, "", append([]string{"convert"}, c.args...)...)
			raw, err := os.ReadFile(filepath.Join(dir, c.want))
			if got.code != 0 || err != nil || !strings.Contains(string(raw), "corner") {
				t.Errorf("%+v, %v\n%s", got, err, raw)
			}
			if name == "with a tool" && !strings.Contains(string(raw), "corner,10,") {
				t.Errorf("slip=10 had no effect:\n%s", raw)
			}
		})
	}
}

// Whatever goes wrong, the exit status says so, standard error says why, and nothing
// partial is left.
func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	noSize := "TrackName one\n   Frame             X             Y   Correlation\n   1.00   1.000   2.000   1.000\n"
	for name, c := range map[string]struct {
		content string
		args    []string
		code    int
		want    string
	}{
		"no such file":       {tracksCSV, []string{"none.csv", "--to", "nuke"}, 1, "none.csv"},
		"empty file":         {"", []string{"in.csv", "--to", "nuke"}, 1, "is empty"},
		"unknown target":     {tracksCSV, []string{"in.csv", "--to", "nuek"}, 1, "Did you mean nuke?"},
		"unknown recipe":     {tracksCSV, []string{"in.csv", "--recipe", "nothing"}, 1, "convertd recipes list"},
		"unknown option":     {tracksCSV, []string{"in.csv", "--nothing"}, 2, "--nothing"},
		"no tracks in it":    {"hello, world\n", []string{"in.txt", "--to", "nuke"}, 1, "not recognised"},
		"wrong format":       {tracksCSV, []string{"in.csv", "--from", "3de4", "--to", "nuke"}, 1, "3DEqualizer 4 point export (.txt), line 1"},
		"no frame size":      {noSize, []string{"in.txt", "--to", "nuke"}, 1, "width"},
		"bad width":          {tracksCSV, []string{"in.csv", "--to", "nuke", "--width=-5", "--height=5"}, 1, "width"},
		"bad tool":           {tracksCSV, []string{"in.csv", "--to", "nuke", "--tool", "spin=3"}, 1, "spin"},
		"one name for two":   {tracksCSV, []string{"in.csv", "out", "--to", "nuke", "--to", "shake"}, 1, "--output-dir"},
		"a folder as a file": {tracksCSV, []string{".", "--to", "nuke"}, 1, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folderWith(t, map[string]string{"in.csv": c.content, "in.txt": c.content})
			args := []string{"convert"}
			for i, word := range c.args {
				if i == 0 || word == "out" {
					word = filepath.Join(dir, word)
				}
				args = append(args, word)
			}
			got := convertd(t, "", args...)
			if got.code != c.code || !strings.Contains(got.stderr, c.want) || got.stdout != "" {
				t.Errorf("%+v, want exit status %d and %q", got, c.code, c.want)
			}
			if left := names(t, dir); len(left) != 2 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestConvertListsFormats(t *testing.T) {
	t.Parallel()
	got := convertd(t, "", "convert", "--list-formats")
	for _, want := range []string{"shake-script", "nuke-camera-tracks", "pad=top,left,right,bottom"} {
		if got.code != 0 || !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in %+v", want, got)
		}
	}
}

func TestRecipesCommands(t *testing.T) {
	t.Parallel()
	dir := folderWith(t, map[string]string{
		"good.toml":   "name = \"to-webp\"\naccept = [\"image/*\"]\nto = [\"webp\"]\ncommand = [\"cwebp\", \"-progress\", \"{input}\", \"-o\", \"{output}/{stem}.webp\"]\n",
		"broken.toml": "name = \"broken\"\naccept = [\".x\"]\ncomand = [\"true\"]\n",
	})
	if got := convertd(t, "", "recipes", "check", filepath.Join(dir, "good.toml")); got.code != 0 || !strings.Contains(got.stdout, "No problems.") {
		t.Errorf("check of the four-line recipe: %+v", got)
	}
	got := convertd(t, "", "recipes", "check", filepath.Join(dir, "broken.toml"))
	if got.code != 1 || !strings.Contains(got.stderr, "broken.toml:3: ") || !strings.Contains(got.stderr, "command") {
		t.Errorf("check of a broken recipe: %+v, want file, line and the nearest key", got)
	}
	secret := filepath.Join(dir, "secret")
	for path, text := range map[string]string{secret: "x", filepath.Join(dir, "granted.toml"): "name = \"granted\"\naccept = []\ncommand = [\"true\"]\n[access]\nhosts = [\"render.lan:8080\"]\nsecrets = { KEY = \"" + secret + "\" }\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	granted := filepath.Join(dir, "granted.toml")
	if got := convertd(t, "", "recipes", "check", granted); got.code != 0 || !strings.Contains(got.stdout, "granted reaches render.lan:8080, is given the secret KEY ("+secret+").") {
		t.Errorf("check of a recipe with access: %+v", got)
	}
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := convertd(t, "", "recipes", "check", granted); got.code != 1 || !strings.Contains(got.stderr, "granted.toml:6: ") || !strings.Contains(got.stderr, "Run: chmod 0600 "+secret) {
		t.Errorf("check of a recipe with an open secret: %+v", got)
	}
	if got := convertd(t, "", "recipes", "list"); got.code != 0 || !strings.Contains(got.stdout, "tracks") {
		t.Errorf("list: %+v", got)
	}
	if got := convertd(t, "", "recipes", "show", "tracks"); got.code != 0 || !strings.Contains(got.stdout, `builtin = "tracks"`) {
		t.Errorf("show: %+v", got)
	}
}
