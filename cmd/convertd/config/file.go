package config

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"convertd/runner/recipe"
)

// readFile reads the configuration file. Its error names every problem with its line.
func (l *Loaded) readFile(in Input) error {
	raw, err := os.ReadFile(in.Path)
	if errors.Is(err, os.ErrNotExist) && !in.Explicit {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	var tree map[string]any
	meta, err := toml.Decode(string(raw), &tree)
	if err != nil {
		return explainTOML(in.Path, err)
	}
	var problems []error
	for _, key := range meta.Keys() {
		if err := l.take(key, valueAt(tree, key)); err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", in.Path, lineOf(string(raw), key), err))
			continue
		}
		l.From[key.String()] = in.Path
	}
	return errors.Join(problems...)
}

// take puts what stands in the file under a key in force. What a table holds comes under
// keys of its own.
func (l *Loaded) take(key toml.Key, value any) error {
	if _, isTable := value.(map[string]any); isTable {
		return l.takeTable(key)
	}
	if !slices.Contains(sections(), key[0]) && len(key) > 1 {
		return nil // said of its table
	}
	err := l.change(key, func(field reflect.Value) error { return setFile(field, value) })
	if errors.Is(err, errUnknown) {
		return fmt.Errorf("unknown setting %s%s", key, l.suggest(key.String()))
	}
	if err != nil {
		return fmt.Errorf("%s %w", key, err)
	}
	return nil
}

// takeTable refuses tables that are none of ours.
func (l *Loaded) takeTable(key toml.Key) error {
	known := slices.Contains(sections(), key[0])
	switch {
	case !known && len(key) == 1:
		return fmt.Errorf("unknown section [%s]%s", key, l.suggest(key[0]))
	case known && len(key) == 2 && key[0] == "queue":
		l.Queue[key[1]] = Queue{}
	case known && len(key) > 1:
		return fmt.Errorf("unknown setting %s%s", key, l.suggest(key.String()))
	}
	return nil
}

// valueAt is what stands under a key.
func valueAt(tree map[string]any, key toml.Key) any {
	var value any = tree
	for _, word := range key {
		table, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = table[word]
	}
	return value
}

// setFile gives a setting a value of the file.
func setFile(field reflect.Value, value any) error {
	if u, ok := field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if text, ok := value.(string); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("takes %s: %w", kindOf(field.Type()), err)
			}
			return nil
		}
		return mismatch(field, value)
	}
	switch v := value.(type) {
	case string:
		if field.Kind() == reflect.String {
			field.SetString(v)
			return nil
		}
	case bool:
		if field.Kind() == reflect.Bool {
			field.SetBool(v)
			return nil
		}
	case int64:
		if field.Kind() == reflect.Int {
			field.SetInt(v)
			return nil
		}
	case []any:
		if texts, ok := textsOf(v); ok && field.Kind() == reflect.Slice {
			field.Set(reflect.ValueOf(texts))
			return nil
		}
	}
	return mismatch(field, value)
}

func textsOf(list []any) ([]string, bool) {
	texts := []string{}
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

// mismatch says what a setting takes and what it was given.
func mismatch(field reflect.Value, value any) error {
	given := fmt.Sprint(value)
	if text, ok := value.(string); ok {
		given = fmt.Sprintf("the text %q", text)
	}
	return fmt.Errorf("takes %s, not %s", kindOf(field.Type()), given)
}

// explainTOML gives the place of a syntax error.
func explainTOML(path string, err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s:%d: %s", path, parse.Position.Line, parse.Message)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// suggest adds the known setting, or section, that was probably meant.
func (l *Loaded) suggest(name string) string {
	known := l.names()
	if !strings.Contains(name, ".") {
		for _, k := range known {
			if strings.HasSuffix(k, "."+name) {
				return ": it stands in a section, did you mean " + k + "?"
			}
		}
		known = sections()
	}
	if near := recipe.Nearest(name, known); near != "" {
		return ": did you mean " + near + "?"
	}
	return "; `convertd config` lists the known ones"
}

// lineOf finds the line of a key: the last word of the key under its table's header,
// or the header itself; 0 when it is written in a way that is not found.
func lineOf(raw string, key toml.Key) int {
	table, name := strings.Join(key[:len(key)-1], "."), key[len(key)-1]
	current := ""
	for i, line := range strings.Split(raw, "\n") {
		line = strings.TrimSpace(line)
		if head, ok := strings.CutPrefix(line, "["); ok {
			current = strings.Trim(head, "[] \t")
			if current == key.String() {
				return i + 1
			}
			continue
		}
		word, _, found := strings.Cut(line, "=")
		if found && strings.TrimSpace(word) == name && current == table {
			return i + 1
		}
	}
	return 0
}
