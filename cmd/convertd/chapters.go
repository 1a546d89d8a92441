package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"convertd/cmd/convertd/config"
	"convertd/runner/recipe/load"
	"convertd/webui"
)

// madeChapter is a chapter of the handbook that is made of the code it is about.
type madeChapter struct {
	name     string
	markdown func(*kong.Node) (string, error)
}

func madeChapters() []madeChapter {
	return []madeChapter{
		{"recipe", func(*kong.Node) (string, error) { return load.Reference() }},
		{"settings", func(*kong.Node) (string, error) { return config.Reference() }},
		{"commands", func(root *kong.Node) (string, error) { return commandsChapter(root), nil }},
		{"calls", func(*kong.Node) (string, error) { return callsChapter(webui.OpenAPI()) }},
	}
}

// commandsChapter is the page about every command.
func commandsChapter(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("# Commands\n\n`convertd COMMAND --help` says the same, and so do the manual pages (`man convertd-backup`). " +
		"Exit status 0: done; 1: not done, and standard error says why and what to do; 2: wrong use. Options of every command:\n")
	writeTable(&b, "option", valuesOf(root))
	title := ""
	for _, n := range shownChildren(root) {
		if n.Group != nil && n.Group.Title != title {
			title = n.Group.Title
			fmt.Fprintf(&b, "\n## %s\n", title)
		}
		fmt.Fprintf(&b, "\n### convertd %s\n\n%s\n", n.Name, n.Help)
		if n.Detail != "" {
			b.WriteString("\n" + n.Detail + "\n")
		}
		b.WriteString("\n```text\n" + strings.Join(usesOf(n), "\n") + "\n```\n")
		writeTable(&b, "option", valuesOf(n))
		for _, child := range shownChildren(n) {
			fmt.Fprintf(&b, "\n`%s`: %s\n", child.Name, child.Help)
			writeTable(&b, "option", valuesOf(child))
		}
	}
	return b.String()
}

func writeTable(b *strings.Builder, head string, rows []valueWords) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | meaning |\n|---|---|\n", head)
	for _, row := range rows {
		fmt.Fprintf(b, "| `%s` | %s |\n", cell(row.term), cell(row.meaning))
	}
}

// cell keeps a text within its cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// openAPIDocument is what a chapter takes of the description of the API.
type openAPIDocument struct {
	Paths      map[string]map[string]openAPICall `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct {
				Description string `json:"description"`
			} `json:"properties"`
		} `json:"schemas"`
	} `json:"components"`
}

type openAPICall struct {
	Summary    string `json:"summary"`
	Parameters []struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Description string `json:"description"`
	} `json:"parameters"`
	Security []map[string][]string `json:"security"`
}

// callsChapter is the page about every call of the API, made of openapi.json.
func callsChapter(openAPI []byte) (string, error) {
	var doc openAPIDocument
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return "", fmt.Errorf("read openapi.json: %w", err)
	}
	var everyone, administrator []valueWords
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			call := doc.Paths[path][method]
			row := valueWords{strings.ToUpper(method) + " " + path, call.words()}
			if len(call.Security) > 0 {
				administrator = append(administrator, row)
				continue
			}
			everyone = append(everyone, row)
		}
	}
	var b strings.Builder
	b.WriteString("# Every call of the API\n\n`/api/v1/openapi.json` of a running service says all of this, and every member of every document, for programs; " +
		"[the API with curl](api.md) shows how it is used.\n\n## For everyone\n")
	writeTable(&b, "call", everyone)
	b.WriteString("\n## For the administrator\n")
	writeTable(&b, "call", administrator)
	b.WriteString("\n## What a submission takes\n\nAs a form (`multipart/form-data`), the parts in any order:\n")
	var members []valueWords
	form := doc.Components.Schemas["SubmissionForm"].Properties
	for _, name := range slices.Sorted(maps.Keys(form)) {
		members = append(members, valueWords{name, form[name].Description})
	}
	members = append(members, valueWords{"param.NAME", "A parameter of the recipe; repeated for a list."})
	writeTable(&b, "part", members)
	return b.String(), nil
}

// words are what a call is for, and what may stand behind its ? or in its head.
func (c openAPICall) words() string {
	text := c.Summary + "."
	for _, p := range c.Parameters {
		switch {
		case p.Name == "manage":
			text = strings.TrimSuffix(text, ".") + " (owner, administrator, or `?manage=TOKEN`)."
		case p.In == "query":
			text += fmt.Sprintf(" `?%s=`: %s", p.Name, p.Description)
		case p.In == "header":
			text += fmt.Sprintf(" `%s:` %s", p.Name, p.Description)
		}
	}
	return text
}
