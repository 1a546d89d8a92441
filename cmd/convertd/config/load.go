package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
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
	err := l.change(strings.Split(name, "."), func(field reflect.Value) error { return setText(field, value) })
	if errors.Is(err, errUnknown) {
		return fmt.Errorf("unknown setting %s%s", name, l.suggest(name))
	}
	if err == nil {
		l.From[name] = from
	}
	return err
}

// errUnknown says that there is no setting of a name.
var errUnknown = errors.New("unknown setting")

// change lets apply change one setting, of the names that a file has for it.
func (l *Loaded) change(name []string, apply func(reflect.Value) error) error {
	switch {
	case name[0] == "resources" && len(name) == 2:
		n := l.Resources[name[1]]
		err := apply(reflect.ValueOf(&n).Elem())
		l.Resources[name[1]] = n
		return err
	case name[0] == "queue" && len(name) == 3:
		q := l.Queue[name[1]]
		field, ok := fieldOf(reflect.ValueOf(&q).Elem(), name[2])
		if !ok {
			return errUnknown
		}
		err := apply(field)
		l.Queue[name[1]] = q
		return err
	}
	field, ok := l.field(strings.Join(name, "."))
	if !ok {
		return errUnknown
	}
	return apply(field)
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
