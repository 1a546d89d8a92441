package load

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"convertd/runner/recipe"
)

// checkWords reports what is wrong with the placeholders of commands: unknown ones,
// several texts in one word, code that a value would become part of, and parameters that
// nothing uses.
func checkWords(t *table, r recipe.Recipe) {
	used := map[string]bool{}
	builtin := false
	for i, s := range r.Steps {
		at := "step." + strconv.Itoa(i) + "."
		if !t.has("step") {
			at = ""
		}
		for _, c := range []struct {
			key  string
			argv []string
		}{{"probe", s.Probe}, {"command", s.Command}} {
			w := wordCheck{table: t, recipe: r, key: at + c.key, used: used, paths: true}
			w.argv(c.argv)
		}
		for _, name := range names(s.Env) {
			w := wordCheck{table: t, recipe: r, key: at + "env." + name, used: used, paths: true}
			w.env(s.Env[name])
		}
		w := wordCheck{table: t, recipe: r, used: used}
		w.step(s.HTTP, at)
		if name, _, _, err := recipe.ParseCondition(s.When); err == nil {
			used[name] = true
			w := wordCheck{table: t, recipe: r, key: at + "when", used: used}
			w.name("param."+name, "param."+name)
		}
		builtin = builtin || slices.Contains([]string{"tracks", "sequence"}, s.Builtin)
	}
	for i, s := range r.Sources {
		w := wordCheck{table: t, recipe: r, used: used}
		w.source(s, "source."+strconv.Itoa(i))
	}
	checkConcurrency(t, r, used)
	for _, host := range r.Access.Hosts {
		w := wordCheck{table: t, recipe: r, key: "access.hosts", used: used}
		w.host(host)
	}
	for i, p := range r.Params {
		// Built-in code is given all parameters, and programs find secrets by their names.
		if !used[p.Name] && p.Name != "" && !builtin && p.Type != recipe.Secret {
			unusedParam(t, r, p, i)
		}
	}
}

func unusedParam(t *table, r recipe.Recipe, p recipe.Param, i int) {
	if p.Name == recipe.ToParam && len(r.To) > 1 {
		t.problem("to", "The recipe makes several things, but no command says which: {param.to} is used nowhere.",
			"Use {param.to}, {args.to} or a when condition, or make it several recipes.")
		return
	}
	if len(r.To) > 1 && r.Params[0].Name == recipe.ToParam {
		i-- // the parameter that was added in front
	}
	t.problem("param."+strconv.Itoa(i), fmt.Sprintf("The parameter %s is used nowhere.", p.Name),
		fmt.Sprintf("Use {param.%s} in a command, or remove it.", p.Name))
}

type wordCheck struct {
	*table
	recipe recipe.Recipe
	key    string
	used   map[string]bool
	// paths says that the place takes paths of the box, which is what parameters that are
	// files or secrets stand for.
	paths bool
}

func (w wordCheck) argv(argv []string) {
	for i, word := range argv {
		names := recipe.Placeholders(word)
		several := 0
		for _, name := range names {
			w.name(name, word)
			if w.isList(name) {
				several++
			}
			if strings.HasPrefix(name, "args.") && word != "{"+name+"}" {
				w.wrongWord(word, fmt.Sprintf("has {%s} beside other text.", name), "It stands for whole words: make it a word of its own.")
			}
		}
		if several > 1 {
			w.wrongWord(word, "has two placeholders of several values.", "Write them as two words.")
		}
		if len(names) > 0 && i == 0 {
			w.wrongWord(word, "lets a value choose the program.", "Name the program itself.")
		}
		if len(names) > 0 && !w.recipe.UnsafeShell && isScript(argv, i) {
			w.wrongWord(word, fmt.Sprintf("puts a value into the program text of %s, where it could become code.", path.Base(argv[0])),
				`Hand it over as an argument instead, like ["sh", "-c", "tool \"$1\"", "sh", "{input}"], or write unsafe_shell = true if you trust everybody who may use this recipe.`)
		}
	}
}

func (w wordCheck) env(text string) {
	for _, name := range recipe.Placeholders(text) {
		w.name(name, text)
		if w.isList(name) || strings.HasPrefix(name, "args.") {
			w.wrongWord(text, fmt.Sprintf("has {%s}, which can be several words.", name), "A variable holds one text.")
		}
	}
}

// host checks a host of [access]: only parameters can be part of one.
func (w wordCheck) host(text string) {
	for _, name := range recipe.Placeholders(text) {
		if !strings.HasPrefix(name, "param.") {
			w.wrongWord(text, fmt.Sprintf("has {%s}, which is no part of a host.", name), "Only parameters can be, like {param.server}:8080.")
			continue
		}
		w.name(name, text)
	}
}

func (w wordCheck) wrongWord(word, message, remedy string) {
	w.problem(w.key, fmt.Sprintf("The word %q %s", word, message), remedy)
}

func (w wordCheck) isList(name string) bool {
	if name == "inputs" {
		return true
	}
	p, ok := w.param(strings.TrimPrefix(name, "param."))
	return strings.HasPrefix(name, "param.") && ok && p.Type == recipe.List
}

func (w wordCheck) param(name string) (recipe.Param, bool) {
	i := slices.IndexFunc(w.recipe.Params, func(p recipe.Param) bool { return p.Name == name })
	if i < 0 {
		return recipe.Param{}, false
	}
	return w.recipe.Params[i], true
}

// name checks one placeholder.
func (w wordCheck) name(name, word string) {
	kind, param, dotted := strings.Cut(name, ".")
	switch {
	case dotted && (kind == "param" || kind == "args"):
		w.used[param] = true
		w.paramName(kind, param, word)
	case name == "input" || name == "inputs":
		if len(w.recipe.Accept) == 0 {
			w.wrongWord(word, fmt.Sprintf("has {%s}, but the recipe accepts no file.", name), "Remove it, or say in accept what is taken.")
		}
	case name == "cache":
		if w.recipe.Cache.Size == 0 {
			w.wrongWord(word, "has {cache}, but the recipe keeps no cache.", `Declare it: [cache] size = "10GiB".`)
		}
	case dotted && kind == "source":
		w.sourceName(param, word)
	case !slices.Contains(plainNames(), name):
		known := append(plainNames(), "input", "inputs")
		for _, p := range w.recipe.Params {
			known = append(known, "param."+p.Name)
		}
		remedy := "Known here: {" + strings.Join(known, "} {") + "}."
		if near := recipe.Nearest(name, known); near != "" {
			remedy = "Did you mean {" + near + "}?"
		}
		w.wrongWord(word, fmt.Sprintf("has {%s}, which stands for nothing.", name), remedy+" If the text itself is meant, write {{"+name+"}}.")
	}
}

func (w wordCheck) sourceName(name, word string) {
	var known []string
	for _, s := range w.recipe.Sources {
		if s.Name == name {
			return
		}
		known = append(known, s.Name)
	}
	remedy := "Declare it with [[source]]."
	if near := recipe.Nearest(name, known); near != "" {
		remedy = fmt.Sprintf("Did you mean {source.%s}?", near)
	}
	w.wrongWord(word, fmt.Sprintf("has {source.%s}, but there is no such source.", name), remedy)
}

func (w wordCheck) paramName(kind, name, word string) {
	p, ok := w.param(name)
	switch {
	case !ok:
		var known []string
		for _, p := range w.recipe.Params {
			known = append(known, p.Name)
		}
		remedy := "Declare it with [[param]]."
		if near := recipe.Nearest(name, known); near != "" {
			remedy = fmt.Sprintf("Did you mean {%s.%s}?", kind, near)
		}
		w.wrongWord(word, fmt.Sprintf("has {%s.%s}, but there is no such parameter.", kind, name), remedy)
	case !w.paths && (p.Type == recipe.File || p.Type == recipe.Secret):
		w.wrongWord(word, fmt.Sprintf("has {%s.%s}, but that is a %s: its path in the box means nothing here.", kind, name, p.Type), apartRemedy(p))
	case kind == "args" && !hasArgs(p):
		w.wrongWord(word, fmt.Sprintf("has {args.%s}, but the parameter declares no args.", name), `Give it args = ["--option", "{value}"].`)
	}
}

// apartRemedy says where a parameter that is a file or a secret can stand.
func apartRemedy(p recipe.Param) string {
	if p.Type == recipe.Secret {
		return fmt.Sprintf("A secret stands in commands and env, as a path, and as {secret.%s} in headers and bodies of requests.", p.Name)
	}
	return fmt.Sprintf(`A file stands in commands and env, as a path, and as file = "{param.%s}" in requests.`, p.Name)
}

func hasArgs(p recipe.Param) bool {
	return p.Args != nil || slices.ContainsFunc(p.Choices, func(c recipe.ParamChoice) bool { return c.Args != nil })
}

func plainNames() []string { return []string{"output", "stem", "work", "state"} }

// isScript reports whether word number at of a command line is program text: it follows
// an option such as -c of a shell or -e of another interpreter anywhere before it.
func isScript(argv []string, at int) bool {
	for i, word := range argv[:at] {
		options, ok := interpreters()[strings.TrimRight(path.Base(word), "0123456789.")]
		if !ok {
			continue
		}
		for j, option := range argv[i+1 : at] {
			attached := i+1+j == at-1 && isScriptOption(option, options)
			if attached {
				return true
			}
		}
		if isScriptOption(argv[at], options) && strings.Contains(argv[at], "{") {
			return true // text glued to the option: -e{param.x}
		}
		if options == "" && at == i+1 {
			return true // the first argument is the program: awk, sed, eval
		}
	}
	return false
}

// isScriptOption reports whether the option takes program text: a group of short options
// that contains one of the letters, or a long option that says so.
func isScriptOption(option, letters string) bool {
	if long, ok := strings.CutPrefix(option, "--"); ok {
		long, _, _ = strings.Cut(long, "=")
		return slices.Contains([]string{"eval", "execute", "expression", "command", "run", "print"}, long)
	}
	group, ok := strings.CutPrefix(option, "-")
	return ok && letters != "" && strings.ContainsAny(group, letters)
}

// interpreters are the programs that run text from their command line, by name without
// version, with the letters of the options that introduce it; none means that the first
// argument is such text.
func interpreters() map[string]string {
	return map[string]string{
		"sh": "c", "bash": "c", "dash": "c", "ash": "c", "zsh": "c", "ksh": "c", "mksh": "c", "fish": "c", "busybox": "c",
		"python": "c", "pypy": "c", "perl": "eE", "ruby": "e", "node": "ep", "nodejs": "ep", "php": "rBRE", "lua": "e", "luajit": "e",
		"tclsh": "c", "guile": "c", "Rscript": "e", "R": "e", "psql": "c", "su": "c", "ssh": "o", "env": "S",
		"awk": "", "gawk": "", "mawk": "", "sed": "", "eval": "", "jq": "", "bc": "", "expect": "c",
	}
}

// checkGroups reports $N in a text for which the expression has no group.
func checkGroups(t *table, key string, text recipe.Text, groups int) {
	for _, lang := range names(text) {
		for _, m := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(text[lang], -1) {
			if n, err := strconv.Atoi(m[1]); err != nil || n > groups {
				t.wrong(key, fmt.Sprintf("uses $%s, but match has %d groups.", m[1], groups), "Put parentheses around the part that is meant.")
				return
			}
		}
	}
}
