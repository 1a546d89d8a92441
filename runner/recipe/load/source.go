package load

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"convertd/runner/recipe"
)

// readSources reads [[source]].
func readSources(t *table) []recipe.Source {
	var sources []recipe.Source
	for _, inner := range t.inners("source") {
		s := readSource(inner)
		if slices.ContainsFunc(sources, func(other recipe.Source) bool { return other.Name == s.Name }) && s.Name != "" {
			inner.wrong("name", fmt.Sprintf("is %q, as of another source.", s.Name), "Give it another name.")
		}
		sources = append(sources, s)
	}
	return sources
}

func readSource(t *table) recipe.Source {
	s := recipe.Source{
		Name: t.text("name", "customer"), Title: t.words("title"), URL: readURL(t), Headers: readHeaders(t),
		Type: strings.ToLower(t.text("type", "application/json")), SHA256: strings.ToLower(t.text("sha256", "{param.sha256}")),
		Shape: t.pairs("shape"), TTL: t.duration("ttl", time.Second, maxKeep),
		Prefix: t.text("prefix", "{param.customer}/{param.version}"), Patience: readPatience(t),
	}
	switch {
	case !t.has("name"):
		t.wrong("name", "is missing.", `Write it like name = "customer"; {source.customer} is the file then.`)
	case s.Name != "" && !isName(s.Name, "-_"):
		t.wrong("name", fmt.Sprintf("is %q.", s.Name), "It begins with a lower-case letter and goes on with lower-case letters, digits, - and _.")
	}
	if s.Type != "" && !isMediaType(s.Type) {
		t.wrong("type", fmt.Sprintf("is %q, which is not a media type.", s.Type), "Write it like application/json.")
	}
	if s.SHA256 != "" && len(recipe.Placeholders(s.SHA256)) == 0 && !isSHA256(s.SHA256) {
		t.wrong("sha256", "is not a digest of 64 hex digits.", "Write what sha256sum prints, or a {param.NAME}.")
	}
	if s.Prefix != "" && s.TTL == 0 {
		t.wrong("prefix", "names a copy, but none is kept.", `Write how long it is: ttl = "1h".`)
	}
	for _, place := range names(s.Shape) {
		kinds := []string{"string", "number", "boolean", "list", "table", "any"}
		if !slices.Contains(kinds, s.Shape[place]) {
			t.wrong("shape", fmt.Sprintf("says %q of %s.", s.Shape[place], place), "It is one of "+strings.Join(kinds, ", ")+".")
		}
		if slices.Contains(strings.Split(place, "."), "") {
			t.wrong("shape", fmt.Sprintf("has %q, which names no place in a JSON document.", place), "Write names and list indexes with dots between, like orders.0.id.")
		}
	}
	t.done()
	return s
}

func isSHA256(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// Bounds of a cache's size.
const (
	minCache, maxCache = 1 << 20, 1 << 50
	usualCache         = 10 << 30
)

// readCache reads [cache].
func readCache(t *table, upload bool) recipe.Cache {
	if t == nil {
		return recipe.Cache{}
	}
	c := recipe.Cache{Size: t.size("size", minCache, maxCache), Shared: t.boolean("shared"), Trusted: t.boolean("trusted")}
	if c.Size == 0 {
		c.Size = usualCache
	}
	switch {
	case c.Shared && upload && !c.Trusted:
		t.wrong("shared", "lets a file of one person leave something for the jobs of all others.",
			"Remove it, or write trusted = true if the programs of this recipe can be trusted with every file.")
	case c.Trusted && !(c.Shared && upload):
		t.wrong("trusted", "changes nothing here: only a shared cache of a recipe with upload needs it.", "Remove it.")
	}
	t.done()
	return c
}
