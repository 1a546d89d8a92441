package load

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"convertd/runner/recipe"
)

// parse reads the text of one recipe file and checks all that can be checked without
// looking at other files.
func parse(file string, text []byte) declared { return parseAsking(file, text, nil) }

// parseAsking tells asked every key that is looked for; see source.
func parseAsking(file string, text []byte, asked func(path, key, wanted, example string)) declared {
	s := &source{file: file, asked: asked}
	values := map[string]any{}
	if _, err := toml.Decode(string(text), &values); err != nil {
		s.problems = append(s.problems, syntaxProblem(file, err))
		return declared{file: file, problems: s.problems}
	}
	s.lines = linesOf(string(text))
	t := s.table("", values)
	d := declared{file: file}
	d.recipe = readRecipe(t)
	d.off = t.has("enabled") && !t.boolean("enabled")
	if d.off && d.recipe.Name != "" {
		// A recipe that is switched off may be unfinished.
		return declared{file: file, recipe: recipe.Recipe{Name: d.recipe.Name, Source: file}, off: true}
	}
	slices.SortStableFunc(s.problems, func(a, b recipe.Problem) int { return a.Line - b.Line })
	d.problems = s.problems
	d.recipe.Version = version(d.recipe)
	d.recipe.Source = file
	return d
}

func syntaxProblem(file string, err error) recipe.Problem {
	p := recipe.Problem{File: file, Message: "This is not TOML: " + err.Error() + ".", Remedy: "Correct the line."}
	var parse toml.ParseError
	if errors.As(err, &parse) {
		p.Line = parse.Position.Line
		p.Message = "This is not TOML: " + strings.TrimSuffix(parse.Message, ".") + "."
	}
	return p
}

// version changes with the meaning of a recipe, not with comments or the order of keys.
func version(r recipe.Recipe) string {
	text, err := r.Declaration()
	if err != nil {
		return ""
	}
	return recipe.VersionOf(text)
}

func readRecipe(t *table) recipe.Recipe {
	r := recipe.Recipe{Name: readName(t)}
	t.recipe = r.Name
	r.Title = t.words("title")
	if len(r.Title) == 0 {
		r.Title = recipe.Text{"": r.Name}
	}
	r.Description = t.words("description")
	r.Accept = readAccept(t)
	r.Confirm = readConfirm(t, len(r.Accept) > 0)
	r.To = readTo(t)
	r.Inputs = readInputs(t, len(r.Accept) > 0)
	r.Queue = readQueue(t)
	r.Slots = int(t.integer("slots", 1, 1024, 1))
	r.NeedsResource = readResources(t)
	r.Concurrency = readConcurrency(t)
	r.UnsafeShell = t.boolean("unsafe_shell")
	r.Shared = t.boolean("shared")
	r.Params = readParams(t, r.To)
	r.Presets = readPresets(t, r.Params)
	r.Sources = readSources(t)
	r.Cache = readCache(t.inner("cache"), len(r.Accept) > 0)
	r.Steps = readSteps(t)
	r.Outputs = readOutputs(t, r.Steps)
	r.Explain = readExplain(t)
	r.Limits = readLimits(t.inner("limits"))
	r.Retry = readRetry(t.inner("retry"))
	r.Keep = readKeep(t.inner("keep"))
	r.Visible = readVisible(t.inner("visible"))
	r.Needs = readNeeds(t.inner("needs"))
	t.get("enabled")
	r.Access = readAccess(t.inner("access"))
	r.Mail = readMail(t)
	t.done()
	checkWords(t, r)
	checkSecretNames(t, r)
	checkReach(t, r)
	return r
}

// readName takes names that are safe as a folder, a metric label and a unit name.
func readName(t *table) string {
	const example = "video-to-mp4"
	if !t.has("name") {
		t.get("name")
		t.problem("", "name is missing.", "Write it like name = \""+example+"\".")
		return ""
	}
	name := t.text("name", example)
	if name != "" && !isName(name, "-") {
		t.wrong("name", fmt.Sprintf("is %q.", name), "It begins with a lower-case letter and goes on with lower-case letters, digits and dashes, 60 at most.")
		return ""
	}
	return name
}

// isName accepts up to 60 lower-case letters, digits and the extra characters, a letter
// first.
func isName(name, extra string) bool {
	return name != "" && len(name) <= 60 && name[0] >= 'a' && name[0] <= 'z' &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789"+extra) == ""
}

func readAccept(t *table) []string {
	const remedy = `It lists media types such as "video/*" and extensions such as ".mov"; accept = [] is a recipe without upload.`
	if !t.has("accept") {
		t.get("accept")
		t.problem("", "accept is missing.", remedy)
		return nil
	}
	return append([]string{}, readKinds(t, "accept")...)
}

// readKinds reads media types and extensions.
func readKinds(t *table, key string) []string {
	var kinds []string
	for _, a := range t.texts(key, "image/*") {
		a = strings.ToLower(a)
		switch {
		case slices.Contains(kinds, a):
			t.wrong(key, fmt.Sprintf("has %q twice.", a), "Remove one.")
		case !isMediaType(a) && !isExtension(a):
			t.wrong(key, fmt.Sprintf("has %q, which is neither a media type nor an extension.", a), `It lists media types such as "video/*" and extensions such as ".mov".`)
		default:
			kinds = append(kinds, a)
		}
	}
	return kinds
}

// readConfirm reads the question before a run; who uploads a file has chosen already.
func readConfirm(t *table, upload bool) recipe.Text {
	words := t.words("confirm")
	if len(words) > 0 && upload {
		t.wrong("confirm", "asks before a run, but the recipe takes files.", "Remove it; it is for recipes with accept = [].")
	}
	return words
}

// isMediaType accepts TYPE/SUBTYPE without parameters (RFC 6838), TYPE/* and */*.
func isMediaType(text string) bool {
	family, subtype, ok := strings.Cut(text, "/")
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789.+-_"
	token := func(s string) bool { return s != "" && strings.Trim(s, letters) == "" }
	return ok && (token(family) && (token(subtype) || subtype == "*") || text == "*/*")
}

func isExtension(text string) bool {
	rest, ok := strings.CutPrefix(text, ".")
	return ok && len(rest) <= 20 && rest != "" && !strings.ContainsAny(rest, "./\\* \t")
}

func readTo(t *table) []string {
	var to []string
	for _, id := range t.texts("to", "mp4") {
		switch {
		case !isTarget(id):
			t.wrong("to", fmt.Sprintf("has %q.", id), "Targets are lower-case letters, digits and dashes, such as mp4.")
		case slices.Contains(to, id):
			t.wrong("to", fmt.Sprintf("has %q twice.", id), "Remove one.")
		default:
			to = append(to, id)
		}
	}
	return to
}

// isTarget is like isName, but formats such as 3de4 and 7z begin with a digit.
func isTarget(id string) bool {
	return id != "" && isName("x"+id, "-") && !strings.HasPrefix(id, "-")
}

// readInputs reads `inputs = "each"` or `inputs = { min = 2, max = 100 }`.
func readInputs(t *table, upload bool) recipe.Inputs {
	v, ok := t.get("inputs")
	if text, isText := v.(string); ok && isText {
		if text != "each" {
			t.wrong("inputs", fmt.Sprintf("is %q.", text), `It is "each", or { min = 2, max = 100 }.`)
		}
		ok = false
	}
	switch {
	case ok && !upload:
		t.wrong("inputs", "says how files are taken, but the recipe accepts none.", "Remove it, or say in accept what is taken.")
		return recipe.Inputs{}
	case !upload:
		return recipe.Inputs{}
	case !ok:
		return recipe.Inputs{Each: true, Min: 1, Max: 1}
	}
	inner := t.inner("inputs")
	if inner == nil {
		return recipe.Inputs{}
	}
	in := recipe.Inputs{Min: int(inner.integer("min", 1, 1000, 1))}
	in.Max = int(inner.integer("max", 1, 1000, 1000))
	if in.Max < in.Min {
		inner.wrong("max", fmt.Sprintf("is %d, less than min, which is %d.", in.Max, in.Min), "Raise it.")
	}
	inner.done()
	return in
}

func readQueue(t *table) string {
	queue := t.text("queue", "video")
	if queue == "" {
		return "default"
	}
	if !isName(queue, "-") {
		t.wrong("queue", fmt.Sprintf("is %q.", queue), "It begins with a lower-case letter and goes on with lower-case letters, digits and dashes.")
	}
	return queue
}

func readResources(t *table) map[string]int {
	inner := t.inner("needs_resource")
	if inner == nil {
		return nil
	}
	needs := map[string]int{}
	for _, name := range names(inner.values) {
		if !isName(name, "-_") {
			inner.wrong(name, "is not a name for a resource.", "Use lower-case letters, digits and dashes, as in [resources] of the configuration.")
		}
		needs[name] = int(inner.integer(name, 1, 1_000_000, 1))
	}
	return needs
}
