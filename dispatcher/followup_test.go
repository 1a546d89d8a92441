package dispatcher

import (
	"testing"

	"convertd/runner/recipe"
)

func TestMayFollow(t *testing.T) {
	t.Parallel()
	file := []string{".txt"}
	for name, c := range map[string]struct {
		r    recipe.Recipe
		want bool
	}{
		"a plain recipe":                  {recipe.Recipe{Accept: file}, true},
		"a button without access":         {recipe.Recipe{}, true},
		"a button with access":            {recipe.Recipe{Access: recipe.Access{Write: []string{"/srv"}}}, false},
		"a button that speaks to a host":  {recipe.Recipe{Access: recipe.Access{Hosts: []string{"a"}}}, false},
		"a recipe with access for a file": {recipe.Recipe{Accept: file, Access: recipe.Access{Read: []string{"/srv"}}}, true},
		"for the owner":                   {recipe.Recipe{Accept: file, Visible: recipe.Visible{Owners: []string{"ann"}}}, true},
		"for others":                      {recipe.Recipe{Accept: file, Visible: recipe.Visible{Owners: []string{"bob"}}}, false},
	} {
		if got := mayFollow(c.r, "ann") == nil; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
