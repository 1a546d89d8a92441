package webui

import (
	"net/http"

	"github.com/julienschmidt/httprouter"

	"convertd/sql/job"
	pages "convertd/webui/page"
)

// groupCards is how many jobs of a group its page shows as cards.
const groupCards = 200

// groupPage shows a batch.
func (s *Server) groupPage(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	v := s.visit(w, r)
	view, err := s.groupView(r, v, p.ByName("id"))
	if err != nil {
		return err
	}
	found, err := s.Groups.Jobs(r.Context(), view.ID, "", groupCards)
	if err != nil {
		return err
	}
	for i := len(found.Jobs) - 1; i >= 0; i-- { // oldest first, as they were dropped
		c, err := s.card(r, v, found.Jobs[i])
		if err != nil {
			return err
		}
		view.Cards = append(view.Cards, c)
	}
	if found.Next != "" {
		view.More = view.Total - len(view.Cards)
	}
	return s.show(w, r, v, view)
}

// groupPart is the bar and the counts alone.
func (s *Server) groupPart(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	v := s.visit(w, r)
	view, err := s.groupView(r, v, p.ByName("id"))
	if err != nil {
		return err
	}
	return s.show(w, r, v, pages.GroupHead{Group: view})
}

func (s *Server) groupView(r *http.Request, v visit, id string) (pages.Group, error) {
	g, err := s.findGroup(r.Context(), id)
	if err != nil {
		return pages.Group{}, err
	}
	view := pages.Group{
		Frame: s.frame(v, v.texts.Count("group.title", g.Jobs), ""), ID: g.ID, Total: g.Jobs,
		Percent: g.Percent(), Done: g.Done == g.Jobs, Manage: v.MayManage(r, g.Owner, g.ManageHash),
	}
	for _, state := range job.States() {
		if n := g.Counts[state]; n > 0 {
			view.Counts = append(view.Counts, pages.Count{State: string(state), N: n})
		}
	}
	if g.Counts[job.Succeeded] > 0 {
		view.Archive = "/api/v1/groups/" + g.ID + "/outputs.zip"
	}
	if !view.Done {
		view.Refresh, view.Icon = reloadSeconds, string(job.Running)
	}
	return view, nil
}

// cancelGroupForm cancels all jobs of a group.
func (s *Server) cancelGroupForm(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	g, err := s.findGroup(r.Context(), p.ByName("id"))
	if err != nil {
		return err
	}
	if !s.Guard.Caller(r).MayManage(r, g.Owner, g.ManageHash) {
		return notYours()
	}
	if err := s.cancelAll(r, g); err != nil {
		return err
	}
	return seeOther(w, r, "/groups/"+g.ID)
}
