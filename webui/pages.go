package webui

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/webui/auth"
	"convertd/webui/client"
	pages "convertd/webui/page"
)

// PageOptions is what pages tell about this installation.
type PageOptions struct {
	// House is how the installation presents itself.
	House pages.House
	// Results and Failed are how long results and failed files are kept where a recipe
	// says nothing else; 0 means 7 days.
	Results, Failed time.Duration
	// MailsFailures says that failed files are sent to the administrator.
	MailsFailures bool
}

func (o PageOptions) orDefaults() PageOptions {
	setDefault(&o.Results, 7*24*time.Hour)
	setDefault(&o.Failed, 7*24*time.Hour)
	return o
}

// pageRoutes are the addresses that people open.
func (s *Server) pageRoutes() []route {
	return []route{
		{http.MethodGet, "/", page, s.indexPage},
		{http.MethodPost, "/choices", page, s.choicesPart},
		{http.MethodPost, "/jobs", page, s.submitForm},
		{http.MethodGet, "/jobs", page, s.jobsPage},
		{http.MethodGet, "/jobs/:id", page, s.jobPage},
		{http.MethodGet, "/jobs/:id/card", page, s.cardPart},
		{http.MethodGet, "/jobs/:id/retry", page, s.retryPage},
		{http.MethodPost, "/jobs/:id/retry", page, s.retryForm},
		{http.MethodPost, "/jobs/:id/cancel", page, s.cancelForm},
		{http.MethodPost, "/jobs/:id/delete", page, s.deleteForm},
		{http.MethodPost, "/jobs/:id/keep", page, s.keepForm},
		{http.MethodPost, "/chosen", page, s.chosenForm},
		{http.MethodGet, "/groups/:id", page, s.groupPage},
		{http.MethodGet, "/groups/:id/head", page, s.groupPart},
		{http.MethodPost, "/groups/:id/cancel", page, s.cancelGroupForm},
		{http.MethodGet, "/recipes", page, s.recipesPage},
		{http.MethodGet, "/recipes/:name", page, s.recipePage},
		{http.MethodGet, "/recipes/:name/runs", page, s.runsPart},
		{http.MethodPost, "/language", page, s.languageForm},
		{http.MethodGet, "/help", page, s.helpPage},
		{http.MethodGet, "/help/:chapter", page, s.chapterPage},
		{http.MethodGet, "/admin", page, s.adminPage},
		{http.MethodPost, "/admin", page, s.bulkForm},
		{http.MethodGet, "/admin/jobs/:id", page, s.attemptsPage},
		{http.MethodPost, "/admin/jobs/:id/replay", page, s.replayForm},
		{http.MethodGet, "/admin/audit", page, s.auditPage},
		{http.MethodGet, "/admin/charts", page, s.chartsPage},
		{http.MethodGet, "/admin/queues", page, s.queuesPage},
		{http.MethodPost, "/admin/queues", page, s.queueForm},
		{http.MethodPost, "/admin/drain", page, s.drainForm},
		{http.MethodGet, "/admin/failures", page, s.failuresPage},
		{http.MethodGet, "/admin/refused", page, s.refusedPage},
		{http.MethodGet, "/admin/recipes", page, s.adminRecipesPage},
		{http.MethodGet, "/admin/findings", page, s.findingsPage},
		{http.MethodGet, "/admin/sign-in", page, s.signInPage},
		{http.MethodPost, "/admin/sign-in", page, s.signInForm},
		{http.MethodPost, "/admin/sign-out", page, s.signOutForm},
		{http.MethodGet, pages.StaticPrefix + "*file", page, s.static},
		{http.MethodGet, pages.IconPrefix + ":file", page, s.icon},
	}
}

// visit is one request for a page: who asks, in which language.
type visit struct {
	auth.Caller
	lang  string
	texts pages.Texts
	// here is the page's own address.
	here string
}

// visit recognises the reader, and gives a browser that is not known yet its cookie, so
// that it owns what it submits.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) visit {
	v := s.reader(r)
	v.Caller = s.Guard.Caller(r)
	if v.Name == "" && !v.Cookie {
		v.Owner, v.Cookie = s.Guard.NewOwner(w), true
	}
	return v
}

// reader is a visit of nobody in particular.
func (s *Server) reader(r *http.Request) visit {
	lang := s.language(r)
	return visit{lang: lang, texts: s.pages.Texts(lang), here: here(r)}
}

// frame is what surrounds a page.
func (s *Server) frame(v visit, title, place string) pages.Frame {
	return pages.Frame{Title: title, Place: place, Admin: v.Admin, Icon: "idle", Here: v.here}
}

// show writes a page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, v visit, view pages.Page) error {
	return s.showAs(w, r, v, http.StatusOK, view)
}

func (s *Server) showAs(w http.ResponseWriter, r *http.Request, v visit, status int, view pages.Page) error {
	var body bytes.Buffer
	if err := s.pages.Render(&body, v.lang, view); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.lang)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept-Encoding, Accept-Language, Cookie")
	if pages.AcceptsGzip(r) {
		if err := compress(&body); err != nil {
			return fmt.Errorf("compress page: %w", err)
		}
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = body.WriteTo(w) // the reader is gone if this fails
	}
	return nil
}

func compress(body *bytes.Buffer) error {
	var small bytes.Buffer
	zip := gzip.NewWriter(&small)
	if _, err := body.WriteTo(zip); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	*body = small
	return nil
}

// failPage tells a person why a page did not come. It sets no cookie: a stranger's
// probing makes no owners.
func (s *Server) failPage(w http.ResponseWriter, r *http.Request, problem client.Problem) {
	v := s.reader(r)
	key := "error.title." + strconv.Itoa(problem.Status)
	title := v.texts.Text(key)
	if title == key {
		title = v.texts.Text("error.title")
	}
	view := pages.ErrorPage{Frame: s.frame(v, title, ""), Status: problem.Status, Problem: shownProblem(v, problem)}
	if err := s.showAs(w, r, v, problem.Status, view); err != nil {
		s.Log.Error("error page not shown", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// shownProblem is a refusal in the reader's language.
func shownProblem(v visit, problem client.Problem) pages.Problem {
	shown := pages.Problem{Message: v.texts.Said(problem.Detail), Hint: v.texts.Said(problem.Hint)}
	for _, field := range problem.Errors {
		shown.Fields = append(shown.Fields, v.texts.Said(field.Detail))
	}
	return shown
}

// seeOther sends the browser on after a form, so that a reload does not send it again.
// The owner's key goes along, which a manage link carries.
func seeOther(w http.ResponseWriter, r *http.Request, path string) error {
	if token := auth.ManageToken(r); token != "" {
		path += "?manage=" + url.QueryEscape(token)
	}
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

func (s *Server) static(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	s.pages.Assets().ServeHTTP(w, r)
	return nil
}

func (s *Server) icon(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	drawn, ok := pages.Icon(p.ByName("file"))
	if !ok {
		return noSuchPage
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	w.Header().Set("Content-Length", strconv.Itoa(len(drawn)))
	_, _ = w.Write(drawn)
	return nil
}
