package webui

import (
	"net/http"
	"net/url"
	"slices"
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
	filter := job.Filter{Owner: v.Owner, States: statesOf(state), Limit: ownRows, Cursor: r.URL.Query().Get("cursor")}
	view := pages.JobList{Frame: s.frame(v, v.texts.Text("jobs.title"), "jobs"), State: state, Tabs: stateTabs("/jobs", state, "", nil)}
	if r.URL.Query().Has("deleted") {
		view.Notice = v.texts.Text("jobs.deleted")
	}
	if err := s.fillList(r, v, &view, filter); err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

// adminPage lists all jobs to the administrator; to others there is no such page.
func (s *Server) adminPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v := s.visit(w, r)
	if !v.Admin {
		return noSuchPage
	}
	counts, err := s.Jobs.Counts(r.Context())
	if err != nil {
		return err
	}
	state, query := wantedState(r), r.URL.Query().Get("q")
	filter := job.Filter{States: statesOf(state), Text: query, Limit: adminRows, Cursor: r.URL.Query().Get("cursor")}
	view := pages.JobList{
		Frame: s.frame(v, v.texts.Text("admin.title"), "admin"), All: true, State: state, Query: query,
		Tabs: stateTabs("/admin", state, query, counts),
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

func wantedState(r *http.Request) string {
	state := r.URL.Query().Get("state")
	if slices.Contains(job.States(), job.State(state)) {
		return state
	}
	return ""
}

func statesOf(state string) []job.State {
	if state == "" {
		return nil
	}
	return []job.State{job.State(state)}
}

func listAddress(path, state, query, cursor string) string {
	values := url.Values{}
	for name, value := range map[string]string{"state": state, "q": query, "cursor": cursor} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// stateTabs lists all states, or with counts those that occur.
func stateTabs(path, current, query string, counts map[job.State]int) []pages.Count {
	total := -1
	if counts != nil {
		total = 0
		for _, n := range counts {
			total += n
		}
	}
	tabs := []pages.Count{{N: total, URL: listAddress(path, "", query, ""), Current: current == ""}}
	for _, state := range job.States() {
		tab := pages.Count{State: string(state), N: -1, URL: listAddress(path, string(state), query, ""), Current: current == string(state)}
		if counts != nil {
			tab.N = counts[state]
		}
		rare := state == job.Scheduled || state == job.Blocked || state == job.Expired
		if tab.N > 0 || tab.Current || !rare {
			tabs = append(tabs, tab)
		}
	}
	return tabs
}
