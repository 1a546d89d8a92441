package webui

import (
	"net/http"
	"slices"
	"strings"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	pages "convertd/webui/page"
)

var noSuchRecipe = error(fault.New(fault.NotFound, "There is no recipe of this name.", "The list of recipes has all of them."))

// recipesPage lists what can be converted.
func (s *Server) recipesPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v := s.visit(w, r)
	view := pages.RecipeList{Frame: s.frame(v, v.texts.Text("recipes.title"), "recipes")}
	for _, declared := range s.Recipes().All() {
		if visible(declared, v.Caller) {
			view.Recipes = append(view.Recipes, s.entry(v, declared))
		}
	}
	return s.show(w, r, v, view)
}

// entry describes a recipe.
func (s *Server) entry(v visit, r recipe.Recipe) pages.RecipeEntry {
	available := s.Recipes().Available(r.Name)
	e := pages.RecipeEntry{
		Name: r.Name, Title: titleOf(v.in(r.Title), r.Name), Description: v.in(r.Description),
		Accepts: acceptWords(v, r.Accept), Missing: available.Missing,
	}
	if v.Admin {
		e.Access, e.Remedy = r.Access.Words(), v.texts.Said(available.Remedy)
	}
	several := makesSeveral(r)
	for _, t := range r.Targets() {
		switch {
		case several && len(t.Given) == 0:
		case len(t.Given) > 0:
			e.Makes = append(e.Makes, v.in(t.Title))
		case t.ID != "":
			if word := targetWord(t.ID, e.Title); word != "" {
				e.Makes = append(e.Makes, word)
			}
		}
	}
	return e
}

// acceptWords says in words what a recipe takes: families of media types by name,
// extensions as they are; a single media type is left to the extensions beside it.
func acceptWords(v visit, accept []string) []string {
	var words []string
	for _, a := range accept {
		family, sub, isType := strings.Cut(a, "/")
		switch {
		case a == "*/*":
			words = append(words, v.texts.Text("kind.any"))
		case isType && sub == "*":
			words = append(words, v.texts.Text("kind."+family))
		case !isType:
			words = append(words, a)
		}
	}
	switch {
	case len(words) > 0:
		return words
	case len(accept) > 0:
		return accept
	}
	return []string{v.texts.Text("recipes.nofile")}
}

// recipePage shows a recipe with all its settings.
func (s *Server) recipePage(w http.ResponseWriter, r *http.Request, p httprouter.Params) (err error) {
	v := s.visit(w, r)
	declared, ok := s.Recipes().Find(p.ByName("name"))
	if !ok || !visible(declared, v.Caller) {
		return noSuchRecipe
	}
	given, asked := askedPreset(r, declared)
	if !asked {
		if given, err = s.lastPreset(r, v, declared); err != nil {
			return err
		}
	}
	view, err := s.formView(r, v, declared, given)
	if err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

// formView is the page of a recipe of either kind.
func (s *Server) formView(r *http.Request, v visit, declared recipe.Recipe, given map[string][]string) (pages.Recipe, error) {
	if isButton(declared) {
		return s.buttonView(r, v, declared, given)
	}
	return s.recipeView(v, declared, given), nil
}

func (s *Server) recipeView(v visit, declared recipe.Recipe, given map[string][]string) pages.Recipe {
	entry := s.entry(v, declared)
	return pages.Recipe{
		Frame: s.frame(v, entry.Title, "recipes"), Entry: entry, Promises: s.promises(declared),
		Form: settings(v, declared, given), Accept: strings.Join(declared.Accept, ","), Action: "/jobs",
		Takes: len(declared.Accept) > 0, Several: !declared.Inputs.Each && declared.Inputs.Max != 1,
		Mail: s.mailField(v),
	}
}

// mailField asks for the address of a mail at the end, nil where nobody may have one.
func (s *Server) mailField(v visit) *pages.Field {
	if len(s.UserAddresses) == 0 {
		return nil
	}
	field := pages.Field{Name: "email", Kind: "email", Title: v.texts.Text("recipe.mail"), MaxLength: maxAddress}
	if !slices.Contains(s.UserAddresses, "any") {
		field.Help = "…@" + strings.Join(s.UserAddresses, ", …@")
	}
	return &field
}

// promises is what holds for files of a recipe, or of all without one of its own.
func (s *Server) promises(r recipe.Recipe) pages.Promises {
	keep := r.Keep
	p := pages.Promises{MaxUpload: s.Limits.Upload, Results: s.Pages.Results, Failed: s.Pages.Failed}
	p.MailsFailures = s.Pages.MailsFailures && (r.Mail == nil || slices.ContainsFunc(r.Mail, func(c fault.Class) bool { return c != fault.Succeeded }))
	if keep.Results > 0 {
		p.Results = keep.Results
	}
	if keep.Failed > 0 {
		p.Failed = keep.Failed
	}
	return p
}
