package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"convertd/cmd/convertd/config"
	"convertd/runner/recipe"
	"convertd/systemd"
)

// shelf holds the recipes in force. A reload swaps them while others read.
type shelf struct{ set atomic.Pointer[recipe.Set] }

func newShelf(set *recipe.Set) *shelf {
	s := &shelf{}
	s.set.Store(set)
	return s
}

// Set returns the recipes in force now.
func (s *shelf) Set() *recipe.Set { return s.set.Load() }

// All returns the recipes in order of name.
func (s *shelf) All() []recipe.Recipe { return s.Set().All() }

// Find returns the recipe of that name.
func (s *shelf) Find(name string) (recipe.Recipe, bool) { return s.Set().Find(name) }

// hangups are the SIGHUPs that came and are not yet heeded.
type hangups chan os.Signal

// takeHangups keeps SIGHUP from ending the program, from now on.
func takeHangups() hangups {
	h := make(hangups, 1)
	signal.Notify(h, syscall.SIGHUP)
	return h
}

// serve calls reload at each SIGHUP until ctx ends.
func (h hangups) serve(ctx context.Context, reload func()) {
	defer signal.Stop(h)
	for {
		select {
		case <-ctx.Done():
			return
		case <-h:
			reload()
		}
	}
}

// reloader reads settings and recipes anew for one service.
type reloader struct {
	app     *app
	flags   map[string]string
	recipes *shelf
	// loaded is what the service runs with.
	loaded config.Loaded
	// fixed are the sections and settings that the service uses and that only its restart changes.
	fixed []string
	// apply puts the settings of the other sections in force; nil where there are none.
	apply func(config.Loaded)
}

// told returns reload with the service manager told of its begin and end.
func (r *reloader) told(manager *systemd.Manager) func() {
	return func() {
		r.app.warn("service manager not told", manager.Reloading())
		r.reload()
		r.app.warn("service manager not told", manager.Ready())
	}
}

// reload puts in force what is right in itself: the settings if the file has no error,
// the recipes if none of them has. Otherwise what was in force stays, whole, and every
// error is logged.
func (r *reloader) reload() {
	loaded, err := r.app.settings(r.flags)
	if err != nil {
		r.app.log.Error("not reloaded: the configuration has errors; settings and recipes stay as they were", "error", err)
		return
	}
	r.reloadRecipes(loaded)
	for _, name := range config.Changed(r.loaded, loaded) {
		if section, _, _ := strings.Cut(name, "."); slices.Contains(r.fixed, section) || slices.Contains(r.fixed, name) {
			r.app.log.Warn("a changed setting is used only after a restart of this service", "setting", name)
		}
	}
	if r.apply != nil {
		r.apply(loaded)
	}
}

// reloadRecipes swaps the recipes, all or none. When none, the pages and `doctor` show
// the errors of the new files beside the recipes of before.
func (r *reloader) reloadRecipes(loaded config.Loaded) {
	set, err := r.app.loadRecipes(loaded)
	if err != nil {
		r.app.log.Error("recipes not reloaded; those of before stay in force", "error", err)
		return
	}
	problems := set.Problems()
	if !slices.ContainsFunc(problems, func(p recipe.Problem) bool { return !p.Warning }) {
		r.recipes.set.Store(set)
		r.app.log.Info("recipes reloaded", "recipes", len(set.All()))
		return
	}
	for i := range problems {
		if !problems[i].Warning {
			problems[i].Message = "Since the last reload: " + problems[i].Message
		}
	}
	before := r.recipes.Set().All()
	r.recipes.set.Store(recipe.NewSet(before, problems))
	r.app.log.Error("recipes not reloaded; those of before stay in force",
		"recipes", len(before), "problems", len(problems), "remedy", "mend the files until `convertd recipes check` is content, and reload again")
}
