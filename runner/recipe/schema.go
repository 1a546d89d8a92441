package recipe

import "encoding/json"

// Schema returns the parameters as a JSON Schema (draft 2020-12) of the `params` object,
// with titles and help in the language. What the schema permits CheckParams may still
// refuse, but not the other way round: a schema cannot say that a text must not begin
// with "-", and counts characters where MaxLength counts bytes.
func (r Recipe) Schema(lang string) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, p := range r.Params {
		properties[p.Name] = p.schema(lang)
		if p.Default == nil && !p.Optional {
			required = append(required, p.Name)
		}
	}
	s := map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"type":                 "object",
		"properties":           properties,
		"required":             required,
		"additionalProperties": false,
	}
	if examples := r.examples(); len(examples) > 0 {
		s["examples"] = examples
	}
	return s
}

// examples are the presets as whole objects, as far as nothing else must be given.
func (r Recipe) examples() []any {
	var all []any
	for _, p := range r.Presets {
		if values, err := r.CheckParams(p.Params.Given()); err == nil {
			all = append(all, r.TypedParams(values))
		}
	}
	return all
}

func (p Param) schema(lang string) map[string]any {
	s := map[string]any{}
	switch p.Type {
	case Integer, Number, Boolean:
		s["type"] = string(p.Type)
		p.addRange(s, "minimum", "maximum")
	case List:
		s["type"] = "array"
		s["items"] = p.textSchema(lang)
		p.addRange(s, "minItems", "maxItems")
		if len(p.Choices) > 0 {
			s["uniqueItems"] = true
		}
	case File:
		s = p.fileSchema()
	case Secret:
		s = p.textSchema(lang)
		s["format"], s["writeOnly"] = "password", true
	default:
		s = p.textSchema(lang)
	}
	addText(s, "title", p.Title, lang)
	addText(s, "description", p.Help, lang)
	if p.Default != nil {
		s["default"] = p.typed(*p.Default)
	}
	return s
}

// fileSchema describes a reference to a file that is there already; a form has the file
// itself as a part.
func (p Param) fileSchema() map[string]any {
	text := map[string]any{"type": "string"}
	reference := func(names ...string) map[string]any {
		properties := map[string]any{}
		for _, name := range names {
			properties[name] = text
		}
		return map[string]any{"type": "object", "properties": properties, "required": names, "additionalProperties": false}
	}
	s := map[string]any{"format": "x-file", "oneOf": []any{reference("upload"), reference("job", "output")}}
	if len(p.Accept) > 0 {
		s["x-accept"] = p.Accept
	}
	return s
}

// textSchema describes one text: the value, or an element of a list.
func (p Param) textSchema(lang string) map[string]any {
	s := map[string]any{"type": "string"}
	if len(p.Choices) > 0 {
		alternatives := make([]any, len(p.Choices))
		for i, c := range p.Choices {
			one := map[string]any{"const": c.Value}
			addText(one, "title", c.Title, lang)
			alternatives[i] = one
		}
		s["oneOf"] = alternatives
		return s
	}
	s["maxLength"] = defaultMaxLength
	if p.Type == Secret {
		s["maxLength"] = maxSecretBytes
	}
	if p.MaxLength > 0 {
		s["maxLength"] = p.MaxLength
	}
	if p.Pattern != "" {
		s["pattern"] = "^(?:" + p.Pattern + ")$"
	}
	return s
}

func (p Param) addRange(s map[string]any, low, high string) {
	if p.Min != nil {
		s[low] = *p.Min
	}
	if p.Max != nil {
		s[high] = *p.Max
	}
}

func addText(s map[string]any, key string, text Text, lang string) {
	if words := text.In(lang); words != "" {
		s[key] = words
	}
}

// typed returns the value as JSON of its own type.
func (p Param) typed(v Value) any {
	switch {
	case p.Type == List:
		return append([]string{}, v...)
	case len(v) == 0:
		return nil
	case p.Type == Integer || p.Type == Number:
		return json.Number(v[0])
	case p.Type == Boolean:
		return v[0] == "true"
	default:
		return v[0]
	}
}

// TypedParams returns checked values as JSON of their own types, for documents; secrets
// are not among them.
func (r Recipe) TypedParams(v Values) map[string]any {
	typed := make(map[string]any, len(v))
	for name, value := range v {
		p, ok := find(r.Params, name)
		if !ok {
			p = Param{Name: name, Type: String}
			if len(value) != 1 {
				p.Type = List
			}
		}
		if p.Type != Secret {
			typed[name] = p.typed(value)
		}
	}
	return typed
}
