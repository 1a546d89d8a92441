package webui

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"convertd/runner/recipe"
	pages "convertd/webui/page"
)

// paramPrefix stands before the names of parameters in forms.
const paramPrefix = "param."

// settings makes the form of a recipe's parameters; given are the values that stand in
// it instead of the defaults.
func settings(v visit, r recipe.Recipe, given map[string][]string) pages.Form {
	form := pages.Form{Recipe: r.Name, Presets: presets(v, r, given, recipePath(r.Name)+"?")}
	for _, p := range r.Params {
		group, title := &pages.FieldGroup{}, v.in(p.Group)
		if i := slices.IndexFunc(form.Groups, func(g pages.FieldGroup) bool { return g.Title == title }); i >= 0 {
			group = &form.Groups[i]
		} else {
			form.Groups = append(form.Groups, pages.FieldGroup{Title: title})
			group = &form.Groups[len(form.Groups)-1]
		}
		group.Fields = append(group.Fields, field(v, p, valueOf(p, given)))
	}
	form.Open = slices.ContainsFunc(form.Groups, func(g pages.FieldGroup) bool { return slices.ContainsFunc(g.Fields, isBlank) })
	// What stands without a heading comes first.
	slices.SortStableFunc(form.Groups, func(a, b pages.FieldGroup) int {
		return btoi(a.Title != "") - btoi(b.Title != "")
	})
	return form
}

// isBlank reports whether the person has to fill in the field; what is chosen from a list
// may be chosen elsewhere on the page.
func isBlank(f pages.Field) bool {
	return f.Required && f.Value == "" && !slices.Contains([]string{"select", "list", "checkbox"}, f.Kind)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// valueOf is what a field shows: what was given, else the default. Secrets are never
// shown again.
func valueOf(p recipe.Param, given map[string][]string) []string {
	if p.Type == recipe.Secret {
		return nil
	}
	if value, ok := given[p.Name]; ok {
		return value
	}
	if p.Default != nil {
		return *p.Default
	}
	return nil
}

func field(v visit, p recipe.Param, value []string) pages.Field {
	f := pages.Field{
		Name: paramPrefix + p.Name, Title: titleOf(v.in(p.Title), p.Name), Help: v.in(p.Help),
		Required: p.Default == nil && !p.Optional, MaxLength: p.MaxLength, Pattern: p.Pattern,
		Kind: kindOf(p),
	}
	switch f.Kind {
	case "select", "list":
		f.Sections = optionSections(v, p, value)
		if f.Kind == "select" && len(value) == 0 {
			f.Sections = append([]pages.OptionSection{{Options: []pages.Option{{Chosen: true}}}}, f.Sections...)
		}
		f.Required = f.Required || len(value) > 0
	case "file":
		f.Accept = strings.Join(p.Accept, ",")
	case "number":
		f.Min, f.Max, f.Step = bound(p.Min), bound(p.Max), "any"
		if p.Type == recipe.Integer {
			f.Step = "1"
		}
	}
	f.Value = strings.Join(value, "\n")
	return f
}

func kindOf(p recipe.Param) string {
	switch p.Type {
	case recipe.Integer, recipe.Number:
		return "number"
	case recipe.Boolean:
		return "checkbox"
	case recipe.Choice:
		return "select"
	case recipe.List:
		if len(p.Choices) == 0 {
			return "words"
		}
		return "list"
	case recipe.File:
		return "file"
	case recipe.Secret:
		return "password"
	}
	return "text"
}

func bound(b *float64) string {
	if b == nil {
		return ""
	}
	return strconv.FormatFloat(*b, 'f', -1, 64)
}

// optionSections gathers the choices of a parameter under their headings, in the order in
// which the headings first occur.
func optionSections(v visit, p recipe.Param, value []string) []pages.OptionSection {
	var sections []pages.OptionSection
	for _, c := range p.Choices {
		heading := v.texts.Said(c.Group)
		i := slices.IndexFunc(sections, func(s pages.OptionSection) bool { return s.Title == heading })
		if i < 0 {
			i = len(sections)
			sections = append(sections, pages.OptionSection{Title: heading})
		}
		title := v.in(c.Title)
		if title == "" {
			title = c.Value
		}
		sections[i].Options = append(sections[i].Options, pages.Option{Value: c.Value, Title: title, Chosen: slices.Contains(value, c.Value)})
	}
	return sections
}

// titleOf is a title, or one made of a name: "first_frame" is "First frame".
func titleOf(title, name string) string {
	if title != "" {
		return title
	}
	words := strings.NewReplacer("_", " ", "-", " ").Replace(name)
	first, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + words[size:]
}

// formParams turns the fields of an HTML form into parameters as the API takes them: an
// empty field is not given, a checkbox is true or false, a text area one value a line.
func formParams(r recipe.Recipe, fields map[string][]string) map[string][]string {
	given := map[string][]string{}
	declared := map[string]recipe.Param{}
	for _, p := range r.Params {
		declared[p.Name] = p
	}
	for name, values := range fields {
		p := declared[name]
		switch {
		case p.Type == recipe.Boolean && len(values) > 1:
			values = []string{strconv.FormatBool(slices.Contains(values, "true"))}
		case p.Type == recipe.List && len(p.Choices) == 0:
			values = strings.FieldsFunc(strings.Join(values, "\n"), func(c rune) bool { return c == '\n' || c == '\r' })
		}
		values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
		if len(values) > 0 {
			given[name] = values
		}
	}
	return given
}
