package webui

import (
	"net/http"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/webui/auth"
	"convertd/webui/client"
)

// visible reports whether a caller may know of a recipe.
func visible(r recipe.Recipe, caller auth.Caller) bool { return allowed(r, caller) == nil }

// listRecipes serves what can be done here.
func (s *Server) listRecipes(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	caller := s.Guard.Caller(r)
	set := s.Recipes()
	shown := []client.Recipe{}
	for _, declared := range set.All() {
		if visible(declared, caller) {
			shown = append(shown, recipeDocument(declared, set, caller))
		}
	}
	return writeTagged(w, r, struct {
		Recipes []client.Recipe `json:"recipes"`
	}{shown})
}

// findRecipe returns the route's recipe if the caller may know of it.
func (s *Server) findRecipe(r *http.Request, p httprouter.Params) (recipe.Recipe, error) {
	declared, ok := s.Recipes().Find(p.ByName("name"))
	if !ok || !visible(declared, s.Guard.Caller(r)) {
		return declared, fault.New(fault.NotFound, "There is no recipe of this name.", "The list at /api/v1/recipes names them all.")
	}
	return declared, nil
}

// getRecipe serves one recipe.
func (s *Server) getRecipe(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	declared, err := s.findRecipe(r, p)
	if err != nil {
		return err
	}
	return writeTagged(w, r, recipeDocument(declared, s.Recipes(), s.Guard.Caller(r)))
}

// listRecipeJobs serves the runs of a shared recipe to all who may use it.
func (s *Server) listRecipeJobs(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	declared, err := s.findRecipe(r, p)
	if err != nil {
		return err
	}
	filter, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	filter.Recipe = declared.Name
	if !declared.Shared {
		if err := restrict(&filter, s.Guard.Caller(r)); err != nil {
			return err
		}
	}
	return s.writeList(w, r, filter, declared.Shared)
}

// recipeDocument tells a caller of a recipe: what goes in, what comes out, what can be
// set, and whether it can run here. How it does that is not for everybody.
func recipeDocument(r recipe.Recipe, set *recipe.Set, caller auth.Caller) client.Recipe {
	least, most := inputRange(r)
	available := set.Available(r.Name)
	d := client.Recipe{
		Name: r.Name, Version: r.Version, Title: r.Title.In(""), Description: r.Description.In(""),
		Accept: r.Accept, To: []string{}, Inputs: client.InputRange{Min: least, Max: most},
		Params: r.Schema(""), Available: available.OK(), Shared: r.Shared,
		Confirm: r.Confirm.In(""), Presets: []client.Preset{},
	}
	for _, p := range r.Presets {
		d.Presets = append(d.Presets, client.Preset{
			Name: p.Name, Title: titleOf(p.Title.In(""), p.Name), Description: p.Help.In(""), Params: r.TypedParams(p.Params),
		})
	}
	if d.Accept == nil {
		d.Accept = []string{}
	}
	if d.Title == "" {
		d.Title = r.Name
	}
	for _, t := range r.Targets() {
		if t.ID != "" {
			d.To = append(d.To, t.ID)
		}
	}
	if !available.OK() {
		d.Problem = "What it needs is not installed here."
		if caller.Admin {
			d.Problem = available.Remedy
		}
	}
	return d
}

// administrator refuses everybody else; without a token there is no such area.
func (s *Server) administrator(r *http.Request) error {
	switch {
	case !s.Guard.Administered():
		return noSuchPage
	case !s.Guard.Caller(r).Admin:
		return fault.New(fault.Unauthorized, "This is for the administrator.", "Send the administrator's token as Authorization: Bearer.")
	}
	return nil
}
