package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Changed names the settings whose effective values differ, in order of name.
func Changed(before, after Loaded) []string {
	old, young := before.values(), after.values()
	names := slices.Collect(maps.Keys(old))
	for name := range young {
		if _, ok := old[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return old[name] == young[name] })
}

// values are all settings in force as text.
func (l *Loaded) values() map[string]string {
	values := map[string]string{}
	for _, name := range l.names() {
		field, _ := l.field(name)
		values[name] = text(field)
	}
	for name, n := range l.Resources {
		values["resources."+name] = fmt.Sprint(n)
	}
	for name, q := range l.Queue {
		v := reflect.ValueOf(q)
		for i := range v.NumField() {
			values["queue."+name+"."+v.Type().Field(i).Tag.Get("toml")] = text(v.Field(i))
		}
	}
	return values
}
