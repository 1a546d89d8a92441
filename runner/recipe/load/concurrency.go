package load

import (
	"fmt"
	"strings"

	"convertd/runner/recipe"
)

// readConcurrency reads concurrency_key: a text, for jobs that wait for each other, or a
// table with key and busy = "wait" or "reject".
func readConcurrency(t *table) recipe.Concurrency {
	const remedy = `Write it like concurrency_key = "render-{param.scene}", or { key = "…", busy = "reject" }.`
	value, ok := t.get("concurrency_key")
	if !ok {
		return recipe.Concurrency{}
	}
	c := recipe.Concurrency{}
	switch value := value.(type) {
	case string:
		c.Key = value
	case map[string]any:
		inner := t.inner("concurrency_key")
		c.Key = inner.text("key", "render-{param.scene}")
		switch busy := inner.text("busy", "reject"); busy {
		case "", "wait":
		case "reject":
			c.Reject = true
		default:
			inner.wrong("busy", fmt.Sprintf("is %q.", busy), `It is "wait" or "reject".`)
		}
		inner.done()
	}
	if c.Key == "" {
		t.wrong("concurrency_key", "has no key.", remedy)
	}
	return c
}

// checkConcurrency looks at the placeholders of the key: parameters are all that is
// known when a job is submitted.
func checkConcurrency(t *table, r recipe.Recipe, used map[string]bool) {
	w := wordCheck{table: t, recipe: r, key: "concurrency_key", used: used}
	for _, name := range recipe.Placeholders(r.Concurrency.Key) {
		if !strings.HasPrefix(name, "param.") {
			w.wrongWord(r.Concurrency.Key, fmt.Sprintf("has {%s}.", name), "Only parameters, {param.NAME}, are known when jobs are compared.")
			return
		}
	}
	w.env(r.Concurrency.Key)
}
