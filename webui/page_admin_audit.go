package webui

import (
	"net/http"
	"net/url"

	"github.com/julienschmidt/httprouter"

	"convertd/sql/audit"
	pages "convertd/webui/page"
)

// auditPage lists what administrators did.
func (s *Server) auditPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	filter, err := readActs(r, adminRows)
	if err != nil {
		return err
	}
	rows, next, err := s.acts(r.Context(), filter)
	if err != nil {
		return err
	}
	view := pages.AdminAudit{AdminFrame: s.adminFrame(v, "audit.title", "audit"), Query: filter.Text, Filtered: filter.Verb != "" || filter.Text != "",
		Verbs: []pages.Option{{Title: v.texts.Text("audit.anyact")}}}
	for _, verb := range audit.Verbs() {
		view.Verbs = append(view.Verbs, pages.Option{Value: string(verb), Title: v.texts.Text("audit.verb." + string(verb)), Chosen: verb == filter.Verb})
	}
	for _, a := range rows {
		view.Acts = append(view.Acts, shownAct(a))
	}
	members := []string{"verb", string(filter.Verb), "q", filter.Text}
	if next != "" {
		view.Next = addressWith("/admin/audit", append(members, "cursor", next)...)
	}
	if filter.Before != 0 {
		view.First = addressWith("/admin/audit", members...)
	}
	return s.show(w, r, v, view)
}

func shownAct(a audit.Act) pages.Act {
	act := pages.Act{At: a.At, Who: a.Who, Address: a.Address, Via: a.Via, Verb: string(a.Verb), Target: a.Target, Detail: a.Detail, Outcome: a.Outcome}
	switch a.Verb {
	case audit.Cancel, audit.Retry, audit.Replay, audit.Keep:
		act.URL = jobPage(a.Target)
	case audit.CancelMany:
		act.URL = "/groups/" + url.PathEscape(a.Target)
	}
	if a.Outcome == "" {
		act.Outcome = "unknown"
	}
	return act
}
