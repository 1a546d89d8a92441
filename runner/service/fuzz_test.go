package service

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	"convertd/runner/recipe"
)

// FuzzStream reads what a service may send: both readers come to an end, whatever it is,
// and paths lead nowhere but into the document.
func FuzzStream(f *testing.F) {
	for _, seed := range []string{"data: {\"a\": [1]}\n\n", "event: x\r\ndata: y\r\n\r\n", "{\"a\": {\"b\": null}}\n[]\n", ":\n\ndata\n\n", "\ufeffdata: 1\n\n"} {
		f.Add(seed, "a.0.b")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		for _, next := range []events{sse(strings.NewReader(text)), ndjson(strings.NewReader(text))} {
			for range len(text) + 2 {
				document, err := next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				at(document, path)
			}
			if _, err := next(); !errors.Is(err, io.EOF) {
				t.Fatalf("no end of %q: %v", text, err)
			}
		}
	})
}

// FuzzURL lets a value stand everywhere in an address: host, path and query stay what the
// template says.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"a", "../..", "a/b?c#d", "@evil.example", "%2e%2e", "\\", "a\r\nb", "é&=+ "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		fill := filler{vars: recipe.Vars{Params: []recipe.Param{{Name: "v", Type: recipe.String}}, Values: recipe.Values{"v": {value}}}}
		u, err := fill.url("https://model.example:9000/v1/{param.v}/state?q={param.v}&x=1", nil)
		if err != nil {
			return
		}
		parts := strings.Split(u.EscapedPath(), "/")
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil || u.Host != "model.example:9000" || len(parts) != 4 || parts[3] != "state" || len(query) != 2 || query.Get("q") != value || query.Get("x") != "1" {
			t.Fatalf("%q makes %s", value, u)
		}
		if decoded, err := url.PathUnescape(parts[2]); err != nil || decoded != value {
			t.Fatalf("%q became %q", value, decoded)
		}
	})
}
