package webui

import (
	"html/template"
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	pages "convertd/webui/page"
)

// Chapter is one page of the handbook; Body is made by us, of text that comes with the
// program.
type Chapter struct {
	Name, Title string
	Body        template.HTML
}

var noSuchChapter = error(fault.New(fault.NotFound, "The handbook has no chapter of this name.", "The list at /help has all of them."))

// helpPage shows the first chapter of the handbook beside the list of all.
func (s *Server) helpPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if len(s.Handbook) == 0 {
		return noSuchChapter
	}
	return s.showChapter(w, r, s.Handbook[0])
}

// chapterPage shows one chapter; .md behind its name is how chapters link to each other.
func (s *Server) chapterPage(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	name := strings.TrimSuffix(p.ByName("chapter"), ".md")
	for _, c := range s.Handbook {
		if c.Name == name {
			return s.showChapter(w, r, c)
		}
	}
	return noSuchChapter
}

func (s *Server) showChapter(w http.ResponseWriter, r *http.Request, shown Chapter) error {
	v := s.visit(w, r)
	view := pages.Help{Frame: s.frame(v, shown.Title, "help"), Body: shown.Body}
	for _, c := range s.Handbook {
		view.Chapters = append(view.Chapters, pages.HelpLink{Name: c.Name, Title: c.Title, Here: c.Name == shown.Name})
	}
	return s.show(w, r, v, view)
}
