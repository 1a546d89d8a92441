package webui

import (
	"log/slog"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"convertd/sql/audit"
	pages "convertd/webui/page"
)

// signInPage is where a sign-in address leads: the code is exchanged by a button, not
// by looking at the address, so that a preview of a link does not use it up.
func (s *Server) signInPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if !s.Guard.Administered() {
		return noSuchPage
	}
	v := s.visit(w, r)
	return s.show(w, r, v, s.signInView(v, r.URL.Query().Get("code")))
}

func (s *Server) signInView(v visit, code string) pages.SignIn {
	return pages.SignIn{Frame: s.frame(v, v.texts.Text("admin.signin"), ""), Code: code}
}

// signInForm exchanges the code.
func (s *Server) signInForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if !s.Guard.Administered() {
		return noSuchPage
	}
	v := s.visit(w, r)
	if err := s.mayTry(v.Addr); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSettings)
	if err := r.ParseForm(); err != nil {
		return unreadableForm(err)
	}
	if s.Guard.SignIn(w, r.PostForm.Get("code")) {
		s.noteSignIn(r)
		http.Redirect(w, r, "/admin", http.StatusSeeOther)
		return nil
	}
	if err := s.wrongTry(v.Addr, nil); err != nil {
		return err
	}
	view := s.signInView(v, "")
	view.Refused = &pages.Problem{Message: v.texts.Text("admin.badcode"), Hint: v.texts.Text("admin.badcodehint")}
	return s.showAs(w, r, v, http.StatusUnauthorized, view)
}

// noteSignIn has a sign-in in the audit log. A database that takes no rows does not keep
// out who has to look why.
func (s *Server) noteSignIn(r *http.Request) {
	if err := s.act(r, audit.Act{Verb: audit.SignIn}, func() error { return nil }); err != nil {
		s.Log.Warn("a sign-in was not noted", slog.Any("error", err))
	}
}

// signOutForm ends the session.
func (s *Server) signOutForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	s.Guard.SignOut(w)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
