package webui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"convertd/runner/recipe"
	"convertd/webui"
	"convertd/webui/client"
)

// withPresets is a bench whose recipe "shrink" has two presets.
func withPresets(o *webui.Options) {
	r, _ := testRecipes().Find("copy")
	r.Name = "shrink"
	r.Presets = []recipe.Preset{
		{Name: "mail", Title: recipe.Text{"": "Small, for mail"}, Params: recipe.Values{"quality": {"2"}, "colours": {"red", "blue"}}},
		{Name: "web", Title: recipe.Text{"": "For the web"}, Help: recipe.Text{"": "Quick."}, Params: recipe.Values{"quality": {"7"}}},
	}
	set := recipe.NewSet([]recipe.Recipe{r}, nil)
	o.Recipes = func() *recipe.Set { return set }
}

func TestPreset_fills_what_is_not_given(t *testing.T) {
	t.Parallel()
	b := setup(t, withPresets)
	file := upload{"a.txt", "x"}
	for _, row := range []struct {
		name   string
		fields []string
		want   map[string]any
	}{
		{"alone", []string{"preset=mail"}, map[string]any{"quality": 2.0, "colours": []any{"red", "blue"}}},
		{"with a parameter that wins", []string{"preset=mail", "param.quality=9"}, map[string]any{"quality": 9.0, "colours": []any{"red", "blue"}}},
		{"with a blank field", []string{"preset=web", "param.quality="}, map[string]any{"quality": 7.0}},
		{"none", []string{"preset="}, map[string]any{"quality": 5.0}},
	} {
		j := b.submit(append(row.fields, "recipe=shrink"), file).job(t, http.StatusAccepted)
		if diff := cmp.Diff(row.want, j.Params); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
	j := b.submitJSON(`{"recipe": "shrink", "preset": "mail", "params": {"colours": ["green"]}, "inputs": [{"job": "`+
		b.submit([]string{"recipe=shrink"}, file).job(t, http.StatusAccepted).ID+`", "output": "out.txt"}]}`).job(t, http.StatusAccepted)
	if diff := cmp.Diff(map[string]any{"quality": 2.0, "colours": []any{"green"}}, j.Params); diff != "" {
		t.Errorf("JSON: %s", diff)
	}
}

func TestPreset_that_is_not_there(t *testing.T) {
	t.Parallel()
	b := setup(t, withPresets)
	a := b.submit([]string{"recipe=shrink", "preset=mial"}, upload{"a.txt", "x"})
	p := a.problem(t)
	if a.StatusCode != http.StatusBadRequest || !strings.Contains(p.Hint, "Did you mean mail?") || len(p.Errors) != 1 || p.Errors[0].Pointer != "/preset" {
		t.Errorf("problem %+v", p)
	}
}

func TestPreset_is_told_of(t *testing.T) {
	t.Parallel()
	b := setup(t, withPresets)
	var d client.Recipe
	b.ask(http.MethodGet, "/api/v1/recipes/shrink", &d)
	want := []client.Preset{
		{Name: "mail", Title: "Small, for mail", Params: map[string]any{"quality": 2.0, "colours": []any{"red", "blue"}}},
		{Name: "web", Title: "For the web", Description: "Quick.", Params: map[string]any{"quality": 7.0}},
	}
	if diff := cmp.Diff(want, d.Presets); diff != "" {
		t.Error(diff)
	}
}

func TestPreset_pages_without_scripts(t *testing.T) {
	t.Parallel()
	b := setup(t, withPresets).browser()
	const current = ` aria-current="true">`
	says(t, b.open("/recipes/shrink", 200), `name="param.quality" value="5"`, current+"Standard</a>", `href="/recipes/shrink?preset=mail"`)
	says(t, b.open("/recipes/shrink?preset=mail", 200), `name="param.quality" value="2"`, "red\nblue</textarea>", current+"Small, for mail</a>")
	says(t, b.open("/recipes/shrink?preset=gone", 200), `name="param.quality" value="5"`)
	id := b.submitted([]string{"recipe=shrink", "param.quality=7", "param.title=", "param.colours="}, upload{"a.txt", "x"})
	says(t, b.open("/recipes/shrink", 200), `name="param.quality" value="7"`, current+"For the web</a>")
	says(t, b.open("/recipes/shrink?preset=", 200), `name="param.quality" value="5"`)
	b.post("/jobs/" + id + "/cancel")
	says(t, b.open("/jobs/"+id+"/retry", 200), current+"For the web</a>", `href="/jobs/`+id+`/retry?preset=mail"`)
	says(t, b.open("/jobs/"+id+"/retry?preset=mail", 200), `name="param.quality" value="2"`, current+"Small, for mail</a>")
	b.submitted([]string{"recipe=shrink", "param.quality=8"}, upload{"a.txt", "x"})
	if page := b.open("/recipes/shrink", 200); strings.Contains(page, current+"For the web</a>") {
		t.Error("a preset is remembered after a job with settings of its own")
	}
}
