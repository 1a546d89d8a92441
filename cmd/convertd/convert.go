package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// tracksRecipe is the recipe that the options for 2D tracks belong to.
const tracksRecipe = "tracks"

// convertCommand converts files without a server, in the same box as a server would.
type convertCommand struct {
	In     string   `arg:"" optional:"" help:"The file; - reads standard input."`
	Out    string   `arg:"" optional:"" help:"The result, with exactly one target; - writes standard output."`
	Recipe string   `help:"Recipe to use (default: the one that takes the file and makes the target)." placeholder:"NAME"`
	To     []string `help:"What to make; may be repeated." placeholder:"ID" sep:"none"`
	Preset string   `help:"Preset of the recipe; parameters that are given win." placeholder:"NAME"`
	Param  []string `help:"Parameter of the recipe; may be repeated. @FILE gives a file, or a secret that is in it." placeholder:"NAME=VALUE" sep:"none"`
	Dir    string   `short:"o" name:"output-dir" help:"Folder for the results (default: beside the file)." placeholder:"DIR" type:"path"`
	Force  bool     `help:"Overwrite files that exist."`

	From        string   `group:"tracks" help:"Format of a track file (default: found by its content)." placeholder:"ID"`
	Width       int      `group:"tracks" help:"Width of the frame in pixels, if the file does not say." placeholder:"PIXELS"`
	Height      int      `group:"tracks" help:"Height of the frame in pixels." placeholder:"PIXELS"`
	FirstFrame  *int     `group:"tracks" help:"Number of the first frame of the shot." placeholder:"FRAME"`
	Tool        []string `group:"tracks" help:"Change the tracks first; may be repeated, in order." placeholder:"NAME[=ARGS]" sep:"none"`
	ListFormats bool     `group:"tracks" help:"List the formats of 2D tracks and exit."`
}

// Run converts one file; nothing is overwritten without --force, nothing partial left.
func (c *convertCommand) Run(a *app) error {
	if c.ListFormats {
		return listFormats(a.stdout)
	}
	if c.In == "" {
		return errors.New("name the file to convert, or - for standard input")
	}
	if c.Out != "" && c.Dir != "" {
		return errors.New("give either OUT or --output-dir, not both")
	}
	set, err := a.recipeSet()
	if err != nil {
		return err
	}
	job, err := newLocalJob(a)
	if err != nil {
		return err
	}
	defer job.remove()
	if err := job.take(c.In, a.stdin); err != nil {
		return err
	}
	r, given, err := c.choose(set, job)
	if err != nil {
		return err
	}
	values, err := job.checkParams(a, r, given)
	if err != nil {
		return err
	}
	if missing := set.Available(r.Name); !missing.OK() {
		return fmt.Errorf("%s is not installed here: %s", strings.Join(missing.Missing, ", "), missing.Remedy)
	}
	outcome, err := job.run(a, r, values)
	if err != nil {
		return err
	}
	return c.place(a, job, outcome)
}

// choose finds the recipe and gathers its parameters from the options.
func (c *convertCommand) choose(set *recipe.Set, job *localJob) (recipe.Recipe, map[string][]string, error) {
	given, err := splitParams(c.Param)
	if err != nil {
		return recipe.Recipe{}, nil, err
	}
	media, ext := job.mediaType, filepath.Ext(job.name)
	r, err := c.pick(set, media, ext)
	if err != nil {
		return recipe.Recipe{}, nil, err
	}
	// What comes from a pipe has no name to judge by: the recipe itself looks at it.
	if err := r.CheckFile(media, ext); err != nil && c.From == "" && c.In != "-" {
		return recipe.Recipe{}, nil, err
	}
	if given, err = r.WithPreset(c.Preset, given); err != nil {
		return recipe.Recipe{}, nil, err
	}
	if takesTargets(r) && len(c.To) > 0 {
		given[recipe.ToParam] = append(given[recipe.ToParam], single(r, c.To)...)
	}
	return r, given, c.addTrackOptions(r, given)
}

// pick finds the recipe: the one named, else tracks where its options are used, else
// the one that makes the target of this file, else the only one that takes the file.
func (c *convertCommand) pick(set *recipe.Set, media, ext string) (recipe.Recipe, error) {
	name := c.Recipe
	if name == "" && c.usesTracks() {
		name = tracksRecipe
	}
	if name == "" && len(c.To) > 0 {
		target, err := set.Choose(c.To[0], media, ext)
		if fault.Is(err, fault.UnsupportedMedia) && c.In == "-" {
			target, err = madeBySomething(set, c.To[0])
		}
		if err != nil {
			return recipe.Recipe{}, err
		}
		name = target.Recipe
	}
	if name == "" {
		return onlyOne(set.For(media, ext))
	}
	r, ok := set.Find(name)
	if !ok {
		return r, fmt.Errorf("there is no recipe %q: `convertd recipes list` names them", name)
	}
	return r, nil
}

// madeBySomething finds a target whatever the file is.
func madeBySomething(set *recipe.Set, to string) (recipe.Target, error) {
	for _, r := range set.All() {
		for _, t := range r.Targets() {
			if t.ID == to {
				return t, nil
			}
		}
	}
	return recipe.Target{}, fmt.Errorf("nothing here makes %q: `convertd recipes list` shows what can be made", to)
}

func (c *convertCommand) usesTracks() bool {
	return c.From != "" || c.Width != 0 || c.Height != 0 || c.FirstFrame != nil || len(c.Tool) > 0
}

func onlyOne(fitting []recipe.Recipe) (recipe.Recipe, error) {
	switch len(fitting) {
	case 0:
		return recipe.Recipe{}, errors.New("no recipe takes this file: `convertd recipes list` shows what can be converted")
	case 1:
		return fitting[0], nil
	}
	names := make([]string, len(fitting))
	for i, r := range fitting {
		names[i] = r.Name
	}
	return recipe.Recipe{}, fmt.Errorf("several recipes take this file: choose with --to, or --recipe %s", strings.Join(names, ", --recipe "))
}

// takesTargets reports whether the recipe makes several things by its parameter `to`.
func takesTargets(r recipe.Recipe) bool {
	for _, p := range r.Params {
		if p.Name == recipe.ToParam {
			return true
		}
	}
	return false
}

// single leaves out the word for everything that the recipe makes ("tracks"): no target
// given says the same.
func single(r recipe.Recipe, to []string) []string {
	var ids []string
	for _, id := range to {
		all := slices.ContainsFunc(r.Targets(), func(t recipe.Target) bool { return t.ID == id && t.Given == nil })
		if !all {
			ids = append(ids, id)
		}
	}
	return ids
}

func splitParams(params []string) (map[string][]string, error) {
	given := map[string][]string{}
	for _, p := range params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--param %s: write NAME=VALUE", p)
		}
		given[name] = append(given[name], value)
	}
	return given, nil
}

// addTrackOptions turns the options for 2D tracks into parameters of that recipe.
func (c *convertCommand) addTrackOptions(r recipe.Recipe, given map[string][]string) error {
	if !c.usesTracks() {
		return nil
	}
	if r.Name != tracksRecipe {
		return fmt.Errorf("--from, --width, --height, --first-frame and --tool are for the recipe %s, not %s", tracksRecipe, r.Name)
	}
	set := func(name, value string) { given[name] = append(given[name], value) }
	if c.From != "" {
		set("from", c.From)
	}
	if c.Width != 0 {
		set("width", strconv.Itoa(c.Width))
	}
	if c.Height != 0 {
		set("height", strconv.Itoa(c.Height))
	}
	if c.FirstFrame != nil {
		set("first_frame", strconv.Itoa(*c.FirstFrame))
	}
	for _, tool := range c.Tool {
		set("tools", tool)
	}
	return nil
}

// explainFields puts the problem of each parameter on a line of its own.
func explainFields(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Fields) == 0 {
		return err
	}
	lines := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		lines[i] = strings.TrimPrefix(field.Pointer, "/params/") + ": " + field.Detail
	}
	return errors.New(strings.Join(lines, "\n"))
}

// sniff returns the media type found in a file's content.
func sniff(path string) (string, error) {
	found, err := mimetype.DetectFile(path)
	if err != nil {
		return "", fmt.Errorf("look into %s: %w", path, err)
	}
	return found.String(), nil
}

// copyTo writes all of r to a new file.
func copyTo(path string, r io.Reader) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, r)
	return err
}
