package load

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"convertd/runner/recipe"
)

func attackMany(t *testing.T, _ recipe.Recipe) {
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("r%d.toml", i)] = fmt.Sprintf("name = \"r%d\"\naccept = [\".x%d\"]\ncommand = [\"true\", \"{input}\"]\n", i, i)
	}
	dir := folder(t, files)
	set, err := Load(dir)
	if err != nil || len(set.All()) < 1000 || len(set.Problems()) > 0 {
		t.Fatalf("1000 recipes: %v, %d in force, problems %v", err, len(set.All()), set.Problems())
	}
	if got := set.For("application/octet-stream", ".x500"); len(got) != 1 || got[0].Name != "r500" {
		t.Errorf("recipes for .x500: %v", got)
	}
	must(t, os.Remove(filepath.Join(dir, "r500.toml")))
	again, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := again.Find("r500"); ok {
		t.Error("a recipe whose file is gone is in force")
	}
	if _, ok := set.Find("r500"); !ok {
		t.Error("the set that was loaded before has changed")
	}
}

func attackAmbiguous(t *testing.T, _ recipe.Recipe) {
	recipeOf := func(name, accept, to string) string {
		return fmt.Sprintf("name = %q\naccept = [%q]\nto = [%q]\ncommand = [\"true\", \"{input}\"]\n", name, accept, to)
	}
	set := loaded(t, map[string]string{
		"a.toml": recipeOf("a", ".xyz", "mp4"), "b.toml": recipeOf("b", ".XYZ", "mp4"),
		"c.toml": recipeOf("c", ".xyz", "webm"), "d.toml": recipeOf("d", "image/*", "webp"), "e.toml": recipeOf("e", "image/png", "webp"),
	})
	var problems []string
	for _, p := range set.Problems() {
		problems = append(problems, filepath.Base(p.File)+" "+p.Message)
	}
	if len(problems) != 1 || !strings.HasPrefix(problems[0], "b.toml Both this recipe and a (") {
		t.Errorf("problems are %q, want one about b", problems)
	}
	for _, tt := range []struct{ media, ext, to, want string }{
		{"", ".xyz", "mp4", "a"}, {"", "xyz", "webm", "c"}, {"image/png", ".png", "webp", "e"}, {"image/jpeg", ".jpg", "webp", "d"},
	} {
		if target, err := set.Choose(tt.to, tt.media, tt.ext); err != nil || target.Recipe != tt.want {
			t.Errorf("%s of %s %s: %+v, %v, want recipe %s", tt.to, tt.media, tt.ext, target, err, tt.want)
		}
	}
}

// attackExpressions: RE2 has no expression that takes more than linear time.
func attackExpressions(t *testing.T, _ recipe.Recipe) {
	const step = "[[step]]\ncommand = [\"true\", \"{input}\"]\n"
	head := "name = \"x\"\naccept = [\".in\"]\n"
	for _, expression := range []string{`(?=a)`, `(a)\\1`, `(`, `a{1001}`, `[`, `*`} {
		refusesRecipe(t, head+step+`fail_if = ["`+expression+`"]`, "is not a regular expression")
		refusesRecipe(t, head+step+"[[step.pattern]]\nmatch = \""+expression+`"`, "is not a regular expression")
	}
	slow := "(x+x+)+y"
	if problems := problemsOf(head + step + `fail_if = ["` + slow + `"]`); len(problems) > 0 {
		t.Fatalf("%q: %q", slow, problems)
	}
	if regexp.MustCompile(slow).MatchString(strings.Repeat("x", 1<<16)) {
		t.Error("an expression matched what it should not")
	}
}
