package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// textFiles hold every visible text: text/LANG.json, one flat object of key to text.
// {name} stands for a value. Keys that depend on a count end in a plural category of
// CLDR: ".one", ".other", in some languages more. said/LANG.json holds what other parts
// of the program say, see Texts.Said.
//
//go:embed text/*.json said/*.json
var textFiles embed.FS

// Default is the language of pages whose reader asked for none that we have.
const Default = "en"

// Texts is the catalogue of one language.
type Texts struct {
	Lang string
	tag  language.Tag
	all  map[string]string
	said *phrasebook
}

// Language is a language that pages are there in, with its name in itself.
type Language struct{ Code, Name string }

// loadTexts reads all catalogues, the default language first.
func loadTexts() ([]Texts, error) {
	files, err := fs.Glob(textFiles, "text/*.json")
	if err != nil {
		return nil, err
	}
	var texts []Texts
	for _, file := range files {
		t, err := loadText(file)
		if err != nil {
			return nil, fmt.Errorf("read catalogue %s: %w", file, err)
		}
		texts = append(texts, t)
	}
	sort.SliceStable(texts, func(i, j int) bool { return texts[i].Lang == Default && texts[j].Lang != Default })
	return texts, nil
}

func loadText(file string) (Texts, error) {
	data, err := textFiles.ReadFile(file)
	if err != nil {
		return Texts{}, err
	}
	t := Texts{Lang: strings.TrimSuffix(path.Base(file), ".json")}
	if t.tag, err = language.Parse(t.Lang); err != nil {
		return Texts{}, err
	}
	if err := json.Unmarshal(data, &t.all); err != nil {
		return Texts{}, err
	}
	t.said, err = loadPhrases(t.Lang)
	return t, err
}

// Match returns the best of our languages for an Accept-Language header.
func (p *Pages) Match(accept string) string {
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return p.langs[0]
	}
	_, index, _ := p.matcher.Match(wanted...)
	return p.langs[index]
}

// Has reports whether there are pages in the language.
func (p *Pages) Has(lang string) bool {
	_, ok := p.books[lang]
	return ok
}

// languages lists what a reader can choose from, the default first.
func languages(texts []Texts) []Language {
	all := make([]Language, len(texts))
	for i, t := range texts {
		all[i] = Language{Code: t.Lang, Name: t.Text("site.language")}
	}
	return all
}

// Text returns the text of a key with its values filled in: pairs of name and value.
// A key that is not in the catalogue comes back as it is; a test sees to it that no
// template asks for one.
func (t Texts) Text(key string, pairs ...any) string {
	text, ok := t.all[key]
	if !ok {
		return key
	}
	return fill(text, pairs)
}

// Count returns the text for n things: the key's form for the plural category of n,
// with {n} filled in.
func (t Texts) Count(key string, n int, pairs ...any) string {
	return t.form(plural.Cardinal, key, n, pairs)
}

// Place returns the text for the n-th thing in a row.
func (t Texts) Place(key string, n int) string {
	return t.form(plural.Ordinal, key, n, nil)
}

func (t Texts) form(rules *plural.Rules, key string, n int, pairs []any) string {
	name := categories()[rules.MatchPlural(t.tag, n, 0, 0, 0, 0)]
	if _, ok := t.all[key+"."+name]; !ok {
		name = "other"
	}
	return t.Text(key+"."+name, append([]any{"n", t.Integer(int64(n))}, pairs...)...)
}

// categories are CLDR's plural categories as keys end in them.
func categories() map[plural.Form]string {
	return map[plural.Form]string{
		plural.Zero: "zero", plural.One: "one", plural.Two: "two",
		plural.Few: "few", plural.Many: "many", plural.Other: "other",
	}
}

func pluralCategory(word string) bool {
	for _, category := range categories() {
		if word == category {
			return true
		}
	}
	return false
}

// Integer returns n with a narrow space between thousands.
func (t Texts) Integer(n int64) string {
	digits := strconv.FormatInt(n, 10)
	if n < 10_000 && n > -10_000 {
		return digits
	}
	var b strings.Builder
	for i, d := range digits {
		if left := len(digits) - i; i > 0 && left%3 == 0 && digits[i-1] != '-' {
			b.WriteRune('\u202f')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Decimal returns x with at most the given decimals and the language's decimal sign.
func (t Texts) Decimal(x float64, decimals int) string {
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return strings.Replace(s, ".", t.all["number.decimal"], 1)
}

func fill(text string, pairs []any) string {
	if len(pairs) == 0 {
		return text
	}
	words := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		words = append(words, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(words...).Replace(text)
}
