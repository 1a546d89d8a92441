package load

import (
	"fmt"
	"slices"
	"strings"

	"convertd/runner/recipe"
)

// places is where a text of a request stands, as bits of what may be filled in there.
type places uint

const (
	atSecret   places = 1 << iota // {secret.NAME}
	atRemote                      // {remote.PATH}
	atCallback                    // {callback}
	atStem                        // {stem}
	atFile                        // the file placeholders
	atList                        // a list alone
)

// step looks at the placeholders of everything that a step sends.
func (w wordCheck) step(h *recipe.HTTP, at string) {
	if h == nil {
		return
	}
	w.request(at+"http", h.HTTPRequest, atCallback)
	if h.Poll != nil {
		w.request(at+"http.poll", h.Poll.HTTPRequest, atRemote)
	}
	for key, r := range map[string]*recipe.HTTPRequest{"result": h.Result, "cancel": h.Cancel} {
		if r != nil {
			w.request(at+"http."+key, *r, atRemote)
		}
	}
	w.text(at+"http.save", h.Save, atStem)
}

// source looks at those of a source: it is fetched before anything else is there.
func (w wordCheck) source(s recipe.Source, at string) {
	w.url(at+".url", s.URL, 0)
	for _, name := range names(s.Headers) {
		w.text(at+".headers", s.Headers[name], atSecret)
	}
	w.text(at+".sha256", s.SHA256, 0)
	w.text(at+".prefix", s.Prefix, 0)
}

func (w wordCheck) request(at string, r recipe.HTTPRequest, where places) {
	w.url(at+".url", r.URL, where)
	for _, name := range names(r.Headers) {
		w.text(at+".headers", r.Headers[name], where|atSecret)
	}
	w.text(at+".file", r.File, atFile|atStem)
	for _, name := range names(r.JSON) {
		w.tree(at+".json", r.JSON[name], where, jsonFile())
	}
	for _, name := range names(r.Form) {
		w.tree(at+".form", r.Form[name], where, formFile())
	}
}

// url lets a secret stand in the query alone: what is before it is written in logs.
func (w wordCheck) url(at, text string, where places) {
	before, query, _ := strings.Cut(text, "?")
	w.text(at, before, where)
	w.text(at, query, where|atSecret)
}

func (w wordCheck) tree(at string, value any, where places, files fileKind) {
	switch value := value.(type) {
	case string:
		w.text(at, value, where|atSecret|atList)
	case []any:
		for _, element := range value {
			w.tree(at, element, where, files)
		}
	case []map[string]any:
		for _, element := range value {
			w.tree(at, element, where, files)
		}
	case map[string]any:
		if !files.is(value) {
			for _, name := range names(value) {
				w.tree(at, value[name], where, files)
			}
			return
		}
		file, _ := value["file"].(string)
		allowed := atFile | atStem
		if files.as == nil {
			allowed |= atList // a part for each
		}
		w.text(at, file, allowed)
		name, _ := value["name"].(string)
		w.text(at, name, where)
	}
}

// text looks at the placeholders of one text.
func (w wordCheck) text(at, text string, where places) {
	w.key = at
	_, alone := recipe.Alone(text)
	for _, name := range recipe.Placeholders(text) {
		if w.isList(name) && !(alone && where&atList != 0) {
			w.wrongText(text, fmt.Sprintf("has {%s}, which can be several values.", name), "Only one value fits here.")
			continue
		}
		w.placed(name, text, where)
	}
}

func (w wordCheck) wrongText(text, message, remedy string) {
	w.problem(w.key, fmt.Sprintf("The text %q %s", text, message), remedy)
}

// placed checks one placeholder of a request.
func (w wordCheck) placed(name, text string, where places) {
	kind, rest, _ := strings.Cut(name, ".")
	file := slices.Contains([]string{"input", "inputs", "output", "work", "state", "cache", "source"}, kind)
	switch {
	case kind == "param":
		p, _ := w.param(rest)
		w.paths = p.Type == recipe.File && where&atFile != 0
		w.name(name, text)
	case kind == "secret" && where&atSecret != 0:
		w.secret(rest, text)
	case kind == "secret":
		w.wrongText(text, "has a secret, which would stand in logs.", "Secrets stand in headers, in bodies and behind the ? of a url.")
	case kind == "remote" && rest != "" && where&atRemote != 0, name == "callback" && where&atCallback != 0, name == "stem" && where&atStem != 0:
	case kind == "remote":
		w.wrongText(text, fmt.Sprintf("has {%s}, but the service has answered nothing yet.", name), "Values of its first answer stand in poll, result and cancel.")
	case file && where&atFile != 0:
		w.name(name, text)
	case file:
		w.wrongText(text, fmt.Sprintf("has {%s}, a path that means nothing to the service.", name),
			fmt.Sprintf(`Send the file itself: file = "{%s}", or as a table { file = "{%s}", as = "base64" } in json.`, name, name))
	default:
		w.wrongText(text, fmt.Sprintf("has {%s}, which stands for nothing here.", name), "Known here: {param.NAME}, {secret.NAME}, in later requests {remote.PATH}. If the text itself is meant, write {{"+name+"}}.")
	}
}

func (w wordCheck) secret(name, text string) {
	if _, granted := w.recipe.Access.Secrets[name]; granted {
		return
	}
	if p, ok := w.param(name); ok && p.Type == recipe.Secret {
		w.used[name] = true
		return
	}
	w.wrongText(text, fmt.Sprintf("has {secret.%s}, but there is no such secret.", name),
		fmt.Sprintf(`Name its file: [access] secrets = { %s = "/etc/convertd/secret/%s" }.`, name, strings.ToLower(name)))
}
