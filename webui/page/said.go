package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// phrasebook is what the rest of the program says, in another language. Problems, reasons,
// progress and shipped recipes are written in English where they arise: so they stand in
// rows, logs and mails, and the API answers them. Pages look them up here by the English
// text, in which {1}, {2} stand for what differs from one time to the next, {#1} for a whole
// number.
type phrasebook struct {
	all map[string]string
	// patterns are the phrases with placeholders, the most certain first.
	patterns []phrase
	// general is asked for what is not here, nil for nothing.
	general *phrasebook
}

// phrase is one text with placeholders: order says which of them each group of the
// expression is.
type phrase struct {
	expression *regexp.Regexp
	order      []string
	text       string
	// sure is how many bytes of the text are its own.
	sure int
}

// loadPhrases reads said/LANG.json; a language without one says everything in English.
func loadPhrases(lang string) (*phrasebook, error) {
	data, err := textFiles.ReadFile("said/" + lang + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return newPhrasebook(map[string]string{}, nil), nil
	}
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("phrases: %w", err)
	}
	return newPhrasebook(all, nil), nil
}

func newPhrasebook(all map[string]string, general *phrasebook) *phrasebook {
	book := &phrasebook{all: all, general: general}
	placeholder := regexp.MustCompile(`\{(#?)(\d)\}`)
	for english, text := range all {
		if placeholder.MatchString(english) {
			book.patterns = append(book.patterns, newPhrase(placeholder, english, text))
		}
	}
	slices.SortFunc(book.patterns, func(a, b phrase) int {
		if a.sure != b.sure {
			return b.sure - a.sure
		}
		return strings.Compare(a.expression.String(), b.expression.String())
	})
	return book
}

func newPhrase(placeholder *regexp.Regexp, english, text string) phrase {
	p := phrase{text: text}
	var expression strings.Builder
	rest := english
	for _, found := range placeholder.FindAllStringSubmatchIndex(english, -1) {
		own := english[len(english)-len(rest) : found[0]]
		expression.WriteString(regexp.QuoteMeta(own))
		if found[2] < found[3] {
			expression.WriteString(`(\d+)`)
		} else {
			expression.WriteString("(.*?)")
		}
		p.sure += len(own)
		p.order = append(p.order, english[found[4]:found[5]])
		rest = english[found[1]:]
	}
	p.sure += len(rest)
	p.expression = regexp.MustCompile("(?s)^" + expression.String() + regexp.QuoteMeta(rest) + "$")
	return p
}

// With returns the catalogue with further phrases, which win over its own: those of a
// recipe, by their English text.
func (t Texts) With(phrases map[string]string) Texts {
	if len(phrases) > 0 {
		t.said = newPhrasebook(phrases, t.said)
	}
	return t
}

// Said returns in this language what the program said in English: the whole text, or
// sentence by sentence. What the phrasebook does not have stays as it is.
func (t Texts) Said(english string) string {
	if found, ok := t.said.say(english); ok || english == "" {
		return found
	}
	var all []string
	for sentence := range strings.SplitSeq(english, ". ") {
		if len(all) > 0 {
			all[len(all)-1] += "."
		}
		all = append(all, sentence)
	}
	for i, sentence := range all {
		found, ok := t.said.say(sentence)
		if !ok {
			return english
		}
		all[i] = found
	}
	return strings.Join(all, " ")
}

func (b *phrasebook) say(english string) (string, bool) {
	if text, ok := b.all[english]; ok {
		return text, true
	}
	for _, p := range b.patterns {
		if values := p.expression.FindStringSubmatch(english); values != nil {
			var pairs []any
			for i, number := range p.order {
				value, _ := b.say(values[i+1]) // what was put into it may be a phrase itself
				pairs = append(pairs, number, value)
			}
			return fill(p.text, pairs), true
		}
	}
	if b.general != nil {
		return b.general.say(english)
	}
	return english, false
}

// script returns the phrasebook as a module, for pages that are told something by the API.
func (b *phrasebook) script() ([]byte, error) {
	data, err := json.Marshal(b.all)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "export default %s;\n", data), nil
}
