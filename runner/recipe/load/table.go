package load

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"convertd/runner/recipe"
)

// source is one recipe file while it is read; it collects what is wrong with it.
type source struct {
	file     string
	lines    lines
	recipe   string
	problems []recipe.Problem
	// asked is told every key that is looked for, with what its value has to be and an
	// example where that is known; nil for all but the reference page.
	asked func(path, key, wanted, example string)
}

func (s *source) ask(path, key, wanted, example string) {
	if s.asked != nil {
		s.asked(path, key, wanted, example)
	}
}

func (s *source) problem(path, message, remedy string) {
	s.problems = append(s.problems, recipe.Problem{
		File: s.file, Line: s.lines.of(path), Recipe: s.recipe, Message: message, Remedy: remedy,
	})
}

// table reads one TOML table. Every method that takes a key says what is wrong with its
// value by itself and then returns the zero value, so that reading goes on; the key
// counts as known from then on, and done reports those that nobody asked for.
type table struct {
	*source
	path   string // with a final dot, "" at the top
	values map[string]any
	known  []string
}

func (s *source) table(path string, values map[string]any) *table {
	return &table{source: s, path: path, values: values}
}

// wrong reports a problem with the value of a key; message begins after its name.
func (t *table) wrong(key, message, remedy string) {
	t.problem(t.path+key, key+" "+message, remedy)
}

// names are the keys of a map in order, so that problems come in the same order always.
func names[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (t *table) get(key string) (any, bool) {
	t.ask(t.path, key, "", "")
	if !slices.Contains(t.known, key) {
		t.known = append(t.known, key)
	}
	v, ok := t.values[key]
	return v, ok
}

func (t *table) has(key string) bool {
	_, ok := t.values[key]
	return ok
}

// typed returns the value of a key if it has the wanted type.
func typed[T any](t *table, key, wanted, example string) (T, bool) {
	var zero T
	t.ask(t.path, key, wanted, example)
	v, ok := t.get(key)
	if !ok {
		return zero, false
	}
	value, ok := v.(T)
	if !ok {
		t.wrong(key, fmt.Sprintf("must be %s, not %s.", wanted, kind(v)), "Write it like "+key+" = "+example+".")
	}
	return value, ok
}

func kind(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case int64:
		return "a number"
	case float64:
		return "a number with a point or exponent"
	case bool:
		return "true or false"
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	default:
		return "a date"
	}
}

// done reports the keys that the recipe language does not have.
func (t *table) done() {
	for _, key := range names(t.values) {
		if slices.Contains(t.known, key) {
			continue
		}
		remedy := "Known here: " + strings.Join(t.known, ", ") + "."
		if near := recipe.Nearest(key, t.known); near != "" {
			remedy = "Did you mean " + near + "?"
		}
		t.problem(t.path+key, fmt.Sprintf("There is no key %q here.", key), remedy)
	}
}

func (t *table) text(key, example string) string {
	text, ok := typed[string](t, key, "a text", strconv.Quote(example))
	if ok && strings.TrimSpace(text) == "" {
		t.wrong(key, "is empty.", "Write it like "+key+" = "+strconv.Quote(example)+", or leave it out.")
	}
	return text
}

// words reads a text for people: one string, or a table with one per language.
func (t *table) words(key string) recipe.Text {
	t.ask(t.path, key, "a text, or a table with one per language", `{ en = "Text", de = "Text" }`)
	v, ok := t.get(key)
	if !ok {
		return nil
	}
	remedy := fmt.Sprintf("Write it like %s = \"Text\", or like %s = { en = \"Text\", de = \"Text\" }.", key, key)
	switch v := v.(type) {
	case string:
		return recipe.Text{"": v}
	case map[string]any:
		words := recipe.Text{}
		for _, lang := range names(v) {
			s, ok := v[lang].(string)
			if !ok || !isLanguage(lang) {
				t.wrong(key, fmt.Sprintf("has something at %q that is not a text of a language.", lang), remedy)
				continue
			}
			words[lang] = s
		}
		return words
	default:
		t.wrong(key, "must be a text, not "+kind(v)+".", remedy)
		return nil
	}
}

// isLanguage accepts the short language codes of BCP 47 with an optional region: "de",
// "pt-BR".
func isLanguage(code string) bool {
	lang, region, hasRegion := strings.Cut(code, "-")
	return len(lang) >= 2 && len(lang) <= 3 && strings.Trim(lang, "abcdefghijklmnopqrstuvwxyz") == "" &&
		(!hasRegion || len(region) == 2 && strings.Trim(region, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "")
}

func (t *table) texts(key, example string) []string {
	list, ok := typed[[]any](t, key, "a list of texts", "["+strconv.Quote(example)+"]")
	if !ok {
		return nil
	}
	texts := make([]string, 0, len(list))
	for i, element := range list {
		text, ok := element.(string)
		if !ok {
			t.wrong(key, fmt.Sprintf("has %s as element %d.", kind(element), i+1), "Put every element in quotes.")
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

func (t *table) boolean(key string) bool {
	b, _ := typed[bool](t, key, "true or false", "true")
	return b
}

// integer reads a whole number of a range; otherwise it returns fallback.
func (t *table) integer(key string, low, high, fallback int64) int64 {
	n, ok := typed[int64](t, key, "a whole number", strconv.FormatInt(max(low, 1), 10))
	if !ok {
		return fallback
	}
	if n < low || n > high {
		t.wrong(key, fmt.Sprintf("is %d.", n), fmt.Sprintf("It can be from %d to %d.", low, high))
		return fallback
	}
	return n
}

// number reads any finite number; nil when there is none.
func (t *table) number(key string) *float64 {
	t.ask(t.path, key, "a number", "0.5")
	v, ok := t.get(key)
	if !ok {
		return nil
	}
	var f float64
	switch v := v.(type) {
	case int64:
		f = float64(v)
	case float64:
		f = v
	default:
		t.wrong(key, "must be a number, not "+kind(v)+".", "Write it without quotes.")
		return nil
	}
	if math.IsNaN(f) || math.Abs(f) > 1e15 {
		t.wrong(key, "is not a number that can be used.", "Write one of at most 15 digits, or leave it out.")
		return nil
	}
	return &f
}

// size reads bytes such as "2GiB" within bounds; 0 when there is none.
func (t *table) size(key string, low, high int64) int64 {
	text, ok := typed[string](t, key, "a size with its unit", `"2GiB"`)
	if !ok {
		return 0
	}
	n, err := ParseSize(text)
	if err != nil {
		t.wrong(key, fmt.Sprintf("is %q, which is not a size.", text), `Write a number and a unit: "512MiB", "2GiB", "20 GB".`)
		return 0
	}
	if n < low || n > high {
		t.wrong(key, fmt.Sprintf("is %q.", text), fmt.Sprintf("It can be from %s to %s.", FormatSize(low), FormatSize(high)))
		return 0
	}
	return n
}

// duration reads a time such as "1h30m" within bounds; 0 when there is none.
func (t *table) duration(key string, low, high time.Duration) time.Duration {
	text, ok := typed[string](t, key, "a time with its unit", `"1h30m"`)
	if !ok {
		return 0
	}
	d, err := ParseDuration(text)
	if err != nil {
		t.wrong(key, fmt.Sprintf("is %q, which is not a time.", text), `Write numbers and units: "90s", "10m", "1h30m", "7d".`)
		return 0
	}
	if d < low || d > high {
		t.wrong(key, fmt.Sprintf("is %q.", text), fmt.Sprintf("It can be from %s to %s.", FormatDuration(low), FormatDuration(high)))
		return 0
	}
	return d
}

// FormatDuration writes a time as people declare it.
func FormatDuration(d time.Duration) string {
	if day := 24 * time.Hour; d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String() // such as 1h30m0s
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// inner returns the table under a key, nil when there is none.
func (t *table) inner(key string) *table {
	values, ok := typed[map[string]any](t, key, "a table", "{ … }")
	if !ok {
		return nil
	}
	return t.table(t.path+key+".", values)
}

// inners returns the tables of [[key]] in order.
func (t *table) inners(key string) []*table {
	t.ask(t.path, key, "tables", "[["+t.path+key+"]]")
	v, ok := t.get(key)
	if !ok {
		return nil
	}
	var list []map[string]any
	switch v := v.(type) {
	case []map[string]any:
		list = v
	case []any:
		for _, element := range v {
			values, ok := element.(map[string]any)
			if !ok {
				t.wrong(key, "has "+kind(element)+" where a table is needed.", "Write [["+key+"]] above each.")
				return nil
			}
			list = append(list, values)
		}
	default:
		t.wrong(key, "must be a list of tables, not "+kind(v)+".", "Write [["+key+"]] with double brackets.")
	}
	tables := make([]*table, len(list))
	for i, values := range list {
		tables[i] = t.table(t.path+key+"."+strconv.Itoa(i)+".", values)
	}
	return tables
}

// pairs reads a table whose values are all texts.
func (t *table) pairs(key string) map[string]string {
	inner := t.inner(key)
	if inner == nil {
		return nil
	}
	pairs := make(map[string]string, len(inner.values))
	for _, name := range names(inner.values) {
		text, ok := inner.values[name].(string)
		if !ok {
			inner.wrong(name, "must be a text, not "+kind(inner.values[name])+".", "Put it in quotes.")
			continue
		}
		pairs[name] = text
	}
	return pairs
}
