package recipe

import (
	"fmt"
	"strings"

	"convertd/runner/fault"
)

// NeutralStem is what {stem} stands for. It is the same for every job, so that no name
// given by a person ever reaches a command line; ShownName puts the person's back.
const NeutralStem = "stem"

// Limits of the kernel on a command line (execve(2)): one word may be 128 KiB with its
// end mark; all words and the environment together a quarter of the stack limit, of
// which this is the part that convertd lets a recipe use.
const (
	maxWordBytes = 128<<10 - 1
	maxArgvBytes = 1 << 20
)

// Vars is what placeholders stand for in one attempt. Paths are absolute.
type Vars struct {
	// Inputs are the input files in order: {input} is the first, {inputs} all.
	Inputs []string `json:"inputs,omitempty"`
	Output string   `json:"output,omitempty"` // {output}
	Work   string   `json:"work,omitempty"`   // {work}
	State  string   `json:"state,omitempty"`  // {state}
	Cache  string   `json:"cache,omitempty"`  // {cache}
	// Sources are the fetched files by name: {source.NAME}.
	Sources map[string]string `json:"sources,omitempty"`
	// Params are the declarations that Values were checked against.
	Params []Param `json:"params,omitempty"`
	Values Values  `json:"values,omitempty"`
}

// Fill puts values in the place of the {placeholders} of a command line:
//
//	{input} {output} {stem} {work} {state} {cache} {source.NAME} {param.NAME}   one text
//	{inputs} and {param.NAME} of a list: the word is repeated for each element
//	{args.NAME}     the words that the parameter's value declares, as a word of its own
//	{{name}}        the literal text {name}
//
// A word in which a parameter without a value stands is left out. What a value
// contains is never looked at again, so a value that reads like a placeholder stays
// text. An unknown placeholder is an error here too, though recipe/load finds it first;
// a command line longer than the kernel takes is a fault.Error.
func Fill(argv []string, v Vars) ([]string, error) {
	filled := make([]string, 0, len(argv))
	total := 0
	for i, word := range argv {
		words, err := v.fillWord(word)
		if err != nil {
			return nil, fmt.Errorf("word %d %q: %w", i+1, word, err)
		}
		for _, w := range words {
			if len(w) > maxWordBytes {
				return nil, tooLong(len(w), maxWordBytes)
			}
			total += len(w) + 1
		}
		filled = append(filled, words...)
	}
	if total > maxArgvBytes {
		return nil, tooLong(total, maxArgvBytes)
	}
	return filled, nil
}

// FillText fills one text that is not a command line, such as the value of an
// environment variable: placeholders of several words are errors, a parameter without
// a value is empty.
func FillText(text string, v Vars) (string, error) {
	return Expand(text, v.One)
}

// Expand puts what lookup returns in the place of each {placeholder} of a text. What it
// returns is never looked at again.
func Expand(text string, lookup func(name string) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range split(text) {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		value, err := lookup(p.name)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
	}
	return b.String(), nil
}

// One returns what a placeholder of one text stands for; a parameter without a value is
// empty.
func (v Vars) One(name string) (string, error) {
	values, err := v.lookup(name)
	if err != nil {
		return "", err
	}
	if len(values) > 1 {
		return "", fmt.Errorf("{%s} has %d values where one text is needed", name, len(values))
	}
	return strings.Join(values, ""), nil
}

// Alone returns the name of the placeholder that the text consists of, if that is all.
func Alone(text string) (name string, ok bool) {
	pieces := split(text)
	if len(pieces) != 1 || pieces[0].name == "" {
		return "", false
	}
	return pieces[0].name, true
}

func tooLong(size, limit int) error {
	return fault.New(fault.Invalid,
		fmt.Sprintf("The command line for this job would be %d bytes long; the system takes %d.", size, limit),
		"Give fewer files or shorter parameters.")
}

// fillWord returns the words that one declared word becomes: the product of the values
// of its placeholders, of which at most one has more than one.
func (v Vars) fillWord(word string) ([]string, error) {
	pieces := split(word)
	if len(pieces) == 1 && strings.HasPrefix(pieces[0].name, "args.") {
		return v.args(strings.TrimPrefix(pieces[0].name, "args."))
	}
	words := []string{""}
	many := ""
	for _, p := range pieces {
		if p.name == "" {
			words = appendEach(words, p.text)
			continue
		}
		values, err := v.lookup(p.name)
		switch {
		case err != nil:
			return nil, err
		case len(values) == 0:
			return nil, nil
		case len(values) == 1:
			words = appendEach(words, values[0])
		case many != "":
			return nil, fmt.Errorf("{%s} and {%s} both have several values in one word", many, p.name)
		default:
			many = p.name
			words = product(words, values)
		}
	}
	return words, nil
}

func appendEach(words []string, text string) []string {
	for i := range words {
		words[i] += text
	}
	return words
}

func product(words, values []string) []string {
	all := make([]string, 0, len(words)*len(values))
	for _, word := range words {
		for _, value := range values {
			all = append(all, word+value)
		}
	}
	return all
}

// lookup returns the values of one placeholder; none for a parameter without a value.
func (v Vars) lookup(name string) ([]string, error) {
	if param, ok := strings.CutPrefix(name, "param."); ok {
		if _, ok := find(v.Params, param); !ok {
			return nil, fmt.Errorf("unknown parameter %q", param)
		}
		return v.Values[param], nil
	}
	if source, ok := strings.CutPrefix(name, "source."); ok {
		if file, ok := v.Sources[source]; ok {
			return []string{file}, nil
		}
		return nil, fmt.Errorf("unknown source %q", source)
	}
	one := map[string]string{
		"output": v.Output, "work": v.Work, "state": v.State, "cache": v.Cache,
		"stem": NeutralStem,
	}
	switch text, ok := one[name]; {
	case name == "inputs":
		return v.Inputs, nil
	case name == "input" && len(v.Inputs) > 0:
		return v.Inputs[:1], nil
	case name == "input":
		return nil, fmt.Errorf("{input} in a job without input")
	case !ok:
		return nil, fmt.Errorf("unknown placeholder {%s}", name)
	case text == "":
		return nil, fmt.Errorf("{%s} has no value here", name)
	default:
		return []string{text}, nil
	}
}

// args returns the words declared for the values of a parameter.
func (v Vars) args(name string) ([]string, error) {
	param, ok := find(v.Params, name)
	if !ok {
		return nil, fmt.Errorf("unknown parameter %q", name)
	}
	var words []string
	for _, value := range v.Values[name] {
		for _, arg := range param.argsOf(value) {
			words = append(words, fillValue(arg, value))
		}
	}
	return words, nil
}

// argsOf returns the words declared for one value, before {value} is filled.
func (p Param) argsOf(value string) []string {
	if p.Type == Boolean && value != "true" {
		return nil
	}
	for _, c := range p.Choices {
		if c.Value == value && c.Args != nil {
			return c.Args
		}
	}
	return p.Args
}

func fillValue(arg, value string) string {
	var b strings.Builder
	for _, p := range split(arg) {
		if p.name == "value" {
			b.WriteString(value)
			continue
		}
		b.WriteString(p.source())
	}
	return b.String()
}

func find(params []Param, name string) (Param, bool) {
	for _, p := range params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// Placeholders returns the names of the placeholders of a word in order ("input",
// "param.quality").
func Placeholders(word string) []string {
	var names []string
	for _, p := range split(word) {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// piece is a stretch of a declared word: literal text, or a placeholder's name.
type piece struct{ text, name string }

// source is the piece as it was declared.
func (p piece) source() string {
	if p.name != "" {
		return "{" + p.name + "}"
	}
	return p.text
}

// split cuts a word into literal text and placeholders. Braces around anything that is
// not a name are literal text, so that JSON and the languages of tools can be written
// plainly; only {name} has to be written {{name}} to be literal.
func split(word string) []piece {
	var pieces []piece
	literal := func(text string) {
		if n := len(pieces); n > 0 && pieces[n-1].name == "" {
			pieces[n-1].text += text
			return
		}
		pieces = append(pieces, piece{text: text})
	}
	for word != "" {
		open := strings.IndexByte(word, '{')
		if open < 0 {
			literal(word)
			break
		}
		if open > 0 {
			literal(word[:open])
			word = word[open:]
		}
		if name, ok := nameAt(word, "{{", "}}"); ok {
			literal("{" + name + "}")
			word = word[len(name)+4:]
		} else if name, ok := nameAt(word, "{", "}"); ok {
			pieces = append(pieces, piece{name: name})
			word = word[len(name)+2:]
		} else {
			literal("{")
			word = word[1:]
		}
	}
	return pieces
}

// nameAt returns the name between the marks at the beginning of text. Capitals stand
// behind a dot only: names of secrets and of fields in answers have them.
func nameAt(text, before, after string) (string, bool) {
	rest, ok := strings.CutPrefix(text, before)
	if !ok {
		return "", false
	}
	end, dotted := 0, false
	for end < len(rest) && (isNameByte(rest[end], end) || dotted && rest[end] >= 'A' && rest[end] <= 'Z') {
		dotted = dotted || rest[end] == '.'
		end++
	}
	return rest[:end], end > 0 && strings.HasPrefix(rest[end:], after)
}

// isNameByte reports whether the byte may stand at that place of a placeholder's name.
func isNameByte(c byte, at int) bool {
	if c >= 'a' && c <= 'z' {
		return true
	}
	return at > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.')
}
