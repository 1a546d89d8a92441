package config

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
)

// Explain writes every setting with its effective value and where it comes from. The
// administrator's token is shown as set or not.
func (l *Loaded) Explain(w io.Writer) {
	for _, name := range l.names() {
		field, _ := l.field(name)
		value := text(field)
		if name == "web.admin_token" && field.Len() > 0 {
			value = `"(set)"`
		}
		l.line(w, name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(l.Resources)) {
		l.line(w, "resources."+name, fmt.Sprint(l.Resources[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(l.Queue)) {
		q := reflect.ValueOf(l.Queue[name])
		for i := range q.NumField() {
			l.line(w, "queue."+name+"."+q.Type().Field(i).Tag.Get("toml"), text(q.Field(i)))
		}
	}
}

func (l *Loaded) line(w io.Writer, name, value string) {
	from := l.From[name]
	if from == "" {
		from = "default"
	}
	_, _ = fmt.Fprintf(w, "%-28s = %-32s # %s\n", name, value, from)
}
