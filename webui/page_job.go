package webui

import (
	"net/http"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
	pages "convertd/webui/page"
)

// reloadSeconds is how often a page without scripts looks again.
const reloadSeconds = 3

// jobPage shows one job.
func (s *Server) jobPage(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	v := s.visit(w, r)
	c, err := s.card(r, v, j)
	if err != nil {
		return err
	}
	c.Alone, c.Facts = true, s.facts(v, j)
	view := pages.Job{Frame: s.frame(v, cardTitle(v, c), ""), Card: c, Group: j.Group, RetryOf: j.RetryOf, Log: jobLinks(j.ID).Log}
	view.Icon, view.Percent, view.Lead = c.State, c.Progress.Percent, lead(v, c)
	if !c.Ended() {
		view.Refresh = reloadSeconds
	}
	return s.show(w, r, v, view)
}

func cardTitle(v visit, c pages.Card) string {
	if c.Name == "" {
		return c.What
	}
	return c.Name
}

// lead is what the tab says before the file's name.
func lead(v visit, c pages.Card) string {
	switch {
	case c.State == "running" && c.Progress.Percent != nil:
		return v.texts.Percent(*c.Progress.Percent)
	case c.State == "running":
		return v.texts.Text("live.running")
	case c.Ended():
		return v.texts.Text("live." + map[string]string{
			"succeeded": "donetab", "failed": "failedtab", "cancelled": "cancelledtab", "expired": "expiredtab",
		}[c.State])
	}
	return v.texts.Text("live.waiting")
}

// cardPart is the card alone, for scripts that replace it when more than numbers changed.
func (s *Server) cardPart(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	v := s.visit(w, r)
	c, err := s.card(r, v, j)
	if err != nil {
		return err
	}
	if r.URL.Query().Has("alone") {
		c.Alone, c.Facts = true, s.facts(v, j)
	}
	return s.show(w, r, v, c)
}

// cancelForm cancels the job. That it ended meanwhile is no error to the person: the
// page shows how.
func (s *Server) cancelForm(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	if _, err := s.cancel(r, j); err != nil && !fault.Is(err, fault.AlreadyEnded) {
		return err
	}
	return seeOther(w, r, jobPage(j.ID))
}

// deleteForm deletes the job.
func (s *Server) deleteForm(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	if err := s.remove(r, j); err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs?deleted", http.StatusSeeOther)
	return nil
}

// retryPage asks with which settings the job is tried again.
func (s *Server) retryPage(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	v := s.visit(w, r)
	declared, _ := s.Recipes().Find(j.Recipe)
	given, asked := askedPreset(r, declared)
	if !asked {
		given = j.Params
	}
	if to, ok := j.Params[recipe.ToParam]; ok && asked {
		given[recipe.ToParam] = to
	}
	view, err := s.retryView(v, r, j, given)
	if err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

func (s *Server) retryView(v visit, r *http.Request, j job.Job, given map[string][]string) (pages.Recipe, error) {
	if len(j.Inputs) > 0 && filesGone(j) {
		return pages.Recipe{}, filesAreGone(j)
	}
	declared, ok := s.Recipes().Find(j.Recipe)
	if !ok {
		return pages.Recipe{}, fault.New(fault.Gone, v.texts.Text("error.norecipe", "name", j.Recipe), v.texts.Text("error.norecipehint"))
	}
	row, path := s.row(v, j, time.Now()), withToken(jobPage(j.ID)+"/retry", r)
	form := withoutFiles(settings(v, declared, given))
	form.Presets = presets(v, declared, given, path+questionMark(path))
	return pages.Recipe{
		Frame: s.frame(v, v.texts.Text("recipe.again", "name", row.Name), ""), Takes: !isButton(declared),
		Entry: s.entry(v, declared), Form: form, Again: &row, Action: path,
	}, nil
}

// retryForm makes the new job. Settings that are refused are shown again with the reason.
func (s *Server) retryForm(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.managed(r, p)
	if err != nil {
		return err
	}
	v := s.visit(w, r)
	fields, err := s.postedFields(w, r)
	if err != nil {
		return err
	}
	var given map[string][]string
	again, err := s.again(r, j, func(declared recipe.Recipe) (map[string][]string, error) {
		given = formParams(declared, fields)
		keepFiles(declared, given, j.Params)
		return given, nil
	})
	if fault.Is(err, fault.Invalid) {
		return s.showRefusal(w, r, v, j, given, err)
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, jobPage(again.ID))
}

func (s *Server) showRefusal(w http.ResponseWriter, r *http.Request, v visit, j job.Job, given map[string][]string, reason error) error {
	view, err := s.retryView(v, r, j, given)
	if err != nil {
		return err
	}
	problem := s.problem(r, reason)
	refused := shownProblem(v, problem)
	view.Refused = &refused
	return s.showAs(w, r, v, problem.Status, view)
}

// maxSettings bounds a form of settings without files.
const maxSettings = 1 << 20

// postedFields reads the settings of a form without files.
func (s *Server) postedFields(w http.ResponseWriter, r *http.Request) (map[string][]string, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSettings)
	if err := r.ParseForm(); err != nil {
		return nil, unreadableForm(err)
	}
	fields := map[string][]string{}
	for name, values := range r.PostForm {
		if param, ok := strings.CutPrefix(name, paramPrefix); ok {
			fields[param] = values
		}
	}
	return fields, nil
}

func unreadableForm(err error) error {
	return fault.Wrap(err, fault.Invalid, "The form could not be read.", "Go back and send it again.")
}

// keepFiles takes over the files of parameters: the form does not ask for them again.
func keepFiles(declared recipe.Recipe, given, earlier map[string][]string) {
	for _, p := range recipe.ParamsOf(declared, recipe.File, earlier) {
		given[p.Name] = earlier[p.Name]
	}
}
