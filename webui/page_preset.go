package webui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"convertd/runner/recipe"
	pages "convertd/webui/page"
)

// presetField is what a page's address has for the preset that fills its form; empty for
// the defaults.
const presetField = "preset"

// presets are the links that fill a form: the defaults first, then those of the recipe.
// None where the recipe has none. path is the page of the form, ready for one more field.
func presets(v visit, r recipe.Recipe, given map[string][]string, path string) []pages.Preset {
	if len(r.Presets) == 0 {
		return nil
	}
	standing := map[string][]string{}
	for _, p := range r.Params {
		standing[p.Name] = valueOf(p, given)
	}
	chosen := r.PresetOf(standing)
	links := []pages.Preset{{Path: path + presetField + "=", Values: fieldValues(r, nil), Chosen: isStandard(r, standing)}}
	for _, preset := range r.Presets {
		links = append(links, pages.Preset{
			Title: titleOf(v.in(preset.Title), preset.Name), Help: v.in(preset.Help),
			Path: path + presetField + "=" + url.QueryEscape(preset.Name), Values: fieldValues(r, preset.Params),
			Chosen: preset.Name == chosen,
		})
	}
	return links
}

// isStandard reports whether the values are the defaults.
func isStandard(r recipe.Recipe, values map[string][]string) bool {
	r.Presets = []recipe.Preset{{Name: "standard"}}
	return r.PresetOf(values) != ""
}

// fieldValues are the values of a form by the names of its fields, as JSON: those that are
// set, else the defaults; none for a field that is left blank.
func fieldValues(r recipe.Recipe, set recipe.Values) string {
	values := map[string][]string{}
	for _, p := range r.Params {
		if !p.Presettable() {
			continue
		}
		value := valueOf(p, set.Given())
		if p.Type == recipe.List && len(p.Choices) == 0 && len(value) > 0 {
			value = []string{strings.Join(value, "\n")}
		}
		values[paramPrefix+p.Name] = append([]string{}, value...)
	}
	text, _ := json.Marshal(values) // strings only
	return string(text)
}

// askedPreset are the settings that a page's address asks for; ok is false when it asks
// for none. A preset that is not there any more is the defaults.
func askedPreset(r *http.Request, declared recipe.Recipe) (given map[string][]string, ok bool) {
	query := r.URL.Query()
	if !query.Has(presetField) {
		return nil, false
	}
	given, err := declared.WithPreset(query.Get(presetField), map[string][]string{})
	if err != nil {
		return map[string][]string{}, true
	}
	return given, true
}

// lastPreset are the settings of the preset that the reader's last job of the recipe had;
// nil when it had none.
func (s *Server) lastPreset(r *http.Request, v visit, declared recipe.Recipe) (map[string][]string, error) {
	if len(declared.Presets) == 0 || isButton(declared) {
		return nil, nil
	}
	last, err := s.lastSettings(r, v, declared)
	if err != nil {
		return nil, err
	}
	return declared.WithPreset(declared.PresetOf(last), nil)
}

// questionMark is what stands before the next field of an address.
func questionMark(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}
