package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
)

// Reference is the page about every setting, in Markdown. A setting that nobody described
// is an error.
func Reference() (string, error) {
	var b strings.Builder
	b.WriteString("# Settings\n\n" + about)
	defaults := reflect.ValueOf(Default())
	for i := range defaults.NumField() {
		part := defaults.Type().Field(i)
		name, said := part.Tag.Get("toml"), part.Tag.Get("doc")
		if said == "" {
			return "", fmt.Errorf("nothing says what [%s] is for", name)
		}
		value := defaults.Field(i)
		if value.Kind() == reflect.Map {
			name, value = name+".NAME", reflect.New(value.Type().Elem()).Elem()
		}
		if value.Kind() != reflect.Struct {
			fmt.Fprintf(&b, "\n## [%s]\n\n%s\n\n| key | value | default | meaning |\n|---|---|---|---|\n", part.Tag.Get("toml"), said)
			fmt.Fprintf(&b, "| `NAME` | %s | none | How many there are of it. |\n", kindOf(value.Type()))
			continue
		}
		fmt.Fprintf(&b, "\n## [%s]\n\n%s\n\n| key | value | default | meaning |\n|---|---|---|---|\n", name, said)
		if err := describe(&b, name, value); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// about is what holds for all settings.
const about = "One TOML file, `" + DefaultPath + "` or the one that `--config` names. Every key may also be given as the variable `CONVERTD_SECTION_KEY` " +
	"(`CONVERTD_WEB_LISTEN`, `CONVERTD_QUEUE_VIDEO_LIMIT`, `CONVERTD_RESOURCES_GPU`; lists with commas) and some as flags: flag over variable over file over default. " +
	"An unknown key is an error that names its line and the nearest known key. `convertd config` prints what is in force and where each value comes from.\n\n" +
	"`systemctl reload convertd-dispatcher convertd-web`, or SIGHUP to `convertd up`, puts changed settings in force without touching running jobs; " +
	"what needs a restart instead is named in the journal. Where convertd was installed by `convertd setup` or a package, run `convertd setup` after changes, which also fits the units to them.\n\n" +
	"```toml settings\n[web]\nlisten = \"127.0.0.1:8080\"\n\n[queue.video]\nlimit = 2\n\n[keep]\nresults = \"14d\"\n```\n"

// describe writes a line for each key of a section.
func describe(b *strings.Builder, section string, values reflect.Value) error {
	for i := range values.NumField() {
		field := values.Type().Field(i)
		key, said := field.Tag.Get("toml"), field.Tag.Get("doc")
		if said == "" {
			return fmt.Errorf("nothing says what [%s] %s is for", section, key)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", key, kindOf(field.Type), defaultOf(field, values.Field(i)), said)
	}
	return nil
}

// defaultOf is what is in force when nothing is configured.
func defaultOf(field reflect.StructField, value reflect.Value) string {
	if words := field.Tag.Get("default"); words != "" {
		return words
	}
	if value.Kind() != reflect.Bool && value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0 {
		return "none"
	}
	return "`" + text(value) + "`"
}

// kindOf says in words what a value is.
func kindOf(t reflect.Type) string {
	named := map[reflect.Type]string{
		reflect.TypeFor[Size]():     "a size, like `\"20GiB\"`",
		reflect.TypeFor[Duration](): "a time, like `\"7d\"` or `\"1h30m\"`",
		reflect.TypeFor[Share]():    "a share, like `\"5%\"` or `\"50GiB\"`",
	}
	plain := map[reflect.Kind]string{
		reflect.String: "a text", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Slice: "a list of texts",
	}
	return cmp.Or(named[t], plain[t.Kind()])
}
