package load

import (
	"bufio"
	"embed"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"convertd/runner/fault"
	"convertd/runner/progress/reading"
	"convertd/runner/recipe"
)

// reference has a sample with every table of the language, and keys.txt: what each key
// means, a line "KEY MEANING" each, and "# TABLE TEXT" for what a table is for.
//
//go:embed reference
var reference embed.FS

// key is one key of the recipe language as the code asks for it.
type key struct{ table, name, wanted, example string }

// Keys returns every key of a recipe file with its table before it ("step.http.poll.url"),
// in the order in which they are read: what the code that reads files asks for.
func Keys() ([]string, error) {
	keys, err := askedKeys()
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.table + k.name
	}
	return names, err
}

// askedKeys reads the sample and writes down what is asked for.
func askedKeys() ([]key, error) {
	text, err := reference.ReadFile("reference/sample.toml")
	if err != nil {
		return nil, err
	}
	var keys []key
	at := map[string]int{}
	parseAsking("sample.toml", text, func(path, name, wanted, example string) {
		table := withoutIndexes(path)
		i, known := at[table+name]
		if !known {
			i = len(keys)
			at[table+name] = i
			keys = append(keys, key{table: table, name: name})
		}
		if keys[i].wanted == "" {
			keys[i].wanted, keys[i].example = wanted, example
		}
	})
	return keys, nil
}

// withoutIndexes is the path of a table without the numbers of lists: "param.0.choices.1."
// is "param.choices.".
func withoutIndexes(path string) string {
	var parts []string
	for part := range strings.SplitSeq(strings.TrimSuffix(path, "."), ".") {
		if part != "" && !unicode.IsDigit(rune(part[0])) {
			parts = append(parts, part+".")
		}
	}
	return strings.Join(parts, "")
}

// meanings reads keys.txt.
func meanings() (keys, tables map[string]string, err error) {
	text, err := reference.ReadFile("reference/keys.txt")
	keys, tables = map[string]string{}, map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line, into := lines.Text(), keys
		if rest, ok := strings.CutPrefix(line, "# "); ok {
			line, into = rest, tables
		}
		if name, words, ok := strings.Cut(line, " "); ok {
			into[name] = strings.TrimSpace(words)
		}
	}
	return keys, tables, err
}

// Reference is the page about every key of a recipe file, in Markdown. A key that the code
// reads and nobody described, or the other way round, is an error.
func Reference() (string, error) {
	keys, err := askedKeys()
	if err != nil {
		return "", err
	}
	words, tables, err := meanings()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	used := map[string]bool{}
	b.WriteString("# The recipe file\n\n" + tables["top"] + "\n")
	order := tablesOf(keys)
	for _, table := range order {
		if table != "" {
			about, ok := tables[strings.TrimSuffix(table, ".")]
			if !ok {
				return "", fmt.Errorf("keys.txt does not say what the table %s is for", table)
			}
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", heading(table), about)
		}
		b.WriteString("\n| key | value | meaning |\n|---|---|---|\n")
		for _, k := range keys {
			if k.table != table {
				continue
			}
			name, ok := described(words, k)
			if !ok {
				return "", fmt.Errorf("keys.txt does not say what %s%s means", k.table, k.name)
			}
			used[name] = true
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.name, valueWords(k, order), words[name])
		}
	}
	for name := range words {
		if !used[name] {
			return "", fmt.Errorf("keys.txt describes %s, which no code reads", name)
		}
	}
	writeSets(&b)
	return b.String(), nil
}

// described is the name under which a key is described: its own, or that of the same key
// of all requests ("request.url"), or of all patience ("patience.tries.most").
func described(words map[string]string, k key) (string, bool) {
	parts := strings.Split(k.table+k.name, ".")
	for _, name := range []string{k.table + k.name, "request." + k.name, "patience." + strings.Join(parts[max(0, len(parts)-2):], ".")} {
		if _, ok := words[name]; ok && (name == k.table+k.name || len(parts) > 2) {
			return name, true
		}
	}
	return "", false
}

// tablesOf lists the tables in order of their first key.
func tablesOf(keys []key) []string {
	var tables []string
	seen := map[string]bool{}
	for _, k := range keys {
		if !seen[k.table] {
			tables = append(tables, k.table)
		}
		seen[k.table] = true
	}
	return tables
}

// heading writes a table as it stands in a file.
func heading(table string) string {
	name := strings.TrimSuffix(table, ".")
	switch name {
	case "param", "preset", "source", "step", "step.pattern", "output", "explain":
		return "[[" + name + "]]"
	case "inputs", "concurrency_key", "param.choices":
		return name + " = { … }"
	}
	return "[" + name + "]"
}

func valueWords(k key, tables []string) string {
	switch {
	case k.example == "{ … }" && !slices.Contains(tables, k.table+k.name+"."):
		return "a table"
	case k.wanted == "":
		return "see right"
	case k.wanted == "tables":
		return "tables, see below"
	case k.example == "{ … }":
		return "a table, see below"
	case k.example == "" || k.wanted == "a whole number" || k.wanted == "true or false":
		return k.wanted
	}
	return k.wanted + ", like `" + strings.ReplaceAll(k.example, "|", "\\|") + "`"
}

// writeSets writes the closed sets of words that keys take.
func writeSets(b *strings.Builder) {
	var types, classes []string
	for _, t := range paramTypes() {
		types = append(types, string(t))
	}
	for _, c := range fault.Classes() {
		if isFailure(c) {
			classes = append(classes, string(c))
		}
	}
	fmt.Fprintf(b, "\n## Words that keys take\n\n| where | words |\n|---|---|\n")
	for _, set := range []struct {
		where string
		words []string
	}{
		{"`type` of a parameter", types},
		{"`builtin` of a step", builtins()},
		{"`progress` of a step", append([]string{"none"}, reading.Names()...)},
		{"`class` of an explanation, `on` of a retry, `mail`", classes},
		{"placeholders of commands", placeholders()},
	} {
		fmt.Fprintf(b, "| %s | `%s` |\n", set.where, strings.Join(set.words, "` `"))
	}
	l := recipe.DefaultLimits()
	fmt.Fprintf(b, "\nWithout `[limits]`: memory %s, disk %s, log %s, time %s, grace %s, processes %d, outputs %d.\n",
		FormatSize(l.Memory), FormatSize(l.Disk), FormatSize(l.Log), FormatDuration(l.Time), FormatDuration(l.Grace), l.Processes, l.Outputs)
}

func placeholders() []string {
	all := []string{"{input}", "{inputs}"}
	for _, name := range plainNames() {
		all = append(all, "{"+name+"}")
	}
	return append(all, "{cache}", "{param.NAME}", "{args.NAME}", "{source.NAME}")
}
