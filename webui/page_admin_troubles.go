package webui

import (
	"net/http"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/recipe"
	pages "convertd/webui/page"
)

// failuresPage shows what fails most.
func (s *Server) failuresPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	chosen := r.URL.Query().Get("recipe")
	rows, err := s.Jobs.Failures(r.Context(), chosen, adminRows)
	if err != nil {
		return err
	}
	view := pages.AdminFailures{AdminFrame: s.adminFrame(v, "failures.title", "failures"), Recipes: s.recipeOptions(v, chosen), Filtered: chosen != ""}
	for _, f := range rows {
		declared, _ := s.Recipes().Find(f.Recipe)
		view.Failures = append(view.Failures, pages.FailureKind{Recipe: f.Recipe, Class: string(f.Class), Reason: v.with(declared).texts.Said(f.Reason), Count: f.Failures,
			LastDay: f.LastDay, Last: f.LastAt, LastJob: f.LastJob, All: jobFilter{path: adminPath, state: "failed", recipe: f.Recipe}.address()})
	}
	return s.show(w, r, v, view)
}

// refusedPage shows who was turned away.
func (s *Server) refusedPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	before := int64(wholeNumber(r.URL.Query().Get("cursor")))
	rows, err := s.Refusals.List(r.Context(), before, adminRows+1)
	if err != nil {
		return err
	}
	view := pages.AdminRefused{AdminFrame: s.adminFrame(v, "refused.title", "refused")}
	if len(rows) > adminRows {
		rows = rows[:adminRows]
		view.Next = addressWith("/admin/refused", "cursor", strconv.FormatInt(rows[adminRows-1].ID, 10))
	}
	if before > 0 {
		view.First = "/admin/refused"
	}
	for _, row := range rows {
		view.Refused = append(view.Refused, pages.Refused{At: row.At, Owner: row.Owner, Recipe: row.Recipe, Code: string(row.Code), Detail: v.texts.Said(row.Detail)})
	}
	return s.show(w, r, v, view)
}

// adminRecipesPage shows all recipes with what they lack and what they are granted.
func (s *Server) adminRecipesPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	view := pages.AdminRecipes{AdminFrame: s.adminFrame(v, "adminrecipes.title", "recipes")}
	for _, problem := range s.Recipes().Problems() {
		view.Problems = append(view.Problems, problem.String())
	}
	for _, declared := range s.Recipes().All() {
		view.Recipes = append(view.Recipes, s.adminRecipe(v, declared))
	}
	return s.show(w, r, v, view)
}

func (s *Server) adminRecipe(v visit, declared recipe.Recipe) pages.AdminRecipe {
	shipped, kept := recipe.DefaultLimits(), s.promises(declared)
	shown := pages.AdminRecipe{RecipeEntry: s.entry(v, declared), Queue: declared.Queue, Memory: declared.Limits.Memory, Time: declared.Limits.Time,
		Results: kept.Results, Failed: kept.Failed}
	if shown.Memory == 0 {
		shown.Memory = shipped.Memory
	}
	if shown.Time == 0 {
		shown.Time = shipped.Time
	}
	return shown
}

// findingsPage shows what the dispatcher found on its machine.
func (s *Server) findingsPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	found, err := s.findings(r.Context())
	if err != nil {
		return err
	}
	view := pages.AdminFindings{AdminFrame: s.adminFrame(v, "findings.title", "findings"), Host: found.Host, Examined: found.ExaminedAt}
	for _, f := range found.Findings {
		view.Findings = append(view.Findings, pages.Finding{Check: f.Check, Level: f.Level, Text: f.Text, Remedy: f.Remedy, Since: f.Since})
	}
	return s.show(w, r, v, view)
}
