package load

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"convertd/runner/progress/reading"
	"convertd/runner/recipe"
)

// readSteps reads [[step]], or the one step that a recipe of few lines declares by
// `command` and `progress` at the top.
func readSteps(t *table) []recipe.Step {
	var steps []recipe.Step
	for _, inner := range t.inners("step") {
		s := readStep(inner)
		s.Name = inner.text("name", "encode")
		s.Title = inner.words("title")
		s.When = inner.text("when", "param.sound = true")
		if _, _, _, err := recipe.ParseCondition(s.When); s.When != "" && err != nil {
			inner.wrong("when", fmt.Sprintf("is %q.", s.When), `Write it like when = "param.sound = true" or when = "param.size != small".`)
		}
		if weight := inner.number("weight"); weight != nil {
			s.Weight = *weight
			if !(*weight > 0) {
				inner.wrong("weight", "must be more than 0.", "It is the step's share of the bar against the other steps.")
			}
		}
		inner.done()
		steps = append(steps, s)
	}
	top := readStep(t.topStep(len(steps) == 0))
	switch short := len(top.Command) > 0 || top.Builtin != ""; {
	case short && len(steps) > 0:
		t.wrong("command", "stands at the top and there are [[step]] tables as well.", "Move it into a [[step]] of its own.")
	case short:
		return []recipe.Step{top}
	case len(steps) == 0 && !t.has("command"):
		t.problem("", "The recipe runs nothing: command is missing.", `Write it like command = ["cwebp", "{input}", "-o", "{output}/{stem}.webp"].`)
	}
	return steps
}

// topStep is the top of the file seen as a step. Without any key of a step it is empty,
// so that what is missing is said once.
func (t *table) topStep(alone bool) *table {
	top := t.table("", map[string]any{})
	for _, key := range stepKeys() {
		if v, ok := t.get(key); ok {
			top.values[key] = v
		}
	}
	if !t.has("command") && !t.has("builtin") {
		if len(top.values) > 0 && alone {
			return top
		}
		top.values = map[string]any{}
	}
	return top
}

func stepKeys() []string {
	return []string{"command", "builtin", "probe", "progress", "pattern", "env", "ok_exit", "fail_if", "bad_input_if", "pty", "line_buffer"}
}

func readStep(t *table) recipe.Step {
	s := recipe.Step{
		Builtin: t.text("builtin", "tracks"),
		HTTP:    readHTTP(t.stepHTTP()),
		Command: readCommand(t, "command"),
		Probe:   readCommand(t, "probe"),
		Env:     t.pairs("env"),
		FailIf:  readExpressions(t, "fail_if"), BadInputIf: readExpressions(t, "bad_input_if"),
		PTY: t.boolean("pty"), LineBuffer: t.boolean("line_buffer"),
	}
	s.OKExit = readExits(t)
	s.Progress = readProgress(t, s.Command)
	for _, inner := range t.inners("pattern") {
		s.Patterns = append(s.Patterns, readPattern(inner))
	}
	if s.Builtin != "" && !slices.Contains(builtins(), s.Builtin) {
		t.wrong("builtin", fmt.Sprintf("is %q.", s.Builtin), "It is one of "+strings.Join(builtins(), ", ")+".")
	}
	if s.Builtin != "" && t.has("command") {
		t.wrong("builtin", "and command both say what runs.", "Make them two steps.")
	}
	if s.HTTP != nil {
		checkCall(t)
	}
	if s.Builtin == "" && s.HTTP == nil && !t.has("command") && !t.has("http") && t.path != "" {
		t.wrong("command", "is missing.", `Write it like command = ["tool", "{input}", "{output}/{stem}.out"].`)
	}
	for _, name := range names(s.Env) {
		if !regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]*\z`).MatchString(name) {
			t.wrong("env", fmt.Sprintf("has %q.", name), "Names of variables are letters, digits and _.")
		}
	}
	return s
}

// stepHTTP is the table `http` of a step; the short form at the top of a file has none.
func (t *table) stepHTTP() *table {
	if t.path == "" {
		return nil
	}
	return t.inner("http")
}

// checkCall refuses what only a program of the recipe's own can have.
func checkCall(t *table) {
	for _, key := range []string{"command", "builtin", "probe", "env", "progress", "pattern", "ok_exit", "pty", "line_buffer"} {
		if t.has(key) {
			t.wrong(key, "and http do not go together: http runs no program.", "Make them two steps, or remove one.")
		}
	}
}

func readCommand(t *table, key string) []string {
	argv := t.texts(key, "tool")
	if !t.has(key) {
		return nil
	}
	if _, isList := t.values[key].([]any); isList && len(argv) == 0 {
		t.wrong(key, "is empty.", `Write the program and its arguments, each in quotes: ["tool", "{input}"].`)
		return nil
	}
	if _, isText := t.values[key].(string); isText {
		t.problems[len(t.problems)-1].Remedy = fmt.Sprintf("No shell reads it, so each argument stands for itself: %s = %s.", key, asList(t.values[key].(string)))
	}
	for i, word := range argv {
		if strings.ContainsRune(word, 0) {
			t.wrong(key, fmt.Sprintf("has a NUL character in word %d.", i+1), "Remove it.")
		}
	}
	if len(argv) > 0 {
		checkProgram(t, key, argv[0])
	}
	return argv
}

// asList writes a command line as the list it should be.
func asList(line string) string {
	words := strings.Fields(line)
	for i, word := range words {
		words[i] = fmt.Sprintf("%q", word)
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func readExpressions(t *table, key string) []string {
	expressions := t.texts(key, "not found")
	for _, e := range expressions {
		checkRegexp(t, key, e)
	}
	return expressions
}

func readExits(t *table) []int {
	list, ok := typed[[]any](t, "ok_exit", "a list of numbers", "[0, 3]")
	if !ok {
		return nil
	}
	var exits []int
	for _, element := range list {
		code, ok := element.(int64)
		if !ok || code < 0 || code > 255 {
			t.wrong("ok_exit", fmt.Sprintf("has %v.", element), "Exit statuses are whole numbers from 0 to 255.")
			continue
		}
		exits = append(exits, int(code))
	}
	if len(exits) == 0 {
		t.wrong("ok_exit", "lists no exit status, so no run could succeed.", "Write ok_exit = [0], or leave it out.")
	}
	return exits
}

// readProgress reads the name of an extractor. Without one it is the extractor that has
// the program's name, if there is one, so that a recipe of four lines has its bar.
func readProgress(t *table, command []string) string {
	name := t.text("progress", "ffmpeg")
	switch {
	case name == "none":
		return ""
	case name != "":
		if !reading.Known(name) {
			t.wrong("progress", fmt.Sprintf("is %q.", name), "It is one of "+strings.Join(reading.Names(), ", ")+", none.")
		}
		return name
	case len(command) > 0 && !t.has("pattern") && reading.Known(path.Base(command[0])):
		return path.Base(command[0])
	}
	return ""
}

func readPattern(t *table) recipe.Pattern {
	p := recipe.Pattern{Match: t.text("match", `(?P<percent>\d+)%`), Stage: t.text("stage", "encode")}
	checkRegexp(t, "match", p.Match)
	if weight := t.number("weight"); weight != nil {
		p.Weight = *weight
		if !(*weight > 0) {
			t.wrong("weight", "must be more than 0.", "It is the stage's share against the other stages.")
		}
	}
	if re, err := regexp.Compile(p.Match); err == nil && p.Match != "" {
		checkGroupNames(t, re.SubexpNames())
	}
	t.done()
	return p
}

func checkGroupNames(t *table, names []string) {
	known := []string{"percent", "done", "total", "message", "stage"}
	useful := false
	for _, name := range names {
		useful = useful || slices.Contains(known, name)
		if name != "" && !slices.Contains(known, name) {
			t.wrong("match", fmt.Sprintf("has a group named %q.", name), "Groups are named "+strings.Join(known, ", ")+".")
		}
	}
	if !useful && !t.has("stage") {
		t.wrong("match", "has no group that says anything.", `Name one, like (?P<percent>\d+)%.`)
	}
	if slices.Contains(names, "done") && !slices.Contains(names, "total") {
		t.wrong("match", "has a group done, but no total.", "Name both, or percent.")
	}
}

func readOutput(t *table) recipe.Output {
	o := recipe.Output{Match: t.text("match", "*.mp4"), Type: strings.ToLower(t.text("type", "video/mp4")), Show: t.text("show", "{stem}.pdf")}
	o.Min = int(t.integer("min", 0, 1_000_000, 1))
	o.Max = int(t.integer("max", 1, 1_000_000, 0))
	_, err := path.Match(o.Match, "x")
	switch {
	case !t.has("match"):
		t.wrong("match", "is missing.", `Write the names of the files, like match = "*.mp4".`)
	case err != nil || strings.Contains(o.Match, "/"):
		t.wrong("match", fmt.Sprintf("is %q, which is not a pattern of file names.", o.Match), "Use * ? and [a-z], without folders.")
	case o.Max > 0 && o.Max < o.Min:
		t.wrong("max", "is less than min.", "Raise it.")
	}
	if o.Type != "" && !isMediaType(o.Type) {
		t.wrong("type", fmt.Sprintf("is %q, which is not a media type.", o.Type), "Write it like application/pdf.")
	}
	for _, name := range recipe.Placeholders(o.Show) {
		if name != "stem" {
			t.wrong("show", fmt.Sprintf("has {%s}.", name), "Only {stem} stands for something here.")
		}
	}
	t.done()
	return o
}

// builtins are the steps that are code of our own (cmd/convertd-runner has the same list).
func builtins() []string {
	return []string{"tracks", "check-document", "check-text", "sequence", "preview"}
}
