package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"

	"convertd/runner/recipe"
	"convertd/runner/service/order"
)

// Fetch fetches one input and looks whether it is what the recipe says. Its error is a
// *Failure.
func Fetch(ctx context.Context, o Options, told order.Fetch) error {
	a := newAgent(o, told.Source.Patience, told.Secrets, told.Trace)
	defer a.Close()
	within, end := a.bounded(ctx)
	defer end()
	return explain(within, a.fetch(within, told))
}

func (a *Agent) fetch(ctx context.Context, told order.Fetch) error {
	f := &filler{vars: told.Vars, secret: a.secret}
	r, err := a.request(f, recipe.HTTPRequest{Method: http.MethodGet, URL: told.Source.URL, Headers: told.Source.Headers}, nil, "")
	if err != nil {
		return err
	}
	err = a.send(ctx, r, func(got *answer) error {
		if err := checkType(told.Source, got.Header.Get("Content-Type")); err != nil {
			return err
		}
		if got.ContentLength > a.patience.MaxSize {
			return a.tooLarge()
		}
		return a.write(got.body, told.To)
	})
	if err != nil {
		return err
	}
	digest, err := recipe.FillText(told.Source.SHA256, told.Vars)
	if err != nil {
		return err
	}
	if err := checkDigest(told.Source.Name, told.To, digest); err != nil {
		return err
	}
	return checkShape(told.Source, told.To)
}

// checkType compares media types without their parameters.
func checkType(s recipe.Source, header string) error {
	if s.Type == "" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(header)
	family, _ := strings.CutSuffix(s.Type, "/*")
	if err == nil && (kind == s.Type || s.Type == "*/*" || family != s.Type && strings.HasPrefix(kind, family+"/")) {
		return nil
	}
	return failed("The input %s came as %q, not as %s.", s.Name, oneLine(header), s.Type)
}

func checkDigest(name, path, want string) error {
	if want == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, want) {
		return failed("The input %s is not the one that was asked for: its digest is %s.", name, got)
	}
	return nil
}

// checkShape looks at the places of a JSON document that the recipe names.
func checkShape(s recipe.Source, path string) error {
	if len(s.Shape) == 0 {
		return nil
	}
	text, err := readFile(path, maxEmbedded)
	if err != nil {
		return err
	}
	document, err := parse(text)
	if err != nil {
		return failed("The input %s is not a JSON document.", s.Name)
	}
	for _, place := range slices.Sorted(maps.Keys(s.Shape)) {
		want := s.Shape[place]
		value, ok := at(document, place)
		if got := kindOf(value); !ok || got != want && want != "any" {
			if !ok {
				got = "nothing"
			}
			return failed("The input %s has %s at %s, where a %s is expected.", s.Name, got, place, want)
		}
	}
	return nil
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	case []any:
		return "list"
	case map[string]any:
		return "table"
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T", value)
}
