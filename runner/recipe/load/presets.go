package load

import (
	"fmt"
	"slices"
	"strings"

	"convertd/runner/recipe"
)

// readPresets reads [[preset]].
func readPresets(t *table, params []recipe.Param) []recipe.Preset {
	var presets []recipe.Preset
	for _, inner := range t.inners("preset") {
		p := readPreset(inner, params)
		if slices.ContainsFunc(presets, func(other recipe.Preset) bool { return other.Name == p.Name && p.Name != "" }) {
			inner.wrong("name", fmt.Sprintf("%q is taken by a preset above.", p.Name), "Give this one another name.")
		}
		presets = append(presets, p)
	}
	return presets
}

func readPreset(t *table, params []recipe.Param) recipe.Preset {
	p := recipe.Preset{Name: t.text("name", "mail")}
	switch {
	case !t.has("name"):
		t.wrong("name", "is missing.", `Write it like name = "mail"; preset=mail chooses it then.`)
	case p.Name != "" && !isName(p.Name, "_-"):
		t.wrong("name", fmt.Sprintf("is %q.", p.Name), "It begins with a lower-case letter and goes on with lower-case letters, digits, - and _.")
	}
	p.Title, p.Help = t.words("title"), t.words("help")
	if len(p.Title) == 0 {
		p.Title = recipe.Text{"": titleOf(p.Name)}
	}
	p.Params = readPresetParams(t, params)
	t.done()
	return p
}

func readPresetParams(t *table, params []recipe.Param) recipe.Values {
	const example = "Write them like params = { quality = 30 }."
	inner := t.inner("params")
	if inner == nil || len(inner.values) == 0 {
		if inner != nil || !t.has("params") {
			t.wrong("params", "sets nothing.", example)
		}
		return nil
	}
	values := recipe.Values{}
	for _, name := range names(inner.values) {
		i := slices.IndexFunc(params, func(p recipe.Param) bool { return p.Name == name })
		switch {
		case i < 0:
			inner.wrong(name, "is no parameter of this recipe.", nearParam(name, params))
		case !params[i].Presettable() && name == recipe.ToParam:
			inner.wrong(name, "is no part of a preset: what to make is chosen by itself.", "Remove it.")
		case !params[i].Presettable():
			inner.wrong(name, fmt.Sprintf("is a %s, which is given for each job.", params[i].Type), "Remove it.")
		default:
			if v := inner.value(name, inner.values[name], params[i]); v != nil {
				values[name] = *v
			}
		}
	}
	return values
}

// nearParam is the remedy for a name that no parameter has.
func nearParam(name string, params []recipe.Param) string {
	var known []string
	for _, p := range params {
		if p.Presettable() {
			known = append(known, p.Name)
		}
	}
	if near := recipe.Nearest(name, known); near != "" {
		return "Did you mean " + near + "?"
	}
	if len(known) == 0 {
		return "Declare it with [[param]]."
	}
	return "It can set " + strings.Join(known, ", ") + "."
}
