package recipe

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"convertd/runner/fault"
)

// Bounds that hold whatever a recipe declares.
const (
	defaultMaxLength = 1000
	maxElements      = 1000
	maxParamBytes    = 64 << 10
)

// CheckParams checks the parameters that were given for a job and returns them in
// canonical form, defaults filled in. Texts come as people or programs wrote them: one
// for each parameter, several for a list. An empty text is the same as none, so that a
// form field left blank means its default.
//
// The error is a fault.Error with one Field for every problem, so that a person can
// mend all of them at once. Checked values, given again, come back unchanged.
func (r Recipe) CheckParams(given map[string][]string) (Values, error) {
	return r.check(given, false)
}

func (r Recipe) check(given map[string][]string, stored bool) (Values, error) {
	c := paramCheck{recipe: r, values: Values{}, stored: stored}
	c.unknown(given)
	size := 0
	for _, p := range r.Params {
		texts := given[p.Name]
		for _, text := range texts {
			if p.Type != Secret {
				size += len(text)
			}
		}
		c.param(p, texts)
	}
	if size > maxParamBytes {
		c.fail("", "The parameters together are %d bytes long; at most %d are taken.", size, maxParamBytes)
	}
	if len(c.fields) > 0 {
		return nil, c.err()
	}
	return c.values, nil
}

// paramCheck collects the values and the problems of one set of parameters.
type paramCheck struct {
	recipe Recipe
	values Values
	fields []fault.Field
	// stored says that the values were checked before, and their secrets are hidden.
	stored bool
}

func (c *paramCheck) fail(name, format string, args ...any) {
	c.fields = append(c.fields, fault.Field{Pointer: Pointer(name), Detail: fmt.Sprintf(format, args...)})
}

// Pointer is the JSON pointer (RFC 6901) by which problem documents name a parameter;
// "" names all of them.
func Pointer(param string) string {
	if param == "" {
		return "/params"
	}
	return "/params/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(param)
}

func (c *paramCheck) err() error {
	message := "One parameter is not right: " + c.fields[0].Detail
	if n := len(c.fields); n > 1 {
		message = fmt.Sprintf("%d parameters are not right. The first: %s", n, c.fields[0].Detail)
	}
	err := fault.New(fault.Invalid, message, "Correct what is named and send the job again.")
	err.Fields = c.fields
	return err
}

// unknown refuses names that the recipe does not declare, in order of name.
func (c *paramCheck) unknown(given map[string][]string) {
	var names []string
	for name := range given {
		if _, ok := find(c.recipe.Params, name); !ok {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		c.fail(name, "%s has no parameter %s. %s", c.recipe.Name, quote(name), c.known(name))
	}
}

func (c *paramCheck) known(name string) string {
	var known []string
	for _, p := range c.recipe.Params {
		known = append(known, p.Name)
	}
	if len(known) == 0 {
		return "It takes none."
	}
	if near := Nearest(name, known); near != "" {
		return "Did you mean " + near + "?"
	}
	return "It takes " + strings.Join(known, ", ") + "."
}

func (c *paramCheck) param(p Param, texts []string) {
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return s == "" })
	if p.Type == Boolean && slices.Equal(texts, []string{"false", "true"}) {
		texts = texts[1:] // a ticked checkbox after the hidden field that speaks for an unticked one
	}
	switch {
	case len(texts) == 0 && p.Default != nil:
		c.values[p.Name] = slices.Clone(*p.Default)
	case len(texts) == 0 && p.Optional:
	case len(texts) == 0 && len(p.Choices) > 0:
		c.fail(p.Name, "%s is missing. It is one of: %s.", p.label(), p.choiceWords())
	case len(texts) == 0:
		c.fail(p.Name, "%s", p.missing())
	case p.Type == List:
		c.list(p, texts)
	case c.stored && p.Type == Secret && slices.Equal(texts, []string{HiddenValue}):
		c.values[p.Name] = Value{HiddenValue}
	case len(texts) > 1:
		c.fail(p.Name, "%s was given %d times; it takes one value.", p.label(), len(texts))
	default:
		text, problem := p.check(texts[0])
		if problem != "" {
			c.fail(p.Name, "%s", problem)
			return
		}
		c.values[p.Name] = Value{text}
	}
}

// list checks every element; Min and Max of a list bound how many there are.
func (c *paramCheck) list(p Param, texts []string) {
	least, most := 0, maxElements
	if p.Min != nil {
		least = int(*p.Min)
	}
	if p.Max != nil {
		most = min(most, int(*p.Max))
	}
	if n := len(texts); n < least || n > most {
		c.fail(p.Name, "%s has %d values; it takes %d to %d.", p.label(), n, least, most)
		return
	}
	var value Value
	for _, text := range texts {
		text, problem := p.checkElement(text)
		if problem == "" && len(p.Choices) > 0 && slices.Contains(value, text) {
			problem = fmt.Sprintf("%s has %s twice.", p.label(), quote(text))
		}
		if problem != "" {
			c.fail(p.Name, "%s", problem)
			return
		}
		value = append(value, text)
	}
	c.values[p.Name] = value
}

// Check checks one value, or one element of a list, and returns its canonical text, or
// a sentence that says what is wrong with it.
func (p Param) check(text string) (canonical, problem string) {
	switch p.Type {
	case Integer:
		return p.checkInteger(text)
	case Number:
		return p.checkNumber(text)
	case Boolean:
		if text != "true" && text != "false" {
			return "", fmt.Sprintf("%s must be true or false, not %s.", p.label(), quote(text))
		}
		return text, ""
	case Choice:
		return p.checkChoice(text)
	case List:
		return p.checkElement(text)
	case File:
		return p.checkFileName(text)
	case Secret:
		return p.checkSecret(text)
	default:
		return p.checkText(text)
	}
}

func (p Param) checkElement(text string) (canonical, problem string) {
	if len(p.Choices) > 0 {
		return p.checkChoice(text)
	}
	return p.checkText(text)
}

func (p Param) checkChoice(text string) (canonical, problem string) {
	values := p.choiceValues()
	if slices.Contains(values, text) {
		return text, ""
	}
	if near := Nearest(text, values); near != "" {
		return "", fmt.Sprintf("%s cannot be %s. Did you mean %s?", p.label(), quote(text), near)
	}
	return "", fmt.Sprintf("%s cannot be %s. It is one of: %s.", p.label(), quote(text), p.choiceWords())
}

// choiceWords names the first choices for people.
func (p Param) choiceWords() string {
	const most = 12
	values := p.choiceValues()
	if len(values) > most {
		values = append(slices.Clone(values[:most]), "…")
	}
	return strings.Join(values, ", ")
}

func (p Param) choiceValues() []string {
	values := make([]string, len(p.Choices))
	for i, c := range p.Choices {
		values[i] = c.Value
	}
	return values
}

// checkText refuses what an argument cannot hold (NUL), what would be taken for an
// option, and what the recipe's own rules exclude. Everything else is literal text.
func (p Param) checkText(text string) (canonical, problem string) {
	limit := p.MaxLength
	if limit == 0 {
		limit = defaultMaxLength
	}
	switch {
	case len(text) > limit:
		return "", fmt.Sprintf("%s is %d bytes long; at most %d are taken.", p.label(), len(text), limit)
	case !utf8.ValidString(text):
		return "", fmt.Sprintf("%s is not valid UTF-8 text.", p.label())
	case strings.ContainsRune(text, 0):
		return "", fmt.Sprintf("%s contains a NUL character, which no program can be given.", p.label())
	case strings.HasPrefix(text, "-") && !p.AllowDash:
		return "", fmt.Sprintf(`%s must not begin with "-", because the program would take it for an option.`, p.label())
	}
	if ok, err := p.matches(text); err != nil || !ok {
		return "", fmt.Sprintf("%s does not have the required form: %s does not match %s.", p.label(), quote(text), p.Pattern)
	}
	return text, ""
}

// label is how messages name the parameter.
func (p Param) label() string { return p.Name }

// quote shortens and escapes a text of a stranger for a message.
func quote(text string) string {
	const most = 60
	if len(text) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return fmt.Sprintf("%q", text)
}
