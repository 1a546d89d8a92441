package recipe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"convertd/runner/fault"
)

// Get returns the value of a parameter that has one value, or "" when it has none.
func (v Values) Get(name string) string {
	if len(v[name]) == 0 {
		return ""
	}
	return v[name][0]
}

// Given returns the values in the form that CheckParams takes, for checking stored
// values again.
func (v Values) Given() map[string][]string {
	given := make(map[string][]string, len(v))
	for name, value := range v {
		given[name] = value
	}
	return given
}

// CanonicalParams returns the one text that equal checked values have, whatever way and
// order they were given in; it goes into the fingerprint of a request.
func CanonicalParams(v Values) string {
	text, err := json.Marshal(v) // keys sorted; strings and slices cannot fail
	if err != nil {
		return ""
	}
	return string(text)
}

// GivenJSON reads the `params` object of a JSON request into the form that CheckParams
// takes. Numbers keep the spelling they were sent in, null counts as not given. A value
// of the wrong shape (an object, a list for a parameter that is none, a name twice) is a
// fault.Error with a Field for each.
func (r Recipe) GivenJSON(data []byte) (map[string][]string, error) {
	c := paramCheck{recipe: r}
	given := map[string][]string{}
	if len(bytes.TrimSpace(data)) == 0 {
		return given, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, notAnObject(err)
	}
	for d.More() {
		name, texts, err := c.member(d)
		if err != nil {
			return nil, notAnObject(err)
		}
		if _, twice := given[name]; twice {
			c.fail(name, "%s was given twice.", quote(name))
		}
		given[name] = texts
	}
	if err := endOfObject(d); err != nil {
		return nil, notAnObject(err)
	}
	if len(c.fields) > 0 {
		return nil, c.err()
	}
	return given, nil
}

func endOfObject(d *json.Decoder) error {
	if _, err := d.Token(); err != nil { // the closing brace
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("text after the object")
	}
	return nil
}

func notAnObject(err error) error {
	return fault.Wrap(err, fault.Invalid, "The params are not a JSON object of names and values.",
		`Send them like {"quality": 23, "title": "My film"}.`)
}

// member reads one name and its value.
func (c *paramCheck) member(d *json.Decoder) (string, []string, error) {
	key, err := d.Token()
	if err != nil {
		return "", nil, err
	}
	name, ok := key.(string)
	if !ok {
		return "", nil, fmt.Errorf("name of a parameter is %v", key)
	}
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return "", nil, err
	}
	texts, problem := c.texts(name, raw)
	if problem != "" {
		c.fail(name, "%s", problem)
	}
	return name, texts, nil
}

// texts turns one JSON value into the texts it stands for.
func (c *paramCheck) texts(name string, raw json.RawMessage) (texts []string, problem string) {
	if raw[0] != '[' {
		text, ok := scalar(raw)
		if !ok {
			return nil, fmt.Sprintf("%s must be a text, a number or true or false, not an object.", quote(name))
		}
		return text, ""
	}
	if p, ok := find(c.recipe.Params, name); ok && p.Type != List {
		return nil, fmt.Sprintf("%s takes one value, not a list.", quote(name))
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return nil, fmt.Sprintf("%s is not a list of values.", quote(name))
	}
	for _, element := range elements {
		text, ok := scalar(element)
		if !ok || len(text) == 0 {
			return nil, fmt.Sprintf("Each value of %s must be a text or a number.", quote(name))
		}
		texts = append(texts, text...)
	}
	return texts, ""
}

// scalar returns the text of a JSON value that is no list or object; none for null.
func scalar(raw json.RawMessage) (text []string, ok bool) {
	switch raw[0] {
	case '{', '[':
		return nil, false
	case 'n':
		return nil, true
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, false
		}
		return []string{s}, true
	default:
		return []string{string(raw)}, true
	}
}
