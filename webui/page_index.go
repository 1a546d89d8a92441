package webui

import (
	"errors"
	"net/http"
	"slices"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/recipe"
	"convertd/sql/job"
	pages "convertd/webui/page"
)

// indexPage is where a file is dropped.
func (s *Server) indexPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v := s.visit(w, r)
	view, err := s.indexView(r, v)
	if err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

func (s *Server) indexView(r *http.Request, v visit) (pages.Index, error) {
	view := pages.Index{
		Frame: s.frame(v, v.texts.Text("index.title"), "convert"), Promises: s.promises(recipe.Recipe{}), Sections: s.targetList(v),
	}
	recent, err := s.Jobs.List(r.Context(), job.Filter{Owner: v.Owner, Limit: recentRows})
	if err != nil {
		return view, err
	}
	view.Recent = s.rows(r, v, recent.Jobs)
	return view, nil
}

// targetList is all that can be made here, for the list that works without scripts. A
// target that several recipes make is there once: the file decides between them.
func (s *Server) targetList(v visit) []pages.Section {
	set := s.Recipes()
	var usable []recipe.Recipe
	for _, r := range set.All() {
		if visible(r, v.Caller) && set.Available(r.Name).OK() && takesOne(r) {
			usable = append(usable, r)
		}
	}
	seen := map[string]bool{"": true}
	var sections []pages.Section
	for _, section := range sectionsOf(v, usable) {
		section.Choices = slices.DeleteFunc(section.Choices, func(c pages.Choice) bool {
			twice := seen[c.To]
			seen[c.To] = true
			return twice
		})
		if len(section.Choices) > 0 {
			sections = append(sections, section)
		}
	}
	return sections
}

// submitForm takes the form of a browser without scripts and leads to the job's page. A
// refusal comes back as the form with the reason.
func (s *Server) submitForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) (err error) {
	v := s.visit(w, r)
	sub := s.submissionOf(r, v.Caller)
	defer func() { err = s.cleanUp(sub, err) }()
	made, err := s.takeForm(w, r, sub)
	if err != nil {
		s.noteRefusal(r, sub, err)
		return s.refuseForm(w, r, v, sub, err)
	}
	if declared, ok := s.Recipes().Find(made.Recipe); ok && isButton(declared) {
		return seeOther(w, r, recipePath(made.Recipe))
	}
	return seeOther(w, r, jobPage(made.ID))
}

func (s *Server) takeForm(w http.ResponseWriter, r *http.Request, sub *submission) (accepted, error) {
	if err := s.maySubmit(sub.caller); err != nil {
		return accepted{}, err
	}
	if err := s.receiveForm(w, r, sub); err != nil {
		return accepted{}, err
	}
	if declared, ok := s.Recipes().Find(sub.recipe); ok {
		sub.params = formParams(declared, sub.params)
	}
	c, err := s.check(r.Context(), sub)
	if err != nil {
		return accepted{}, err
	}
	return s.accept(r.Context(), sub, c, nil)
}

// refuseForm shows the form again. What is our own fault is told on a page of its own.
func (s *Server) refuseForm(w http.ResponseWriter, r *http.Request, v visit, sub *submission, reason error) error {
	if late := (throttled{}); errors.As(reason, &late) {
		return reason
	}
	problem := s.problem(r, reason)
	if problem.Status >= http.StatusInternalServerError {
		s.failPage(w, r, problem)
		return nil
	}
	refused := shownProblem(v, problem)
	if declared, ok := s.Recipes().Find(sub.recipe); ok {
		view, err := s.formView(r, v, declared, sub.params)
		if err != nil {
			return err
		}
		view.Refused = &refused
		if view.Mail != nil {
			view.Mail.Value = sub.email
		}
		return s.showAs(w, r, v, problem.Status, view)
	}
	view, err := s.indexView(r, v)
	if err != nil {
		return err
	}
	view.Refused, view.To = &refused, sub.to
	return s.showAs(w, r, v, problem.Status, view)
}
