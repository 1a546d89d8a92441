package webui_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
)

// spoken are the files whose sentences people are told on pages: why something was
// refused, why a job failed, what to do. What stands elsewhere is for callers of the API
// and for administrators at a shell, who read it in English.
var spoken = []string{
	"../runner/[b-z]*.go", "../runner/document/*.go", "../runner/sequence/*.go", "../runner/service/*.go",
	"../runner/recipe/[a-f]*.go", "../runner/recipe/given.go", "../runner/recipe/match.go", "../runner/recipe/number.go", "../runner/recipe/param_file.go",
	"../runner/track/pipeline/*.go", "../runner/track/filter/filter.go", "../runner/track/filter/l*.go",
	"../runner/track/importer/*.go", "../cmd/convertd-runner/*.go",
	"../dispatcher/judge.go", "../dispatcher/prepare.go", "../dispatcher/access.go", "../dispatcher/finisher.go", "../dispatcher/gate.go", "../dispatcher/held.go", "../dispatcher/publish.go", "../dispatcher/warden.go",
	"../sql/job/cancel.go", "../sql/job/keep.go", "../sql/job/room.go", "../sql/job/store.go", "../sql/job/unblock.go", "../sql/group/*.go",
	"fail.go", "body.go", "check.go", "groups.go", "manage.go", "outputs.go", "param_file.go", "rates.go", "receive.go", "status.go", "zip.go", "page*.go",
	"form/*.go", "tus/*.go",
}

// silent are sentences in those files that no page shows.
var silent = []string{
	`^(Adds or removes|Fills gaps|Checks that)`, // the list of tools at the command line
	`[{][1-9][}] \.\.\.$`,                       // a log line that goes on
}

func TestPhrases_of_the_program_are_there_in_every_language(t *testing.T) {
	t.Parallel()
	spoken := sentences(t)
	for lang, phrases := range phrasebooks(t) {
		needed := recipeTexts(t, lang)
		maps.Copy(needed, spoken)
		for english := range needed {
			if _, ok := phrases[english]; !ok {
				t.Errorf("page/said/%s.json lacks %s: add it with its words in that language", lang, quoted(english))
			}
		}
	}
}

func TestPhrases_are_all_said_by_something(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, text := range literals(t) {
		for _, form := range []string{text, strings.TrimSpace(text), sentenceOf(text), counted(text), counted(text) + "s"} {
			said[form] = true
		}
	}
	for lang, phrases := range phrasebooks(t) {
		recipes := recipeTexts(t, lang)
		for english := range phrases {
			if !said[english] && !recipes[english] {
				t.Errorf("page/said/%s.json has %s, which nothing says any more: remove it", lang, quoted(english))
			}
		}
	}
}

// sentenceOf is what becomes of a reader's finding before people are told.
func sentenceOf(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// counted is how the program counts things of which it has the word.
func counted(word string) string { return "{#1} " + word }

func TestPhrases_keep_their_placeholders(t *testing.T) {
	t.Parallel()
	placeholder := regexp.MustCompile(`\{#?\d\}`)
	in := func(text string) []string {
		found := placeholder.FindAllString(strings.ReplaceAll(text, "{#", "{"), -1)
		slices.Sort(found)
		return found
	}
	for lang, phrases := range phrasebooks(t) {
		for english, text := range phrases {
			if !slices.Equal(in(english), in(text)) {
				t.Errorf("said/%s.json: %s has other placeholders than %s", lang, quoted(text), quoted(english))
			}
			own := placeholder.ReplaceAllString(english, "")
			if own != english && len(strings.Trim(own, " .,:()")) < 4 {
				t.Errorf("said/%s.json: %s would be found in any text", lang, quoted(english))
			}
		}
	}
}

// phrasebooks are those of all languages of the pages but English.
func phrasebooks(t *testing.T) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob("page/text/*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("there are no languages (%v)", err)
	}
	books := map[string]map[string]string{}
	for _, file := range files {
		lang := strings.TrimSuffix(filepath.Base(file), ".json")
		if lang == "en" {
			continue
		}
		data, err := os.ReadFile("page/said/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		phrases := map[string]string{}
		if err := json.Unmarshal(data, &phrases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		books[lang] = phrases
	}
	return books
}

func quoted(text string) string {
	data, _ := json.Marshal(text) // a string always marshals
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(data))
}

// recipeTexts are the texts of the shipped recipes that have no words of their own for
// the language, with {1} where the converter's words go.
func recipeTexts(t *testing.T, lang string) map[string]bool {
	t.Helper()
	set, err := load.Load("")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	for _, r := range set.All() {
		gather(reflect.ValueOf(r), lang, texts)
	}
	delete(texts, "{1}") // the converter's words alone
	if len(texts) == 0 {
		t.Fatal("no texts were found in recipes")
	}
	return texts
}

// gather collects the texts for people in a declaration, and the headings of its forms.
func gather(v reflect.Value, lang string, texts map[string]bool) {
	switch text, ok := v.Interface().(recipe.Text); {
	case ok:
		if said := text.In(""); said != "" && text[lang] == "" {
			texts[regexp.MustCompile(`\$(\d)`).ReplaceAllString(said, "{$1}")] = true
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.Name == "Group" && v.Field(i).Kind() == reflect.String && v.Field(i).String() != "" {
				texts[v.Field(i).String()] = true
			} else if field.IsExported() {
				gather(v.Field(i), lang, texts)
			}
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			gather(v.Index(i), lang, texts)
		}
	}
}

// sentences are what the spoken files say in whole sentences.
func sentences(t *testing.T) map[string]bool {
	t.Helper()
	sentence := regexp.MustCompile(`^(?:\p{Lu}|“|\{1\}).* .*[.?]$`)
	found := map[string]bool{}
	for _, text := range literals(t) {
		text = strings.TrimSpace(text)
		isSilent := slices.ContainsFunc(silent, func(one string) bool { return regexp.MustCompile(one).MatchString(text) })
		if sentence.MatchString(text) && !isSilent {
			found[text] = true
		}
	}
	if len(found) < 200 {
		t.Fatalf("only %d sentences were found", len(found))
	}
	return found
}

// literals are the texts of the spoken files, with {1}, {2} where values go: literals,
// joined with what is not one, and formats.
func literals(t *testing.T) []string {
	t.Helper()
	verb := regexp.MustCompile(`%[-+# 0]*[0-9.]*[a-zA-Z]`)
	var texts []string
	for _, pattern := range spoken {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			var visit func(node ast.Node) bool
			visit = func(node ast.Node) bool {
				text, ok := literal(node)
				if !ok {
					return true
				}
				texts = append(texts, numbered(verb.ReplaceAllString(strings.ReplaceAll(text, "%%", "%"), value)))
				for _, call := range callsIn(node) {
					ast.Inspect(call, visit)
				}
				return false
			}
			ast.Inspect(parsed, visit)
		}
	}
	return texts
}

// callsIn are the calls that a sum adds up; they are given words too.
func callsIn(node ast.Node) []ast.Node {
	switch e := node.(type) {
	case *ast.CallExpr:
		return []ast.Node{e}
	case *ast.BinaryExpr:
		return append(callsIn(e.X), callsIn(e.Y)...)
	}
	return nil
}

// numbered puts {1}, {2} in the places of values.
func numbered(text string) string {
	for n := 1; strings.Contains(text, value); n++ {
		text = strings.Replace(text, value, fmt.Sprintf("{%d}", n), 1)
	}
	return text
}

// value stands for what is put into a text.
const value = "\x00"

// literal is the text of a literal, or of a sum that has one in it.
func literal(node ast.Node) (string, bool) {
	switch e := node.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text, true
		}
	case *ast.ParenExpr:
		return literal(e.X)
	case *ast.BinaryExpr:
		left, isLeft := literal(e.X)
		right, isRight := literal(e.Y)
		return left + right, e.Op == token.ADD && (isLeft || isRight)
	}
	return value, false
}
