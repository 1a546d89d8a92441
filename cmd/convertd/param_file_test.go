package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convertd/runner/recipe"
	"convertd/webui/client"
)

// apartRecipe tells how long its secret is, and what its file says.
const apartRecipe = `name    = "apart"
accept  = [".txt"]
command = ["sh", "-c", '''cat "$3"; wc -c < "$3" > "$2"; cat "$4" >> "$2"; echo "$5" >> "$2"''', "sh", "{input}", "{output}/{stem}.out", "{param.key}", "{param.lut}", "{param.mark}"]

[[param]]
name = "key"
type = "secret"

[[param]]
name   = "lut"
type   = "file"
accept = [".cube"]

[[param]]
name    = "mark"
type    = "string"
default = "plain"

[[preset]]
name   = "loud"
params = { mark = "LOUD" }
`

func TestFilesAndSecretsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := folderWith(t, map[string]string{"apart.toml": apartRecipe, "a.txt": "x", "film.cube": "LUT\n", "key": "open sesame\n", "film.png": "x"})
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		about string
		stdin string
		args  []string
		code  int
		want  string
	}{
		{"both in files, with a preset", "", []string{"--param", "key=@" + file("key"), "--param", "lut=@" + file("film.cube"), "--preset", "loud"}, 0, "11\nLUT\nLOUD\n"},
		{"the secret from standard input", "quiet\n", []string{"--param", "key=@-", "--param", "lut=@" + file("film.cube")}, 0, "5\nLUT\nplain\n"},
		{"the secret itself", "", []string{"--param", "key=hush", "--param", "lut=@" + file("film.cube")}, 1, "key=@FILE"},
		{"a name for a file", "", []string{"--param", "key=@" + file("key"), "--param", "lut=film.cube"}, 1, "write lut=@FILE"},
		{"a file of another kind", "", []string{"--param", "key=@" + file("key"), "--param", "lut=@" + file("film.png")}, 1, "It takes .cube."},
		{"no secret", "", []string{"--param", "lut=@" + file("film.cube")}, 1, "key is missing"},
		{"a preset that is not there", "", []string{"--preset", "lout"}, 1, "no preset"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			got := convertd(t, tt.stdin, append([]string{"recipes", "try", file("apart.toml"), file("a.txt"), "-o", out}, tt.args...)...)
			text, _ := os.ReadFile(filepath.Join(out, "a.out"))
			said := got.stdout + got.stderr
			if got.code != tt.code || !strings.Contains(string(text)+said, tt.want) {
				t.Errorf("exit status %d, result %q:\n%s", got.code, text, said)
			}
			if strings.Contains(said, "open sesame") {
				t.Errorf("the secret is told:\n%s", said)
			}
		})
	}
}

// Only the recipe that is meant says whether a parameter is a file or a secret.
func TestKindOfAParameter(t *testing.T) {
	t.Parallel()
	schema := func(of map[string]any) map[string]any {
		return map[string]any{"properties": map[string]any{"key": of}}
	}
	recipes := []client.Recipe{
		{Name: "sign", To: []string{"signed"}, Params: schema(map[string]any{"writeOnly": true})},
		{Name: "letter", To: []string{"pdf"}, Params: schema(map[string]any{"format": "x-file"})},
		{Name: "sort", To: []string{"csv"}, Params: schema(map[string]any{"type": "string"})},
	}
	for _, tt := range []struct {
		meant submitCommand
		want  recipe.ParamType
	}{
		{submitCommand{Recipe: "sign"}, recipe.Secret},
		{submitCommand{To: "signed"}, recipe.Secret},
		{submitCommand{Recipe: "letter", To: "pdf"}, recipe.File},
		{submitCommand{Recipe: "sort"}, ""},
		{submitCommand{To: "csv"}, ""},
		{submitCommand{To: "unknown"}, ""},
	} {
		if got := tt.meant.kindOf(recipes, "key"); got != tt.want {
			t.Errorf("of recipe %q, target %q: %q, want %q", tt.meant.Recipe, tt.meant.To, got, tt.want)
		}
	}
}
