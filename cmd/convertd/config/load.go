package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"convertd/runner/recipe"
)

// Input is where settings come from; what stands later wins.
type Input struct {
	// Path of the file; a missing file is an error only when Explicit.
	Path     string
	Explicit bool
	// Environ is NAME=VALUE as os.Environ gives it.
	Environ []string
	// Flags maps a setting ("web.listen") to the text given on the command line.
	Flags map[string]string
}

// Loaded is the settings in force, and where each value came from.
type Loaded struct {
	Config
	// From maps a setting to "default", a file's path, a variable's or a flag's name.
	From map[string]string
}

// Load reads all sources. Its error names every problem it found, one per line.
func Load(in Input) (Loaded, error) {
	l := Loaded{Config: Default(), From: map[string]string{}}
	err := errors.Join(l.readFile(in), l.readEnviron(in.Environ), l.readFlags(in.Flags))
	if err != nil {
		return l, err
	}
	return l, l.check()
}

func (l *Loaded) readFile(in Input) error {
	raw, err := os.ReadFile(in.Path)
	if errors.Is(err, os.ErrNotExist) && !in.Explicit {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	meta, err := toml.Decode(string(raw), &l.Config)
	if err != nil {
		return explainTOML(in.Path, err)
	}
	for _, key := range meta.Keys() {
		l.From[key.String()] = in.Path
	}
	var problems []error
	for _, key := range meta.Undecoded() {
		problems = append(problems, l.unknown(in.Path, string(raw), key))
	}
	return errors.Join(problems...)
}

// explainTOML gives the place of a syntax or type error.
func explainTOML(path string, err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("%s:%d: %s", path, parse.Position.Line, parse.Message)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func (l *Loaded) unknown(path, raw string, key toml.Key) error {
	return fmt.Errorf("%s:%d: unknown setting %s%s", path, lineOf(raw, key), key, l.suggest(key.String()))
}

// suggest adds the known setting that was probably meant.
func (l *Loaded) suggest(name string) string {
	near := recipe.Nearest(name, l.names())
	if near == "" {
		return "; `convertd config` lists the known ones"
	}
	return ": did you mean " + near + "?"
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

// readEnviron reads CONVERTD_SECTION_KEY. Names of queues and resources are lower case
// there.
func (l *Loaded) readEnviron(environ []string) error {
	var problems []error
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		section, key, ok := splitVariable(name)
		if !ok {
			continue
		}
		if err := l.set(section+"."+key, value, name); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

// splitVariable splits CONVERTD_WEB_LISTEN. Variables of the client (CONVERTD_URL,
// CONVERTD_API_KEY) and those of steps name no section and are passed over.
func splitVariable(name string) (section, key string, ok bool) {
	rest, ok := strings.CutPrefix(name, "CONVERTD_")
	if !ok {
		return "", "", false
	}
	section, key, ok = strings.Cut(strings.ToLower(rest), "_")
	if !ok || !slices.Contains(sections(), section) {
		return "", "", false
	}
	if section == "queue" {
		name, field, found := cutLastOf(key, "_limit", "_max_waiting")
		return section, name + "." + field, found
	}
	return section, key, true
}

func cutLastOf(s string, suffixes ...string) (before, suffix string, ok bool) {
	for _, suffix := range suffixes {
		if before, found := strings.CutSuffix(s, suffix); found && before != "" {
			return before, suffix[1:], true
		}
	}
	return "", "", false
}

func (l *Loaded) readFlags(flags map[string]string) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		flag := "--" + name[strings.LastIndex(name, ".")+1:]
		if err := l.set(name, flags[name], flag); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", flag, err))
		}
	}
	return errors.Join(problems...)
}

// set gives one setting a value written as text.
func (l *Loaded) set(name, value, from string) error {
	words := strings.Split(name, ".")
	switch {
	case words[0] == "resources" && len(words) == 2:
		var n int
		if err := setText(reflect.ValueOf(&n).Elem(), value); err != nil {
			return err
		}
		l.Resources[words[1]] = n
	case words[0] == "queue" && len(words) == 3:
		q := l.Queue[words[1]]
		field, ok := fieldOf(reflect.ValueOf(&q).Elem(), words[2])
		if !ok {
			return fmt.Errorf("unknown setting %s", name)
		}
		if err := setText(field, value); err != nil {
			return err
		}
		l.Queue[words[1]] = q
	default:
		field, ok := l.field(name)
		if !ok {
			return fmt.Errorf("unknown setting %s%s", name, l.suggest(name))
		}
		if err := setText(field, value); err != nil {
			return err
		}
	}
	l.From[name] = from
	return nil
}

func (l *Loaded) field(name string) (reflect.Value, bool) {
	section, key, _ := strings.Cut(name, ".")
	part, ok := fieldOf(reflect.ValueOf(&l.Config).Elem(), section)
	if !ok || part.Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	return fieldOf(part, key)
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("toml") == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func sections() []string {
	t := reflect.TypeFor[Config]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("toml")
	}
	return names
}

// names lists every setting with a fixed name.
func (l *Loaded) names() []string {
	var names []string
	v := reflect.ValueOf(l.Config)
	for i, section := range sections() {
		if v.Field(i).Kind() != reflect.Struct {
			continue
		}
		t := v.Field(i).Type()
		for j := range t.NumField() {
			names = append(names, section+"."+t.Field(j).Tag.Get("toml"))
		}
	}
	return names
}
