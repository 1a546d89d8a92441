package webui

import (
	"net/http"
	"slices"
	"strings"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/webui/auth"
	pages "convertd/webui/page"
)

// runRows is how many runs the page of a button lists.
const runRows = 10

// isButton reports whether the recipe takes no file: its page is a form with a button.
func isButton(r recipe.Recipe) bool { return len(r.Accept) == 0 }

func recipePath(name string) string { return "/recipes/" + name }

// runsPart is the list of a button's runs alone, for pages that stay open: a run that
// somebody else began is new to them.
func (s *Server) runsPart(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	v := s.visit(w, r)
	declared, ok := s.Recipes().Find(p.ByName("name"))
	if !ok || !visible(declared, v.Caller) || !isButton(declared) {
		return noSuchRecipe
	}
	runs, _, err := s.runs(r, v, declared)
	if err != nil {
		return err
	}
	return s.show(w, r, v, runs)
}

// buttonView is the page of a recipe without upload: its form, the run that everybody
// sees, the last ones. Settings are those of the reader's own last run.
func (s *Server) buttonView(r *http.Request, v visit, declared recipe.Recipe, given map[string][]string) (pages.Recipe, error) {
	if given == nil {
		var err error
		if given, err = s.lastSettings(r, v, declared); err != nil {
			return pages.Recipe{}, err
		}
	}
	view := s.recipeView(v, declared, given)
	view.Confirm = v.in(declared.Confirm)
	runs, shown, err := s.runs(r, v, declared)
	if err != nil {
		return pages.Recipe{}, err
	}
	view.Runs = &runs
	if shown == nil {
		return view, nil
	}
	c, err := s.card(r, v, *shown)
	if err != nil {
		return pages.Recipe{}, err
	}
	view.Runs.Card = &c
	view.Icon, view.Percent = c.State, c.Progress.Percent
	return view, nil
}

// lastSettings are the parameters of the reader's own last run, nil when there is none.
func (s *Server) lastSettings(r *http.Request, v visit, declared recipe.Recipe) (map[string][]string, error) {
	own, err := s.Jobs.List(r.Context(), job.Filter{Recipe: declared.Name, Owner: v.Owner, Limit: 1})
	if err != nil || len(own.Jobs) == 0 {
		return nil, err
	}
	return own.Jobs[0].Params, nil
}

// runs are the last runs that the reader may see, and the one to watch, nil for none.
func (s *Server) runs(r *http.Request, v visit, declared recipe.Recipe) (pages.Runs, *job.Job, error) {
	filter := job.Filter{Recipe: declared.Name, Owner: v.Owner, Limit: runRows}
	if declared.Shared || v.Admin {
		filter.Owner = ""
	}
	found, err := s.Jobs.List(r.Context(), filter)
	if err != nil {
		return pages.Runs{}, nil, err
	}
	view := pages.Runs{Recipe: declared.Name, Shared: declared.Shared}
	shown := watchedRun(found.Jobs)
	if shown != nil {
		view.Shown, view.Log = shown.ID, jobLinks(shown.ID).Log
	}
	view.Rows = s.rows(r, v, found.Jobs)
	for i, j := range found.Jobs {
		view.Rows[i].By, view.Rows[i].Settings = who(v, j.Owner), s.settingWords(declared, j)
	}
	alone := declared.Concurrency.Reject && len(recipe.Placeholders(declared.Concurrency.Key)) == 0
	view.Busy = alone && shown != nil && !shown.State.Ended()
	return view, shown, nil
}

// watchedRun is the run that a button's page shows: the newest that runs, else the
// newest that waits, else the last one.
func watchedRun(newestFirst []job.Job) *job.Job {
	for _, fits := range []func(job.Job) bool{
		func(j job.Job) bool { return j.State == job.Running },
		func(j job.Job) bool { return !j.State.Ended() },
		func(job.Job) bool { return true },
	} {
		if i := slices.IndexFunc(newestFirst, fits); i >= 0 {
			return &newestFirst[i]
		}
	}
	return nil
}

// who says in words who ran something: anonymous owners are told to nobody.
func who(v visit, owner string) string {
	switch {
	case owner == v.Owner:
		return v.texts.Text("run.you")
	case auth.NameOf(owner) == "":
		return v.texts.Text("run.nobody")
	}
	return auth.NameOf(owner)
}

// settingWords are the parameters of a run in one line, secrets left out.
func (s *Server) settingWords(declared recipe.Recipe, j job.Job) string {
	var words []string
	for _, p := range declared.Params {
		if value := j.Params[p.Name]; len(value) > 0 && p.Type != recipe.Secret {
			words = append(words, p.Name+" = "+strings.Join(value, ", "))
		}
	}
	return strings.Join(words, " · ")
}

// asRun adds to the card of a run without files what it has instead of a file's name.
func asRun(v visit, c *pages.Card, declared recipe.Recipe, j job.Job) {
	if len(j.Inputs) > 0 || !isButton(declared) {
		return
	}
	c.Name, c.Button = c.What, declared.Name
	if declared.Shared || j.Owner == v.Owner {
		c.By = who(v, j.Owner)
	}
}
