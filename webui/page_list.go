package webui

import (
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/sql/job"
	pages "convertd/webui/page"
)

// Rows on a page of a list.
const (
	ownRows   = 30
	adminRows = 100
	// recentRows is how many jobs the first page reminds of.
	recentRows = 5
)

// jobsPage lists the reader's own jobs.
func (s *Server) jobsPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v := s.visit(w, r)
	state := wantedState(r)
	query := r.URL.Query().Get("q")
	filter := job.Filter{Owner: v.Owner, States: statesOf(state), Text: query, Limit: ownRows, Cursor: r.URL.Query().Get("cursor")}
	view := pages.JobList{Frame: s.frame(v, v.texts.Text("jobs.title"), "jobs"), State: state, Query: query, Tabs: stateTabs("/jobs", state, query)}
	view.Notice = didWords(v, r.URL.Query())
	if r.URL.Query().Has("deleted") {
		view.Notice = v.texts.Text("jobs.deleted")
	}
	if err := s.fillList(r, v, &view, filter); err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

// fillList adds the rows and the way to the next ones.
func (s *Server) fillList(r *http.Request, v visit, view *pages.JobList, filter job.Filter) error {
	found, err := s.Jobs.List(r.Context(), filter)
	if err != nil {
		return err
	}
	view.Rows = s.rows(r, v, found.Jobs)
	for i := range view.Rows {
		view.Rows[i].Tick = true
	}
	if found.Next != "" {
		view.Next = listAddress(r.URL.Path, view.State, view.Query, found.Next)
	}
	if filter.Cursor != "" {
		view.First = listAddress(r.URL.Path, view.State, view.Query, "")
	}
	return nil
}

// rows makes the lines of a list, with the percent of those that run.
func (s *Server) rows(r *http.Request, v visit, jobs []job.Job) []pages.Row {
	now := time.Now()
	rows := make([]pages.Row, 0, len(jobs))
	for _, j := range jobs {
		row := s.row(v, j, now)
		if j.State == job.Running {
			if status, err := s.statusOf(r.Context(), j); err == nil {
				row.Percent = status.Percent
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func wantedState(r *http.Request) string { return knownState(r.URL.Query().Get("state")) }

func statesOf(state string) []job.State {
	if state == "" {
		return nil
	}
	return []job.State{job.State(state)}
}

func listAddress(path, state, query, cursor string) string {
	return addressWith(path, "state", state, "q", query, "cursor", cursor)
}

// stateTabs lists the states that a person is likely to look for, and the current one.
func stateTabs(path, current, query string) []pages.Count {
	tabs := []pages.Count{{N: -1, URL: listAddress(path, "", query, ""), Current: current == ""}}
	for _, state := range job.States() {
		tab := pages.Count{State: string(state), N: -1, URL: listAddress(path, string(state), query, ""), Current: current == string(state)}
		if tab.Current || !rare(state) {
			tabs = append(tabs, tab)
		}
	}
	return tabs
}

func rare(state job.State) bool {
	return state == job.Scheduled || state == job.Blocked || state == job.Expired
}
