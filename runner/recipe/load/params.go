package load

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// readParams reads [[param]]; a recipe with several targets and no parameter `to` of its
// own gets one, which takes the target that was chosen.
func readParams(t *table, to []string) []recipe.Param {
	var params []recipe.Param
	for _, inner := range t.inners("param") {
		p := readParam(inner)
		if slices.ContainsFunc(params, func(other recipe.Param) bool { return other.Name == p.Name && p.Name != "" }) {
			inner.wrong("name", fmt.Sprintf("%q is taken by a parameter above.", p.Name), "Give this one another name.")
		}
		params = append(params, p)
	}
	taken := slices.ContainsFunc(params, func(p recipe.Param) bool { return p.Name == recipe.ToParam })
	if len(to) < 2 || taken {
		return params
	}
	target := recipe.Param{Name: recipe.ToParam, Type: recipe.Choice, Title: recipe.Text{"": "To"}}
	for _, id := range to {
		target.Choices = append(target.Choices, recipe.ParamChoice{Value: id})
	}
	return append([]recipe.Param{target}, params...)
}

func readParam(t *table) recipe.Param {
	p := recipe.Param{Name: t.text("name", "quality")}
	if !isName(p.Name, "_-") {
		t.wrong("name", fmt.Sprintf("is %q.", p.Name), "It begins with a lower-case letter and goes on with lower-case letters, digits, - and _.")
		p.Name = ""
	}
	p.Type = readType(t)
	p.Title = t.words("title")
	if len(p.Title) == 0 {
		p.Title = recipe.Text{"": titleOf(p.Name)}
	}
	p.Help = t.words("help")
	p.Optional = t.boolean("optional")
	p.Min, p.Max = t.number("min"), t.number("max")
	p.Pattern = t.text("pattern", "[a-z]+")
	p.MaxLength = int(t.integer("max_length", 1, 64<<10, 0))
	p.AllowDash = t.boolean("allow_dash")
	p.Group = t.words("group")
	p.Choices = readChoices(t)
	p.Accept = readKinds(t, "accept")
	p.Args = readArgs(t)
	checkParam(t, p)
	p.Default = readDefault(t, p)
	t.done()
	return p
}

// titleOf makes a title of a name: first_frame becomes "First frame".
func titleOf(name string) string {
	words := strings.NewReplacer("_", " ", "-", " ").Replace(name)
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func paramTypes() []recipe.ParamType {
	return []recipe.ParamType{recipe.String, recipe.Integer, recipe.Number, recipe.Boolean, recipe.Choice, recipe.List, recipe.File, recipe.Secret}
}

func readType(t *table) recipe.ParamType {
	name := recipe.ParamType(t.text("type", "integer"))
	var known []string
	for _, k := range paramTypes() {
		known = append(known, string(k))
	}
	remedy := "It is one of " + strings.Join(known, ", ") + "."
	switch {
	case name == "" && !t.has("type"):
		t.wrong("type", "is missing.", remedy)
	case name != "" && !slices.Contains(paramTypes(), name):
		t.wrong("type", fmt.Sprintf("is %q.", name), remedy)
	}
	return name
}

// readChoices reads choices = ["a", "b"], or tables { value, title, group, args }.
func readChoices(t *table) []recipe.ParamChoice {
	v, ok := t.get("choices")
	if !ok {
		return nil
	}
	var choices []recipe.ParamChoice
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			choices = append(choices, t.choice(i, element))
		}
	case []map[string]any:
		for i, element := range v {
			choices = append(choices, t.choice(i, element))
		}
	default:
		t.wrong("choices", "must be a list, not "+kind(v)+".", `Write it like choices = ["small", "large"].`)
	}
	seen := map[string]bool{}
	for _, c := range choices {
		if seen[c.Value] && c.Value != "" {
			t.wrong("choices", fmt.Sprintf("has %q twice.", c.Value), "Remove one.")
		}
		seen[c.Value] = true
	}
	return choices
}

func (t *table) choice(i int, element any) recipe.ParamChoice {
	switch v := element.(type) {
	case string:
		return t.choiceOf(recipe.ParamChoice{Value: v})
	case int64:
		return t.choiceOf(recipe.ParamChoice{Value: strconv.FormatInt(v, 10)})
	case map[string]any:
		inner := t.table(t.path+"choices."+strconv.Itoa(i)+".", v)
		c := recipe.ParamChoice{Value: inner.text("value", "small"), Title: inner.words("title"), Group: inner.text("group", "More")}
		c.Args = readArgs(inner)
		inner.done()
		return t.choiceOf(c)
	default:
		t.wrong("choices", fmt.Sprintf("has %s as element %d.", kind(element), i+1), "Put it in quotes.")
		return recipe.ParamChoice{Value: "?" + strconv.Itoa(i)}
	}
}

func (t *table) choiceOf(c recipe.ParamChoice) recipe.ParamChoice {
	if c.Value == "" || strings.ContainsRune(c.Value, 0) {
		t.wrong("choices", "has one without a value.", "An empty text means that nothing was chosen: make the parameter optional instead.")
	}
	return c
}

func readArgs(t *table) []string {
	args := t.texts("args", "-an")
	for _, arg := range args {
		for _, name := range recipe.Placeholders(arg) {
			if name != "value" {
				t.wrong("args", fmt.Sprintf("has {%s}; only {value} stands for something here.", name), "Write {{"+name+"}} if the text itself is meant.")
			}
		}
	}
	return args
}

// checkParam reports rules that do not go with the type.
func checkParam(t *table, p recipe.Param) {
	isText := p.Type == recipe.String || p.Type == recipe.List && len(p.Choices) == 0
	ranged := p.Type == recipe.Integer || p.Type == recipe.Number || p.Type == recipe.List
	apart := p.Type == recipe.File || p.Type == recipe.Secret
	hasText := isText || p.Type == recipe.Secret
	for _, rule := range []struct {
		key  string
		goes bool
	}{
		{"min", ranged}, {"max", ranged}, {"pattern", hasText}, {"max_length", hasText}, {"allow_dash", isText},
		{"default", !apart}, {"accept", p.Type == recipe.File},
		{"choices", p.Type == recipe.Choice || p.Type == recipe.List},
	} {
		if t.has(rule.key) && !rule.goes && slices.Contains(paramTypes(), p.Type) {
			t.wrong(rule.key, fmt.Sprintf("means nothing for a parameter of type %s.", p.Type), "Remove it, or change the type.")
		}
	}
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		t.wrong("max", "is less than min.", "Exchange them.")
	}
	if p.Type == recipe.List && (!wholeCount(p.Min) || !wholeCount(p.Max)) {
		t.wrong("min", "and max of a list count its values.", "Write whole numbers.")
	}
	if p.Type == recipe.Choice && len(p.Choices) == 0 {
		t.wrong("choices", "is missing.", `Write the values to choose from, like choices = ["small", "large"].`)
	}
	if _, err := regexp.Compile(`\A(?:` + p.Pattern + `)\z`); p.Pattern != "" && err != nil {
		t.wrong("pattern", fmt.Sprintf("is not a regular expression: %v.", err), "The language is RE2: no look-around, no back-references.")
	}
}

func wholeCount(f *float64) bool { return f == nil || *f >= 0 && *f == float64(int(*f)) }

// readDefault reads the default in the type's own notation and checks it like a value
// that was given.
func readDefault(t *table, p recipe.Param) *recipe.Value {
	v, ok := t.get("default")
	if !ok {
		return nil
	}
	if p.Optional {
		t.wrong("optional", "goes without a default: a value is then never absent.", "Remove one of the two.")
	}
	return t.value("default", v, p)
}

// value reads a value of the parameter in its type's own notation and checks it like one
// that was given; nil for one that is wrong.
func (t *table) value(key string, v any, p recipe.Param) *recipe.Value {
	if p.Type == recipe.File || p.Type == recipe.Secret {
		return nil // reported already
	}
	texts, ok := valueTexts(v)
	list := p.Type == recipe.List
	if _, isList := v.([]any); !ok || isList != list {
		t.wrong(key, fmt.Sprintf("is %s, but the type is %s.", kind(v), p.Type), "Write a value of that type.")
		return nil
	}
	if list && len(texts) == 0 {
		return &recipe.Value{}
	}
	if !list && texts[0] == "" {
		t.wrong(key, "is empty.", "An empty text is no value: leave it out, and write optional = true where that is meant.")
		return nil
	}
	if p.Name == "" || !slices.Contains(paramTypes(), p.Type) {
		return nil
	}
	checked, err := recipe.Recipe{Params: []recipe.Param{p}}.CheckParams(map[string][]string{p.Name: texts})
	if err != nil {
		t.wrong(key, "is not a value that would be accepted.", detail(err))
		return nil
	}
	value := checked[p.Name]
	return &value
}

// detail is the sentence about the one parameter that was checked.
func detail(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && len(f.Fields) > 0 {
		return f.Fields[0].Detail
	}
	return err.Error()
}

// valueTexts writes a TOML value as the texts a person would give.
func valueTexts(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case int64:
		return []string{strconv.FormatInt(v, 10)}, true
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}, true
	case bool:
		return []string{strconv.FormatBool(v)}, true
	case []any:
		texts := []string{}
		for _, element := range v {
			text, ok := valueTexts(element)
			if !ok || len(text) != 1 {
				return nil, false
			}
			texts = append(texts, text[0])
		}
		return texts, true
	default:
		return nil, false
	}
}
