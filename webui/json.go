package webui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"convertd/runner/fault"
)

// readJSON reads a small JSON object into a struct. What the struct does not know is
// unsupported, never ignored; names twice and deep nesting are refused, because two
// readers would understand them differently.
func (s *Server) readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return fault.New(fault.UnsupportedMedia, "The request is no JSON.", "Send Content-Type: application/json.")
	}
	body, err := s.openBody(w, r, maxJSON)
	if err != nil {
		return err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return badJSON(err)
	}
	if err != nil {
		return err
	}
	if err := plainJSON(json.NewDecoder(bytes.NewReader(text)), 0); err != nil {
		return badJSON(err)
	}
	if err := unknownMembers(text, into); err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return badJSON(err)
	}
	return nil
}

func badJSON(err error) error {
	return fault.Wrap(err, fault.Invalid, "The request is not the JSON object that is expected here.", "The OpenAPI document at /api/v1/openapi.json describes it.")
}

// plainJSON walks one value and refuses names twice and nesting beyond maxDepth.
func plainJSON(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth >= maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			if key, ok := name.(string); !ok || seen[key] {
				return fmt.Errorf("member %q is there twice", name)
			} else {
				seen[key] = true
			}
		}
		if err := plainJSON(d, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token() // the closing one
	return err
}

// unknownMembers names the members of the object that the struct does not have.
func unknownMembers(text []byte, into any) error {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		return badJSON(err)
	}
	for field := range reflect.TypeOf(into).Elem().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		delete(members, name)
	}
	for name := range members {
		return unsupportedField(name)
	}
	return nil
}

func unsupportedField(name string) error {
	return &fault.Error{Code: fault.Unsupported,
		Message: fmt.Sprintf("The field %q is not known here.", shorten(name)),
		Hint:    "Leave it out. The OpenAPI document at /api/v1/openapi.json names what can be sent.",
		Fields:  []fault.Field{{Pointer: "/" + shorten(name), Detail: "This field is not known."}}}
}

// shorten keeps what a stranger wrote from filling a message.
func shorten(text string) string {
	const most = 60
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}
