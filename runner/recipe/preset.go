package recipe

import (
	"fmt"
	"slices"
	"strings"

	"convertd/runner/fault"
)

// Preset is a named choice of values for several parameters at once.
type Preset struct {
	Name  string `json:"name"`
	Title Text   `json:"title,omitempty"`
	Help  Text   `json:"help,omitempty"`
	// Params are checked values of the parameters that the preset sets; those that it
	// does not name have their defaults.
	Params Values `json:"params"`
}

// WithPreset returns what was given with the values of the preset in the place of what
// was not; the name "" is no preset. An empty text is the same as none, as everywhere.
// The error about an unknown name is a fault.Error.
func (r Recipe) WithPreset(name string, given map[string][]string) (map[string][]string, error) {
	if name == "" {
		return given, nil
	}
	i := slices.IndexFunc(r.Presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return nil, r.noPreset(name)
	}
	filled := r.Presets[i].Params.Given()
	for param, texts := range given {
		if slices.ContainsFunc(texts, func(text string) bool { return text != "" }) {
			filled[param] = texts
		} else if _, ok := filled[param]; !ok {
			filled[param] = texts
		}
	}
	return filled, nil
}

func (r Recipe) noPreset(name string) error {
	detail := fmt.Sprintf("%s has no preset %s.", r.Name, quote(name))
	hint := "It has none: give its parameters instead."
	if names := r.presetNames(); len(names) > 0 {
		hint = "It has " + strings.Join(names, ", ") + "."
		if near := Nearest(name, names); near != "" {
			hint = "Did you mean " + near + "?"
		}
	}
	err := fault.New(fault.Invalid, detail, hint)
	err.Fields = []fault.Field{{Pointer: "/preset", Detail: detail}}
	return err
}

func (r Recipe) presetNames() []string {
	names := make([]string, len(r.Presets))
	for i, p := range r.Presets {
		names[i] = p.Name
	}
	return names
}

// PresetOf returns the name of the preset by which a job came to have these values, what
// it makes aside; "" when there is none.
func (r Recipe) PresetOf(values map[string][]string) string {
	for _, preset := range r.Presets {
		same := func(p Param) bool { return slices.Equal(values[p.Name], preset.value(p)) }
		if !slices.ContainsFunc(r.Params, func(p Param) bool { return p.Presettable() && !same(p) }) {
			return preset.Name
		}
	}
	return ""
}

// value is the parameter's value under the preset.
func (preset Preset) value(p Param) []string {
	if v, ok := preset.Params[p.Name]; ok {
		return v
	}
	if p.Default != nil {
		return *p.Default
	}
	return nil
}

// Presettable reports whether a preset may set the parameter: what to make is chosen by
// itself, files and secrets are given for each job.
func (p Param) Presettable() bool {
	return p.Name != ToParam && p.Type != File && p.Type != Secret
}
