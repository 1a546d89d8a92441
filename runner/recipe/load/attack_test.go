package load

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// victim is a recipe with a parameter of every type, as an attacker finds it.
const victim = `
name = "victim"
accept = [".in"]
command = ["true", "{input}", "{param.text}", "--title={param.dash}", "{param.number}", "{param.real}", "{param.choice}", "{param.flag}", "{param.list}"]
param = [
  { name = "text", type = "string", optional = true },
  { name = "dash", type = "string", optional = true, allow_dash = true },
  { name = "number", type = "integer", min = 0, max = 100, optional = true },
  { name = "real", type = "number", min = 0, max = 1, optional = true },
  { name = "choice", type = "choice", choices = ["small", "large"], optional = true },
  { name = "flag", type = "boolean", optional = true },
  { name = "list", type = "list", optional = true },
]
`

// refuses checks that each value of the parameter is refused.
func refuses(t *testing.T, r recipe.Recipe, name string, values ...string) {
	t.Helper()
	for _, value := range values {
		got, err := r.CheckParams(map[string][]string{name: {value}})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s = %.60q: got %v, %v, want it refused", name, value, got, err)
		}
	}
}

// literal checks that each value of the parameter arrives as exactly one argument.
func literal(t *testing.T, r recipe.Recipe, name string, values ...string) {
	t.Helper()
	for _, value := range values {
		checked, err := r.CheckParams(map[string][]string{name: {value}})
		if err != nil {
			t.Errorf("%s = %.60q: %v, want it taken as text", name, value, err)
			continue
		}
		argv, err := recipe.Fill([]string{"{param." + name + "}", "--x={param." + name + "}"}, recipe.Vars{Params: r.Params, Values: checked})
		if diff := cmp.Diff([]string{value, "--x=" + value}, argv); err != nil || diff != "" {
			t.Errorf("%s = %.60q: %v, argv (-want +got):\n%s", name, value, err, diff)
		}
	}
}

// refusesRecipe checks that the recipe text has a problem with these words.
func refusesRecipe(t *testing.T, text, words string) {
	t.Helper()
	problems := problemsOf(text)
	if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, words) }) {
		t.Errorf("problems of\n%s\nare %q, want one with %q", text, problems, words)
	}
}

func TestAttack(t *testing.T) {
	t.Parallel()
	d := parse("victim.toml", []byte(victim))
	if len(d.problems) > 0 {
		t.Fatal(d.problems)
	}
	for name, attack := range map[string]func(*testing.T, recipe.Recipe){
		"D01_options":             attackOptions,
		"D02_shell_text":          attackShellText,
		"D03_numbers":             attackNumbers,
		"D04_choices":             attackChoices,
		"D05_languages_of_tools":  attackToolLanguages,
		"D06_too_long":            attackTooLong,
		"D07_templates":           attackTemplates,
		"D08_broken_recipes":      attackBrokenRecipes,
		"D09_writable_by_others":  attackWritable,
		"D10_values_in_scripts":   attackScripts,
		"D11_limits":              attackLimits,
		"D12_many_and_removed":    attackMany,
		"D13_ambiguous_targets":   attackAmbiguous,
		"D14_regular_expressions": attackExpressions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attack(t, d.recipe)
		})
	}
}

func attackOptions(t *testing.T, r recipe.Recipe) {
	refuses(t, r, "text", "-o/etc/x", "--help", "-", "--", "-\n")
	refuses(t, r, "list", "-o/etc/x", "--help")
	literal(t, r, "dash", "-o/etc/x", "--help", "-")
}

func attackShellText(t *testing.T, r recipe.Recipe) {
	literal(t, r, "text", "$(id)", "`id`", ";id", "a b", "*", "~", "a\nb", `"'\`, "|id", "&&id", ">x", "@list", "#", "{a,b}")
	refuses(t, r, "text", "a\x00b", strings.Repeat("x", 1001), strings.Repeat("x", 1<<20), "\xff\xfe")
	refuses(t, r, "list", "a\x00b", strings.Repeat("x", 1<<20))
}

func attackNumbers(t *testing.T, r recipe.Recipe) {
	strange := []string{
		"1e9", "1e1", "-0", "0x10", "NaN", "nan", "Inf", "-Inf", "99999999999999999999", "1;id", "1 ", " 1", "+1", "01", "1_000", "1,000",
		"٣", "３", "1٠", "one", "--1", "1-", "0b1", "0o7", "1\n", "1.", ".5", "1..2", "1.5.5",
	}
	refuses(t, r, "number", append(strange, "1.0", "-1", "101", "4294967297")...)
	refuses(t, r, "real", append(strange, "-0.0", "-0.5", "1.0001", "0.1e-5", strings.Repeat("1", 400), "0."+strings.Repeat("1", 400))...)
	literal(t, r, "number", "0", "7", "100")
	literal(t, r, "real", "0", "0.5", "1")
}

func attackChoices(t *testing.T, r recipe.Recipe) {
	refuses(t, r, "choice", "Small", "small ", " small", "small\n", "smal", "small,large", "-small", "\x00")
	refuses(t, r, "flag", "True", "yes", "1", "on", "true ")
	for _, given := range []map[string][]string{
		{"choice": {"small", "large"}}, {"choice": {"small", "small"}}, {"flag": {"true", "false"}}, {"text": {"a", "b"}},
		{"none": {"x"}}, {"": {"x"}}, {"Choice": {"small"}},
	} {
		if _, err := r.CheckParams(given); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v, want it refused", given, err)
		}
	}
	for _, document := range []string{
		`{"choice": ["small"]}`, `{"choice": {"small": true}}`, `{"choice": "small", "choice": "large"}`, `{"list": [["a"]]}`, `{"list": [null]}`,
		`[]`, `{"choice": "small"} {}`, `{"choice": "small"`, `"x"`, `{"a":` + strings.Repeat("[", 100_000), `{"text": NaN}`,
	} {
		given, err := r.GivenJSON([]byte(document))
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%.60s: got %v, %v, want it refused", document, given, err)
		}
	}
}

// attackToolLanguages: a recipe declares choices where a tool has a language of its own,
// so such text cannot be expressed; free text is still one literal argument.
func attackToolLanguages(t *testing.T, r recipe.Recipe) {
	refuses(t, r, "choice", "movie=/etc/passwd", "-i http://127.0.0.1", "msl:/tmp/x", `\write18{id}`, "--lua-filter=x")
	refuses(t, r, "text", "-i http://127.0.0.1", "--lua-filter=x")
	literal(t, r, "text", "movie=/etc/passwd", "msl:/tmp/x", `\write18{id}`)
	set, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set.All() {
		for _, p := range r.Params {
			if p.Type == recipe.String && p.Pattern == "" {
				t.Errorf("shipped recipe %s takes free text in %s", r.Name, p.Name)
			}
		}
	}
}

func attackTooLong(t *testing.T, r recipe.Recipe) {
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("%0100d", i)
	}
	if _, err := r.CheckParams(map[string][]string{"list": many}); !fault.Is(err, fault.Invalid) {
		t.Errorf("100 KB of parameters: %v, want them refused", err)
	}
	if _, err := r.CheckParams(map[string][]string{"list": append(many, "x")}); !fault.Is(err, fault.Invalid) {
		t.Errorf("1001 elements: %v, want them refused", err)
	}
	inputs := slices.Repeat([]string{strings.Repeat("x", 100)}, 20_000)
	for _, tt := range []struct {
		word string
		vars recipe.Vars
	}{
		{"{output}x", recipe.Vars{Output: strings.Repeat("x", 128<<10-1)}},
		{"{inputs}", recipe.Vars{Inputs: inputs}},
	} {
		_, err := recipe.Fill([]string{"true", tt.word}, tt.vars)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != fault.Invalid || !strings.Contains(f.Message, "bytes long") {
			t.Errorf("%s beyond what the kernel takes: %v, want a refusal with the sizes", tt.word, err)
		}
	}
	if _, err := recipe.Fill([]string{"{inputs}"}, recipe.Vars{Inputs: inputs[:5000]}); err != nil {
		t.Errorf("5000 inputs: %v", err)
	}
}

func attackTemplates(t *testing.T, r recipe.Recipe) {
	literal(t, r, "text", "{{.Env.X}}", "%(x)s", "${HOME}", "{input}", "{output}", "{param.dash}", "{{input}}", "{value}", "{args.text}", "$1")
	r.Params = slices.Clone(r.Params) // other attacks use the recipe at the same time
	r.Params[0].Args = []string{"--a={value}", "{value}"}
	argv, err := recipe.Fill([]string{"{args.text}"}, recipe.Vars{Params: r.Params, Values: recipe.Values{"text": {"{value}{input}"}}})
	if diff := cmp.Diff([]string{"--a={value}{input}", "{value}{input}"}, argv); err != nil || diff != "" {
		t.Errorf("a value inside args: %v (-want +got):\n%s", err, diff)
	}
}

func attackBrokenRecipes(t *testing.T, _ recipe.Recipe) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	refusesRecipe(t, minimal+`comand = ["x"]`, `r.toml:4: There is no key "comand" here. Did you mean command?`)
	refusesRecipe(t, minimal+`slots = "2"`, "r.toml:4: slots must be a whole number, not a text.")
	refusesRecipe(t, strings.Replace(minimal, `["true", "{input}", "{output}"]`, `[]`, 1), "r.toml:3: command is empty.")
	refusesRecipe(t, strings.Replace(minimal, `"true"`, `"`+plain+`"`, 1), "has no execute bit")
	refusesRecipe(t, strings.Replace(minimal, `"true"`, `"`+dir+`"`, 1), "is a directory")
	set := loaded(t, map[string]string{
		"a.toml": minimal,
		"b.toml": minimal,
		"c.toml": "name = \"missing\"\naccept = [\".in\"]\n\ncommand = [\"no-such-program\", \"{input}\"]\n[needs]\npackages = [\"missing\"]\n",
		"d.toml": `name = "broken"`,
	})
	if _, ok := set.Find("minimal"); !ok {
		t.Error("a broken recipe took another with it")
	}
	if _, ok := set.Find("broken"); ok {
		t.Error("a broken recipe is in force")
	}
	var problems []string
	for _, p := range set.Problems() {
		p.File = filepath.Base(p.File)
		problems = append(problems, p.String())
	}
	for i, want := range []string{"b.toml: The name minimal is taken by ", "c.toml:4: The program \"no-such-program\" is not installed. Run: apt-get install missing", "d.toml: accept is missing."} {
		if i >= len(problems) || !strings.HasPrefix(problems[i], want) {
			t.Errorf("problem %d of %q is not %q", i, problems, want)
		}
	}
	if a := set.Available("missing"); a.OK() || a.Remedy != "apt-get install missing" {
		t.Errorf("availability of a recipe without its program: %+v", a)
	}
}

func attackWritable(t *testing.T, _ recipe.Recipe) {
	refusesRecipe(t, strings.Replace(minimal, `"true"`, `"./true"`, 1), "relative to a folder")
	refusesRecipe(t, strings.Replace(minimal, `"true"`, `"../bin/true"`, 1), "relative to a folder")
	dir := t.TempDir()
	program, link := filepath.Join(dir, "program"), filepath.Join(dir, "link")
	must(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755), os.Chmod(program, 0o757), os.Symlink(program, link))
	for _, file := range []string{program, link} {
		refusesRecipe(t, strings.Replace(minimal, `"true"`, `"`+file+`"`, 1), "everybody on this machine can change")
	}
	must(t, os.Chmod(program, 0o755))
	if problems := problemsOf(strings.Replace(minimal, `"true"`, `"`+link+`"`, 1)); len(problems) > 0 {
		t.Errorf("a program that only its owner can change: %q", problems)
	}
	must(t, os.Chmod(dir, 0o777))
	refusesRecipe(t, strings.Replace(minimal, `"true"`, `"`+program+`"`, 1), "everybody on this machine can change")

	file := filepath.Join(folder(t, map[string]string{"r.toml": minimal}), "r.toml")
	must(t, os.Chmod(file, 0o646))
	if _, problems := File(file); len(problems) != 1 || !strings.Contains(problems[0].Message, "Everybody on this machine") {
		t.Errorf("a recipe file that everybody can change: %v", problems)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func attackScripts(t *testing.T, _ recipe.Recipe) {
	const head = `name = "script"
accept = [".in"]
param = [{ name = "x", type = "string", optional = true, args = ["{value}"] }]
`
	for _, command := range []string{
		`["sh", "-c", "tool {param.x} {input}"]`, `["/bin/sh", "-ec", "tool {input}"]`, `["bash", "-c", "{param.x}"]`, `["dash", "-x", "-c", "{param.x}"]`,
		`["env", "bash", "-c", "{param.x}"]`, `["nice", "-n", "5", "sh", "-c", "a {param.x}"]`, `["busybox", "sh", "-c", "{param.x}"]`,
		`["python3", "-c", "print('{param.x}')"]`, `["python3.11", "-c", "{param.x}"]`, `["perl", "-e", "{param.x}"]`, `["perl", "-ne", "{param.x}"]`,
		`["perl", "-e{param.x}"]`, `["node", "--eval", "{param.x}"]`, `["node", "--eval={param.x}"]`, `["awk", "{param.x}", "{input}"]`,
		`["sed", "s/a/{param.x}/", "{input}"]`, `["ruby", "-e", "{args.x}"]`, `["sh", "-c", "{args.x}"]`, `["timeout", "5", "bash", "-lc", "{param.x}"]`,
	} {
		refusesRecipe(t, head+"command = "+command, "it could become code")
		for _, p := range problemsOf(head + "unsafe_shell = true\ncommand = " + command) {
			if strings.Contains(p, "could become code") {
				t.Errorf("unsafe_shell does not permit %s", command)
			}
		}
	}
	for _, command := range []string{
		`["sh", "-c", "tool \"$1\" \"$2\"", "sh", "{param.x}", "{input}"]`, `["sh", "/srv/script.sh", "{param.x}", "{input}"]`,
		`["python3", "/srv/script.py", "-c", "x", "{param.x}"]`, `["sed", "-n", "{work}", "{param.x}"]`, `["cwebp", "-c", "{param.x}"]`,
		`["perl", "/srv/script.pl", "{param.x}"]`,
	} {
		for _, p := range problemsOf(head + "command = " + command) {
			if strings.Contains(p, "could become code") {
				t.Errorf("%s is refused: %s", command, p)
			}
		}
	}
	refusesRecipe(t, strings.Replace(minimal, `"true"`, `"{input}"`, 1), "lets a value choose the program")
}

func attackLimits(t *testing.T, _ recipe.Recipe) {
	for _, line := range []string{
		`memory = "0"`, `memory = "0GiB"`, `memory = "-1GiB"`, `memory = 0`, `memory = -1`, `memory = 2`, `memory = ""`, `memory = "2"`, `memory = "GiB"`, `memory = "1e3GiB"`,
		`memory = "99999999999TiB"`, `memory = "1KiB"`, `memory = "inf"`, `memory = "NaNGiB"`, `memory = "2 GiBs"`, `memory = "2GiB3"`, `memory = "0x10GiB"`, `memory = "1.2.3GiB"`,
		`disk = "0B"`, `disk = true`, `time = "0"`, `time = "0s"`, `time = "-1h"`, `time = 3600`, `time = "3600"`, `time = "1000000h"`, `time = "1y"`, `time = "h"`, `time = ""`, `time = "1h-5m"`,
		`processes = 0`, `processes = -5`, `processes = 100000000`, `outputs = 0`, `cpu_weight = 0`, `cpu_weight = -1`, `cpu_weight = 10001`, `grace = "0s"`, `log = "1B"`,
	} {
		if d := parse("r.toml", []byte(minimal+"[limits]\n"+line)); !d.broken() {
			t.Errorf("%s is accepted as %+v", line, d.recipe.Limits)
		}
	}
	for line, want := range map[string]recipe.Limits{
		`memory = "10 GB"`: {Memory: 10e9}, `memory = "10GB"`: {Memory: 10e9}, `memory = "1.5 GiB"`: {Memory: 3 << 29}, `memory = "512mib"`: {Memory: 512 << 20},
		`time = "1h30m"`: {Time: 90 * 60e9}, `time = "1h 30m"`: {Time: 90 * 60e9}, `time = "2 d"`: {Time: 48 * 3600e9}, `time = "1500ms"`: {Time: 1500e6}, `processes = 1`: {Processes: 1}, `cpu_weight = 20`: {CPUWeight: 20},
	} {
		d := parse("r.toml", []byte(minimal+"[limits]\n"+line))
		if diff := cmp.Diff(want, d.recipe.Limits); d.broken() || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", line, d.problems, diff)
		}
	}
	large := filepath.Join(folder(t, map[string]string{"r.toml": minimal + "[limits]\nmemory = \"16TiB\""}), "r.toml")
	if _, problems := File(large); len(problems) != 1 || !problems[0].Warning || problems[0].Line != 5 || !strings.Contains(problems[0].Message, "more than this machine has") {
		t.Errorf("a limit beyond the machine: %v, want one warning", problems)
	}
	for line := range map[string]bool{"": true, "[limits]": true} {
		d := parse("r.toml", []byte(minimal+line))
		if diff := cmp.Diff(recipe.Limits{}, d.recipe.Limits); diff != "" || recipe.DefaultLimits().Memory == 0 || recipe.DefaultLimits().Time == 0 {
			t.Errorf("without limits the shipped ones hold, not %+v", d.recipe.Limits)
		}
	}
}
