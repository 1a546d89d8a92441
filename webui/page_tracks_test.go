package webui_test

import (
	"net/http"
	"strings"
	"testing"

	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
	"convertd/webui"
)

// The frame size of tracks is asked for only where the file does not say it.
func TestChoices_ask_for_the_frame_size(t *testing.T) {
	t.Parallel()
	set, err := load.Load("")
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t, func(o *webui.Options) { o.Recipes = func() *recipe.Set { return set } }).browser()
	for name, c := range map[string]struct {
		file string
		want []string
		open bool
	}{
		"said.csv":   {"# width 1920\n# height 1080\ntracker,frame,x,y\na,0,1,2\n", []string{"The file says 1920.", "The file says 1080."}, false},
		"unsaid.txt": {"1\npoint\n0\n1\n1 2.0 3.0\n", []string{"Looks like 3DEqualizer 4", "The file does not say it"}, true},
		"none.txt":   {"a letter\n", []string{"Needed only where the file does not say it"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			page := words(b.do(http.MethodPost, "/choices?name="+name, "application/octet-stream", strings.NewReader(c.file)))
			for _, want := range c.want {
				if !strings.Contains(page, want) {
					t.Errorf("no %q in %s", want, shown(page))
				}
			}
			if open := strings.Contains(page, `data-settings="tracks" open`); open != c.open {
				t.Errorf("the settings are open: %v, want %v", open, c.open)
			}
		})
	}
}
