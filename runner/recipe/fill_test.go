package recipe

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// job is what placeholders stand for in these tests.
func job() Vars {
	return Vars{
		Inputs: []string{"/in/1.mov", "/in/2.mov"}, Output: "/out", Work: "/work", State: "/state", Cache: "/cache",
		Params: []Param{
			{Name: "q", Type: Integer}, {Name: "none", Type: String, Optional: true},
			{Name: "tags", Type: List, Args: []string{"-t", "{value}"}}, {Name: "no_tags", Type: List, Args: []string{"-t", "{value}"}},
			{Name: "mute", Type: Boolean, Args: []string{"-an"}}, {Name: "loud", Type: Boolean, Args: []string{"-loud"}},
			{Name: "size", Type: Choice, Args: []string{"-s", "{value}"}, Choices: []ParamChoice{{Value: "keep", Args: []string{}}, {Value: "720"}}},
			{Name: "kept", Type: Choice, Args: []string{"-s", "{value}"}, Choices: []ParamChoice{{Value: "keep", Args: []string{}}, {Value: "720"}}},
		},
		Values: Values{
			"q": {"23"}, "tags": {"a", "b c"}, "no_tags": {}, "mute": {"true"}, "loud": {"false"}, "size": {"720"}, "kept": {"keep"},
		},
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word string
		want []string
	}{
		{"plain", []string{"plain"}},
		{"", []string{""}},
		{"{input}", []string{"/in/1.mov"}},
		{"{inputs}", []string{"/in/1.mov", "/in/2.mov"}},
		{"in={inputs}!", []string{"in=/in/1.mov!", "in=/in/2.mov!"}},
		{"{output}/{stem}.mp4", []string{"/out/" + NeutralStem + ".mp4"}},
		{"{work}:{state}:{cache}", []string{"/work:/state:/cache"}},
		{"{param.q}", []string{"23"}},
		{"-q{param.q}x{param.q}", []string{"-q23x23"}},
		{"{param.none}", nil},
		{"--title={param.none}", nil},
		{"{param.tags}", []string{"a", "b c"}},
		{"{param.q}:{param.tags}", []string{"23:a", "23:b c"}},
		{"{param.no_tags}", nil},
		{"{args.tags}", []string{"-t", "a", "-t", "b c"}},
		{"{args.no_tags}", nil},
		{"{args.none}", nil},
		{"{args.mute}", []string{"-an"}},
		{"{args.loud}", nil},
		{"{args.size}", []string{"-s", "720"}},
		{"{args.kept}", nil},
		{"{{input}}", []string{"{input}"}},
		{"{{{input}}}", []string{"{{input}}"}},
		{"{{input}", []string{"{/in/1.mov"}},
		{`{"a": {"b": 1}} {} { } {A} {1} {-x} {a b} {`, []string{`{"a": {"b": 1}} {} { } {A} {1} {-x} {a b} {`}},
		{"${HOME} %{{pts}}", []string{"${HOME} %{pts}"}},
	} {
		got, err := Fill([]string{tt.word}, job())
		if diff := cmp.Diff(tt.want, slices.Clip(got), cmp.Transformer("none", func(s []string) string { return strings.Join(s, "\x00") })); err != nil || diff != "" {
			t.Errorf("Fill(%q): %v, (-want +got):\n%s", tt.word, err, diff)
		}
	}
}

func TestFillRefuses(t *testing.T) {
	t.Parallel()
	empty := job()
	empty.Inputs, empty.Cache = nil, ""
	for _, word := range []string{"{inptu}", "{param.nobody}", "{args.nobody}", "{param}", "{input}", "{cache}", "x{args.mute}", "{value}"} {
		if got, err := Fill([]string{"true", word}, empty); err == nil {
			t.Errorf("Fill(%q) = %q, want an error", word, got)
		}
	}
	if got, err := Fill([]string{"{inputs}{param.tags}"}, job()); err == nil {
		t.Errorf("two lists in one word: %q, want an error", got)
	}
}

func TestFillText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"plain", "plain"}, {"{output}/x{param.q}", "/out/x23"}, {"a{param.none}b", "ab"}, {"{{input}}", "{input}"}, {"", ""},
	} {
		if got, err := FillText(tt.text, job()); err != nil || got != tt.want {
			t.Errorf("FillText(%q) = %q, %v, want %q", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"{inputs}", "{args.mute}", "{none}"} {
		if got, err := FillText(text, job()); err == nil {
			t.Errorf("FillText(%q) = %q, want an error", text, got)
		}
	}
}

// Whatever a value is, it arrives as it is, in one word, and is never looked at again.
func TestFillNeverReadsValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"{input}", "{{x}}", "{param.q}", "{value}", "{args.tags}", "}", "{"})).Draw(t, "value")
		v := job()
		v.Values["none"] = Value{value}
		v.Values["tags"] = Value{value, value}
		got, err := Fill([]string{"{param.none}", "<{param.none}>", "{param.tags}", "{args.tags}"}, v)
		want := []string{value, "<" + value + ">", value, value, "-t", value, "-t", value}
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	})
}

func FuzzFill(f *testing.F) {
	for _, seed := range []string{"{input}", "{{input}}", "{param.q}", "{args.tags}", "{", "}}{{", "{a.b-c_d}", "\x00{stem}\xff"} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, word, value string) {
		literal := regexp.MustCompile(`\{[a-z][a-z0-9_-]*(?:\.[A-Za-z0-9_.-]*)?\}`).ReplaceAllString(word, "{$0}")
		if argv, err := Fill([]string{literal}, job()); err != nil || len(argv) != 1 || argv[0] != word {
			t.Fatalf("Fill(%q) = %q, %v, want %q", literal, argv, err, word)
		}
		v := job()
		v.Values["none"] = Value{value}
		argv, err := Fill([]string{word}, v)
		if err != nil || len(Placeholders(word)) > 0 {
			return
		}
		if len(argv) != 1 {
			t.Fatalf("Fill(%q) = %q, want one word for a word without placeholders", word, argv)
		}
	})
}
