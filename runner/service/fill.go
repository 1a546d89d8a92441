package service

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"convertd/runner/recipe"
)

// filler puts values in the place of placeholders. Each text is filled once, when it is
// used, and what a value contains is never looked at again.
type filler struct {
	vars     recipe.Vars
	secret   func(name string) (string, error)
	callback string
	// answers are what the service answered, the latest first.
	answers []any
}

// text fills a text; what escape returns stands in the place of each value.
func (f *filler) text(text string, escape func(string) string) (string, error) {
	return recipe.Expand(text, func(name string) (string, error) {
		value, err := f.one(name)
		if err != nil || escape == nil {
			return value, err
		}
		return escape(value), nil
	})
}

func (f *filler) one(name string) (string, error) {
	kind, rest, _ := strings.Cut(name, ".")
	switch kind {
	case "secret":
		return f.secret(rest)
	case "callback":
		return f.callback, nil
	case "remote":
		value, err := f.remote(rest)
		if err != nil {
			return "", err
		}
		return plain(value)
	}
	return f.vars.One(name)
}

// remote finds a value in the answers.
func (f *filler) remote(path string) (any, error) {
	for _, answer := range f.answers {
		if value, ok := at(answer, path); ok && value != nil {
			return value, nil
		}
	}
	return nil, failed("The service's answer has nothing at %q, which the recipe needs.", path)
}

// plain writes a value of a JSON document as text.
func plain(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case json.Number:
		return value.String(), nil
	case bool:
		return fmt.Sprint(value), nil
	}
	return "", failed("The service's answer has a table or list where the recipe needs a text.")
}

// url fills an address. A value stands for itself alone: in a path it is one element of
// it, in a query one value, in place of a host nothing but a host. A value that is the
// whole address may be relative to base, which may be nil.
func (f *filler) url(template string, base *url.URL) (*url.URL, error) {
	text, err := f.address(template)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, failed("An address of the service cannot be read once its placeholders are filled.")
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, failed("The address %s is not one of http or https.", shown(u))
	}
	u.Fragment = ""
	return u, nil
}

func (f *filler) address(template string) (string, error) {
	if name, alone := recipe.Alone(template); alone {
		return f.one(name)
	}
	before, query, hasQuery := strings.Cut(template, "?")
	scheme, rest, _ := strings.Cut(before, "://")
	authority, path, _ := strings.Cut(rest, "/")
	host, err := f.text(authority, nil)
	if err != nil {
		return "", err
	}
	if strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") != "" || host == "" {
		return "", failed("%q is not a host.", host)
	}
	if path, err = f.text(path, url.PathEscape); err != nil {
		return "", err
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "." || element == ".." {
			return "", failed("A value of %q would lead to another place of the service.", element)
		}
	}
	text := scheme + "://" + host + "/" + path
	if hasQuery {
		if query, err = f.text(query, url.QueryEscape); err != nil {
			return "", err
		}
		text += "?" + query
	}
	return text, nil
}

// shown is an address without what may be secret in it.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// origin is what a browser compares: scheme, host and port.
func origin(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) }

// headers fills the values of headers.
func (f *filler) headers(templates map[string]string) (map[string]string, error) {
	headers := make(map[string]string, len(templates))
	for name, template := range templates {
		value, err := f.text(template, nil)
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, failed("The value of the header %s has a character that no header can have.", name)
		}
		if value != "" {
			headers[name] = value
		}
	}
	return headers, nil
}

// at finds a value in a JSON document: names and list indexes with dots between.
func at(document any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch node := document.(type) {
		case map[string]any:
			value, ok := node[name]
			if !ok {
				return nil, false
			}
			document = value
		case []any:
			i, ok := index(name, len(node))
			if !ok {
				return nil, false
			}
			document = node[i]
		default:
			return nil, false
		}
	}
	return document, true
}

// index reads a list index; negative ones count from the end.
func index(text string, length int) (int, bool) {
	var i int
	if _, err := fmt.Sscanf(text, "%d", &i); err != nil {
		return 0, false
	}
	if i < 0 {
		i += length
	}
	return i, i >= 0 && i < length
}
