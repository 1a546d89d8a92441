package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// triedRecipe is a recipe of a shell script: it tells a percent, says other words too, and
// fails with its own words when the input says so.
const triedRecipe = `name    = "tried"
accept  = [".txt"]
to      = ["upper"]

[[param]]
name    = "mark"
type    = "string"
default = "none"

[[step]]
name     = "write"
title    = "Writing"
probe    = ["sh", "-c", "wc -l < \"$1\"", "sh", "{input}"]
command  = ["sh", "-c", "printf '10%%\\r55%%\\r90%%\\n'; echo line 1 of words; echo line 2 of words; grep -q bad \"$1\" && { echo 'ERR 42: bad words' >&2; exit 3; }; tr a-z A-Z < \"$1\" > \"$2\"; echo \"$3\" >> \"$2\"", "sh", "{input}", "{output}/{stem}.up", "{param.mark}"]
progress = "percent"
fail_if  = ["^line 1 of nothing"]

[[step]]
name    = "left"
when    = "param.mark = other"
command = ["false"]

[[output]]
match = "*.up"

[[explain]]
match = "ERR (\\d+)"
class = "bad_input"
say   = "The text has bad words (number $1)."
`

func TestRecipesTry(t *testing.T) {
	t.Parallel()
	dir := folderWith(t, map[string]string{"tried.toml": triedRecipe, "a.txt": "hello\n", "bad.txt": "bad\n", "c.csv": "x,y\n", "broken.toml": "name = \"x\"\naccept = []\ncomand = [\"ls\"]\n"})
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		about string
		args  []string
		code  int
		want  []string
	}{
		{"success", []string{"tried.toml", "a.txt"}, 0, []string{
			"Probe     sh -c", `total "1"`, "%  Writing", "exit status 0", "Unread    out: line 1 of words (2 like this)", "Output    a.up", "Verdict   succeeded"}},
		{"failure", []string{"tried.toml", "bad.txt"}, 1, []string{
			"exit status 3", "Verdict   bad_input", `[[explain]] 1, match = "ERR (\\d+)"  ERR 42: bad words`, "The text has bad words (number 42)."}},
		{"a file of another kind", []string{"tried.toml", "c.csv"}, 0, []string{"The service would not take c.csv", "Verdict   succeeded"}},
		{"a step that fails", []string{"tried.toml", "a.txt", "--param", "mark=other"}, 1, []string{
			"Command   false", "Verdict   converter_failed", "No [[explain]] matches"}},
		{"no input", []string{"tried.toml"}, 1, []string{"takes one file, here are 0"}},
		{"an unknown parameter", []string{"tried.toml", "a.txt", "--param", "marc=1"}, 1, []string{"marc", "Did you mean"}},
		{"a broken recipe", []string{"broken.toml"}, 1, []string{`broken.toml:3: There is no key "comand" here. Did you mean command?`}},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			args := []string{"recipes", "try"}
			for _, arg := range tt.args {
				if strings.HasSuffix(arg, ".toml") || strings.HasSuffix(arg, ".txt") || strings.HasSuffix(arg, ".csv") {
					arg = file(arg)
				}
				args = append(args, arg)
			}
			got := convertd(t, "", args...)
			for _, words := range tt.want {
				if !strings.Contains(got.stdout+got.stderr, words) {
					t.Errorf("no %q in\n%s%s", words, got.stdout, got.stderr)
				}
			}
			if got.code != tt.code {
				t.Errorf("exit status %d, want %d:\n%s%s", got.code, tt.code, got.stdout, got.stderr)
			}
			if strings.Contains(got.stdout, "Unread    out: 90%") || strings.Contains(got.stdout, "Unread    run") {
				t.Errorf("a line that was read is told as unread:\n%s", got.stdout)
			}
		})
	}
}

func TestRecipesTryKeepsResultsWhereAsked(t *testing.T) {
	t.Parallel()
	dir := folderWith(t, map[string]string{"tried.toml": triedRecipe, "a.txt": "hello\n"})
	got := convertd(t, "", "recipes", "try", filepath.Join(dir, "tried.toml"), filepath.Join(dir, "a.txt"), "--param", "mark=seen", "-o", filepath.Join(dir, "new"))
	content, err := os.ReadFile(filepath.Join(dir, "new", "a.up"))
	if got.code != 0 || err != nil || string(content) != "HELLO\nseen\n" {
		t.Errorf("%+v, %v, %q", got, err, content)
	}
}
