// Package load reads recipe files: the shipped ones, and a folder of the
// administrator's own over them. It finds every error of every file at once, with file,
// line and remedy; a recipe with an error is left out of the set, the others work.
//
// It does not own what a recipe is or means (package recipe), nor running it (package
// runner). It may import recipe, fault, progress and the TOML reader; the child program
// must not import it.
package load

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"convertd/runner/recipe"
)

//go:embed shipped/*.toml
var shipped embed.FS

// maxFileBytes is far beyond any recipe; a larger file was put into the folder by mistake.
const maxFileBytes = 1 << 20

// Load returns the shipped recipes with those of the folder's *.toml files over them: a
// file whose recipe has the name of a shipped one replaces it, or with `enabled = false`
// switches it off. An empty dir means the shipped ones alone. What is wrong with recipe
// files is in the set's Problems; the error is about the folder itself and wraps
// fs.ErrNotExist when there is none.
func Load(dir string) (*recipe.Set, error) {
	m := merge{taken: map[string]declared{}}
	for _, name := range shippedFiles() {
		m.add(readShipped(name))
	}
	own, err := ownFiles(dir)
	if err != nil {
		return nil, err
	}
	for _, file := range own {
		m.add(readOwn(file))
	}
	return m.set(), nil
}

// File reads and checks one recipe file, without looking at any other.
func File(file string) (recipe.Recipe, []recipe.Problem) {
	d := readOwn(file)
	return d.recipe, d.problems
}

// Source returns the text of the file that the recipe was declared in.
func Source(r recipe.Recipe) ([]byte, error) {
	if r.Shipped {
		return shipped.ReadFile(r.Source)
	}
	return os.ReadFile(r.Source)
}

// declared is what one file says.
type declared struct {
	file     string
	recipe   recipe.Recipe
	off      bool // enabled = false
	problems []recipe.Problem
}

func (d declared) broken() bool {
	return slices.ContainsFunc(d.problems, func(p recipe.Problem) bool { return !p.Warning })
}

func shippedFiles() []string {
	names, err := fs.Glob(shipped, "shipped/*.toml")
	if err != nil {
		return nil // the pattern is a constant
	}
	return names
}

func ownFiles(dir string) ([]string, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read folder of recipes: %w", err)
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".toml") && !strings.HasPrefix(e.Name(), ".") {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, nil
}

func readShipped(name string) declared {
	text, err := shipped.ReadFile(name)
	if err != nil {
		return unreadable(name, err)
	}
	d := parse(name, text)
	d.recipe.Shipped = true
	return d
}

func readOwn(file string) declared {
	text, problem := readFile(file)
	if problem != nil {
		return declared{file: file, problems: []recipe.Problem{*problem}}
	}
	d := parse(file, text)
	d.problems = append(d.problems, aboutMachine(file, text, d.recipe)...)
	return d
}

func unreadable(file string, err error) declared {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return declared{file: file, problems: []recipe.Problem{{
		File: file, Message: fmt.Sprintf("The recipe cannot be read: %v.", err),
		Remedy: "Make it readable for the user that convertd runs as.",
	}}}
}

// readFile reads a recipe file that nobody but its owner and group can have changed.
func readFile(file string) ([]byte, *recipe.Problem) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, &unreadable(file, err).problems[0]
	}
	problem := func(message, remedy string) *recipe.Problem {
		return &recipe.Problem{File: file, Message: message, Remedy: remedy}
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, problem("This is not a regular file.", "Put recipes into the folder as plain files.")
	case info.Size() > maxFileBytes:
		return nil, problem("The file is larger than 1 MiB, so it is hardly a recipe.", "Move it elsewhere.")
	case info.Mode().Perm()&0o002 != 0:
		return nil, problem("Everybody on this machine can change this recipe, and so decide what convertd runs.",
			"Run: chmod o-w "+file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &unreadable(file, err).problems[0]
	}
	return text, nil
}

// merge puts the files together, later over earlier.
type merge struct {
	taken    map[string]declared
	problems []recipe.Problem
}

func (m *merge) add(d declared) {
	m.problems = append(m.problems, d.problems...)
	name := d.recipe.Name
	if name == "" {
		return
	}
	if other, ok := m.taken[name]; ok && !other.recipe.Shipped {
		m.problems = append(m.problems, recipe.Problem{
			File: d.file, Recipe: name,
			Message: fmt.Sprintf("The name %s is taken by %s.", name, other.file),
			Remedy:  "Give this recipe another name.",
		})
		return
	}
	m.taken[name] = d
}

func (m *merge) set() *recipe.Set {
	var recipes []recipe.Recipe
	for _, d := range m.taken {
		if !d.off && !d.broken() {
			recipes = append(recipes, d.recipe)
		}
	}
	slices.SortFunc(recipes, func(a, b recipe.Recipe) int {
		return cmp.Or(compareBool(b.Shipped, a.Shipped), cmp.Compare(a.Source, b.Source))
	})
	recipes, conflicts := withoutConflicts(recipes)
	m.problems = append(m.problems, conflicts...)
	slices.SortStableFunc(m.problems, func(a, b recipe.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return recipe.NewSet(recipes, m.problems)
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// withoutConflicts leaves out own recipes that make the same target of the same files as
// an own recipe before them, because nothing would say which one to take. Between an own
// recipe and a shipped one the own is taken, so that is no conflict.
func withoutConflicts(recipes []recipe.Recipe) ([]recipe.Recipe, []recipe.Problem) {
	holders := map[claim]recipe.Recipe{}
	var kept []recipe.Recipe
	var problems []recipe.Problem
next:
	for _, r := range recipes {
		claims := claimsOf(r)
		for _, c := range claims {
			if other, ok := holders[c]; ok && other.Shipped == r.Shipped {
				problems = append(problems, recipe.Problem{
					File: r.Source, Recipe: r.Name,
					Message: fmt.Sprintf("Both this recipe and %s (%s) make %q of %s.", other.Name, other.Source, c.target, c.accept),
					Remedy:  "Give one of them another target, accept other files, or switch one off with enabled = false.",
				})
				continue next
			}
		}
		for _, c := range claims {
			holders[c] = r
		}
		kept = append(kept, r)
	}
	return kept, problems
}

// claim is one target of one kind of file.
type claim struct{ accept, target string }

// claimsOf are the claims of a recipe that people choose by target; one without targets
// is chosen by its name.
func claimsOf(r recipe.Recipe) []claim {
	var claims []claim
	for _, t := range r.Targets() {
		for _, a := range r.Accept {
			if t.ID != "" {
				claims = append(claims, claim{a, t.ID})
			}
		}
	}
	return claims
}
