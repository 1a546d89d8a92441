package recipe

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"convertd/runner/fault"
)

func number(f float64) *float64 { return &f }

// everything has a parameter of each kind.
func everything() Recipe {
	return Recipe{Name: "everything", Params: []Param{
		{Name: "count", Type: Integer, Min: number(1), Max: number(500), Default: &Value{"23"}},
		{Name: "ratio", Type: Number, Min: number(-2), Optional: true},
		{Name: "flag", Type: Boolean, Default: &Value{"true"}},
		{Name: "word", Type: String, Pattern: "[a-z]+|[0-9]", MaxLength: 10, Optional: true},
		{Name: "free", Type: String, AllowDash: true, Optional: true},
		{Name: "size", Type: Choice, Choices: []ParamChoice{{Value: "small"}, {Value: "large"}}, Default: &Value{"small"}},
		{Name: "parts", Type: List, Choices: []ParamChoice{{Value: "a"}, {Value: "b"}, {Value: "c"}}, Min: number(1), Max: number(2), Optional: true},
		{Name: "notes", Type: List, Default: &Value{}},
	}}
}

func TestCheckParams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about string
		given map[string][]string
		want  Values
	}{
		{"nothing given", nil, Values{}},
		{"blank fields of a form", map[string][]string{"count": {""}, "ratio": {""}, "word": {""}, "notes": {"", ""}, "size": {}}, Values{}},
		{"an integer", map[string][]string{"count": {"500"}}, Values{"count": {"500"}}},
		{"numbers in canonical form", map[string][]string{"ratio": {"0.500"}}, Values{"ratio": {"0.5"}}},
		{"a whole number with a point", map[string][]string{"ratio": {"-2.0"}}, Values{"ratio": {"-2"}}},
		{"zero with a point", map[string][]string{"ratio": {"0.0"}}, Values{"ratio": {"0"}}},
		{"an unticked checkbox", map[string][]string{"flag": {"false"}}, Values{"flag": {"false"}}},
		{"a ticked checkbox after its hidden field", map[string][]string{"flag": {"false", "true"}}, Values{"flag": {"true"}}},
		{"a text of the pattern's second half", map[string][]string{"word": {"7"}}, Values{"word": {"7"}}},
		{"a text that begins with a dash", map[string][]string{"free": {"-x\n\ty"}}, Values{"free": {"-x\n\ty"}}},
		{"a choice", map[string][]string{"size": {"large"}}, Values{"size": {"large"}}},
		{"a list in its order", map[string][]string{"parts": {"c", "a"}}, Values{"parts": {"c", "a"}}},
		{"a list of texts with doubles", map[string][]string{"notes": {"x", "x", "y"}}, Values{"notes": {"x", "x", "y"}}},
	} {
		want := Values{"count": {"23"}, "flag": {"true"}, "size": {"small"}, "notes": {}}
		maps.Copy(want, tt.want)
		got, err := everything().CheckParams(tt.given)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.about, err, diff)
		}
	}
}

func TestCheckParamsNamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := everything().CheckParams(map[string][]string{
		"count": {"0"}, "ratio": {"x"}, "word": {"abc1"}, "size": {"smal"}, "parts": {"a", "b", "c"}, "notes": {"-x"}, "cuont": {"3"}, "a/b~": {"1"},
	})
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Invalid || f.Hint == "" {
		t.Fatalf("error is %v, want an invalid fault with a hint", err)
	}
	want := []fault.Field{
		{Pointer: "/params/a~1b~0", Detail: `everything has no parameter "a/b~". It takes count, ratio, flag, word, free, size, parts, notes.`},
		{Pointer: "/params/cuont", Detail: `everything has no parameter "cuont". Did you mean count?`},
		{Pointer: "/params/count", Detail: `count must be from 1 to 500, not 0.`},
		{Pointer: "/params/ratio", Detail: `ratio must be a number such as 0.5, not "x".`},
		{Pointer: "/params/word", Detail: `word does not have the required form: "abc1" does not match [a-z]+|[0-9].`},
		{Pointer: "/params/size", Detail: `size cannot be "smal". Did you mean small?`},
		{Pointer: "/params/parts", Detail: `parts has 3 values; it takes 1 to 2.`},
		{Pointer: "/params/notes", Detail: `notes must not begin with "-", because the program would take it for an option.`},
	}
	if diff := cmp.Diff(want, f.Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	r := Recipe{Name: "r", Params: []Param{{Name: "key", Type: Secret, Pattern: "[a-z-]+", MaxLength: 8}, {Name: "q", Type: Integer}}}
	values, err := r.CheckParams(map[string][]string{"key": {"-hush"}, "q": {"3"}})
	if err != nil {
		t.Fatal(err)
	}
	shown, secrets := r.Hide(values)
	if shown.Get("key") != HiddenValue || shown.Get("q") != "3" || len(secrets) != 1 || secrets["key"] != "-hush" {
		t.Errorf("shown %v, secrets %v", shown, secrets)
	}
	if again, err := r.CheckStored(shown.Given()); err != nil || again.Get("key") != HiddenValue {
		t.Errorf("stored values come back as %v, %v", again, err)
	}
	if _, ok := r.TypedParams(shown)["key"]; ok {
		t.Error("a document tells of the secret")
	}
	for _, secret := range []string{"HUSH", "hushhushhush", "hu\x00sh"} {
		_, err := r.CheckParams(map[string][]string{"key": {secret}, "q": {"3"}})
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 1 || strings.Contains(f.Message+f.Hint+f.Fields[0].Detail, secret) {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

func TestCheckParamsAllTogetherTooLong(t *testing.T) {
	t.Parallel()
	r := Recipe{Name: "r"}
	given := map[string][]string{}
	for _, name := range strings.Split("abcdefgh", "") {
		r.Params = append(r.Params, Param{Name: name, Type: String, MaxLength: 60_000})
		given[name] = []string{strings.Repeat("x", 10_000)}
	}
	if _, err := r.CheckParams(given); !fault.Is(err, fault.Invalid) {
		t.Errorf("80 KB in eight parameters: %v, want them refused", err)
	}
}

// Checked values checked again are the same: the dispatcher relies on it.
func TestCheckParamsTwice(t *testing.T) {
	t.Parallel()
	texts := rapid.OneOf(rapid.StringMatching(`-?[0-9]{1,3}(\.[0-9]{1,3})?`), rapid.StringMatching(`[a-z]{0,5}`), rapid.SampledFrom([]string{"true", "false", "a", "b", "small", "large", ""}), rapid.String())
	names := []string{"count", "ratio", "flag", "word", "free", "size", "parts", "notes"}
	rapid.Check(t, func(t *rapid.T) {
		given := map[string][]string{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), func(s string) string { return s }).Draw(t, "names") {
			given[name] = rapid.SliceOfN(texts, 1, 3).Draw(t, name)
		}
		once, err := everything().CheckParams(given)
		if err != nil {
			return
		}
		twice, err := everything().CheckParams(once.Given())
		if diff := cmp.Diff(once, twice); err != nil || diff != "" {
			t.Fatalf("checked again: %v (-once +twice):\n%s", err, diff)
		}
		if CanonicalParams(once) != CanonicalParams(twice) {
			t.Fatalf("canonical texts differ: %s, %s", CanonicalParams(once), CanonicalParams(twice))
		}
	})
}

func TestGivenJSON(t *testing.T) {
	t.Parallel()
	got, err := everything().GivenJSON([]byte(` {"count": 24, "ratio": -1.50, "flag": false, "word": null, "free": "a\"b", "parts": ["a", "b"], "notes": [], "x": 1e3} `))
	want := map[string][]string{"count": {"24"}, "ratio": {"-1.50"}, "flag": {"false"}, "word": nil, "free": {`a"b`}, "parts": {"a", "b"}, "notes": nil, "x": {"1e3"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, none := range []string{"", " \n", "{}"} {
		if got, err := everything().GivenJSON([]byte(none)); err != nil || len(got) > 0 {
			t.Errorf("%q: %v, %v, want nothing given", none, got, err)
		}
	}
	for document, pointer := range map[string]string{
		`{"count": [1]}`: "/params/count", `{"count": {"a": 1}}`: "/params/count", `{"parts": [["a"]]}`: "/params/parts", `{"count": 1, "count": 1}`: "/params/count",
	} {
		_, err := everything().GivenJSON([]byte(document))
		var f *fault.Error
		if !errors.As(err, &f) || len(f.Fields) != 1 || f.Fields[0].Pointer != pointer {
			t.Errorf("%s: %v, want a problem at %s", document, err, pointer)
		}
	}
	for _, document := range []string{"null", "3", "[]", `{"a"`, `{"a": tru}`, `{} x`, `{"a": 1}}`} {
		if got, err := everything().GivenJSON([]byte(document)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, %v, want it refused", document, got, err)
		}
	}
}

func TestTypedParams(t *testing.T) {
	t.Parallel()
	values, err := everything().CheckParams(map[string][]string{"ratio": {"0.5"}, "parts": {"a"}, "free": {"x"}})
	if err != nil {
		t.Fatal(err)
	}
	values["gone"], values["gone_list"] = Value{"x"}, Value{"x", "y"} // of an older version of the recipe
	got, err := json.Marshal(everything().TypedParams(values))
	const want = `{"count":23,"flag":true,"free":"x","gone":"x","gone_list":["x","y"],"notes":[],"parts":["a"],"ratio":0.5,"size":"small"}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func FuzzCheckParams(f *testing.F) {
	f.Add([]byte(`{"count": 3, "parts": ["a"], "word": "x"}`))
	f.Add([]byte(`{"ratio": 1e400, "flag": "true", "free": "\u0000"}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		r := everything()
		given, err := r.GivenJSON(document)
		if err != nil {
			return
		}
		values, err := r.CheckParams(given)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Fatalf("refused as %s: %v", fault.CodeOf(err), err)
			}
			return
		}
		for name, value := range values {
			if slices.ContainsFunc(value, func(s string) bool { return strings.ContainsRune(s, 0) }) {
				t.Fatalf("%s has a NUL: %q", name, value)
			}
		}
		typed, err := json.Marshal(r.TypedParams(values))
		if err != nil {
			t.Fatal(err)
		}
		given, err = r.GivenJSON(typed)
		if err != nil {
			t.Fatal(err)
		}
		again, err := r.CheckParams(given)
		if diff := cmp.Diff(values, again); err != nil || diff != "" {
			t.Fatalf("through JSON and back: %v (-want +got):\n%s", err, diff)
		}
	})
}
