package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"convertd/cmd/convertd/config"
	"convertd/runner/recipe"
	"convertd/runner/recipe/load"
)

// recipesCommand looks at recipes, and tries one that is being written.
type recipesCommand struct {
	List  recipesListCommand  `cmd:"" help:"List the recipes in force and what is wrong with the others."`
	Check recipesCheckCommand `cmd:"" help:"Check a recipe file, or all of them: every problem with its line and remedy."`
	Show  recipesShowCommand  `cmd:"" help:"Print the file of a recipe."`
	Try   recipesTryCommand   `cmd:"" help:"Run a recipe file here and now, in the box, and show all that convertd makes of it."`

	Reference recipesReferenceCommand `cmd:"" help:"Print every key that a recipe file may have, as Markdown."`
}

// recipeSet loads the recipes as the service would, problems left to the caller.
func (a *app) recipeSet() (*recipe.Set, error) {
	loaded, err := a.settings(nil)
	if err != nil {
		return nil, err
	}
	return readRecipes(loaded)
}

// readRecipes reads the shipped recipes and those of the configured folder. The default
// folder need not exist.
func readRecipes(loaded config.Loaded) (*recipe.Set, error) {
	set, err := load.Load(loaded.Recipes.Dir)
	if errors.Is(err, os.ErrNotExist) && loaded.From["recipes.dir"] == "" {
		set, err = load.Load("")
	}
	if err != nil {
		return nil, fmt.Errorf("[recipes] dir: %w", err)
	}
	return set, nil
}

type recipesListCommand struct{}

// Run prints one line a recipe, and the problems.
func (*recipesListCommand) Run(a *app) error {
	set, err := a.recipeSet()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RECIPE\tTAKES\tMAKES\tSTATE\tACCESS")
	for _, r := range set.All() {
		state := "ready"
		if missing := set.Available(r.Name); !missing.OK() {
			state = "not installed: " + missing.Remedy
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Name, few(r.Accept), few(r.To), state, accessWords(r))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.printProblems(set.Problems())
}

// accessWords says what of the machine and the network the recipe is granted.
func accessWords(r recipe.Recipe) string {
	if !r.Access.Grants() {
		return "-"
	}
	return strings.Join(r.Access.Words(), ", ")
}

// few joins the first words of a list.
func few(words []string) string {
	const most = 4
	if len(words) == 0 {
		return "-"
	}
	if len(words) > most {
		return strings.Join(words[:most], " ") + " …"
	}
	return strings.Join(words, " ")
}

// printProblems prints every problem and fails if one of them switches a recipe off.
func (a *app) printProblems(problems []recipe.Problem) error {
	var err error
	for _, p := range problems {
		_, _ = fmt.Fprintln(a.stderr, p)
		if !p.Warning {
			err = errSilent
		}
	}
	return err
}

type recipesCheckCommand struct {
	File string `arg:"" optional:"" help:"Recipe file (default: all recipes in force)." type:"existingfile"`
}

// Run exits 0 only if nothing is wrong.
func (c *recipesCheckCommand) Run(a *app) error {
	var problems []recipe.Problem
	var looked []recipe.Recipe
	if c.File == "" {
		set, err := a.recipeSet()
		if err != nil {
			return err
		}
		problems, looked = set.Problems(), set.All()
	} else {
		var r recipe.Recipe
		r, problems = load.File(c.File)
		looked = append(looked, r)
	}
	for _, r := range looked {
		if r.Access.Grants() {
			_, _ = fmt.Fprintf(a.stdout, "%s %s.\n", r.Name, accessWords(r))
		}
	}
	if err := a.printProblems(problems); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(a.stdout, "No problems.")
	return nil
}

type recipesReferenceCommand struct{}

// Run prints the page that handbook/recipe.md is.
func (*recipesReferenceCommand) Run(a *app) error {
	page, err := load.Reference()
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.stdout, page)
	return err
}

type recipesShowCommand struct {
	Name string `arg:"" help:"Name of a recipe."`
}

// Run prints the recipe as a recipe file.
func (c *recipesShowCommand) Run(a *app) error {
	set, err := a.recipeSet()
	if err != nil {
		return err
	}
	r, ok := set.Find(c.Name)
	if !ok {
		return errors.New("there is no recipe " + c.Name + ": `convertd recipes list` names them")
	}
	source, err := load.Source(r)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(source)
	return err
}
