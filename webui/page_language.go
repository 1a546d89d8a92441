package webui

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// languageCookie remembers which language a reader chose at the foot of a page.
const languageCookie = "convertd_lang"

// language is the reader's: the chosen one, else the best for what the browser asks for.
func (s *Server) language(r *http.Request) string {
	if chosen, err := r.Cookie(languageCookie); err == nil && s.pages.Has(chosen.Value) {
		return chosen.Value
	}
	return s.pages.Match(r.Header.Get("Accept-Language"))
}

// languageForm takes the choice at the foot of a page and leads back to it.
func (s *Server) languageForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := smallForm(w, r); err != nil {
		return err
	}
	lang := r.PostForm.Get("lang")
	if !s.pages.Has(lang) {
		return fault.New(fault.Invalid, "There are no pages in this language.", "Choose one of those at the foot of a page.")
	}
	s.Guard.Remember(w, languageCookie, lang)
	http.Redirect(w, r, ownPath(r.PostForm.Get("back")), http.StatusSeeOther)
	return nil
}

// ownPath is an address of ours as a form brings it back; anything else becomes the first
// page, so that nobody is sent to another site.
func ownPath(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsAny(address, "\\\r\n\t") {
		return "/"
	}
	return u.RequestURI()
}

// here is the address of the page that answers a request. What a form was sent to may be
// no page; its reader comes back to the first one.
func here(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "/"
	}
	return r.URL.RequestURI()
}

// with lets the visit understand what jobs of a recipe say, in the recipe's own words.
func (v visit) with(r recipe.Recipe) visit {
	phrases := v.stepTitles(r)
	for _, rule := range r.Explain {
		v.addPhrase(phrases, rule.Say)
		v.addPhrase(phrases, rule.Hint)
	}
	v.texts = v.texts.With(phrases)
	return v
}

// stepTitles are the recipe's own words for its steps, by the English ones that stand in
// status documents.
func (v visit) stepTitles(r recipe.Recipe) map[string]string {
	titles := map[string]string{}
	for _, step := range r.Steps {
		v.addPhrase(titles, step.Title)
	}
	for _, source := range r.Sources {
		v.addPhrase(titles, source.Title)
	}
	return titles
}

// addPhrase adds a text that the recipe has in the reader's language too; $1 stands in it
// for a part of what the converter said.
func (v visit) addPhrase(phrases map[string]string, text recipe.Text) {
	own, ok := text[v.lang]
	if recorded := text.In(""); ok && recorded != own {
		phrases[withPlaceholders(recorded)] = withPlaceholders(own)
	}
}

func withPlaceholders(text string) string {
	return regexp.MustCompile(`\$(?:\{(\d)\}|(\d))`).ReplaceAllString(text, "{$1$2}")
}

// in returns a recipe's text in the reader's language: its own words for it, else what the
// phrasebook has for the English ones.
func (v visit) in(text recipe.Text) string {
	if own, ok := text[v.lang]; ok {
		return own
	}
	return v.texts.Said(text.In(v.lang))
}
