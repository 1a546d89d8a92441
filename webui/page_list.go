package webui

import (
	"net/http"
	"slices"
	"strings"
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
	f := readJobFilter(jobsPath, r.URL.Query())
	f.owner = "" // always the reader
	view := pages.JobList{Frame: s.frame(v, v.texts.Text("jobs.title"), "jobs"), State: f.state, Query: f.query, Recipe: f.recipe, Since: f.since,
		Tabs: f.stateTabs(), Spans: spanOptions(v, f.since), Recipes: s.ownRecipeOptions(v, f.recipe)}
	view.Notice = didWords(v, r.URL.Query())
	if r.URL.Query().Has("deleted") {
		view.Notice = v.texts.Text("jobs.deleted")
	}
	if err := s.fillList(r, v, &view, f); err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

// fillList adds the rows and the way to the next ones.
func (s *Server) fillList(r *http.Request, v visit, view *pages.JobList, f jobFilter) error {
	asked := f.filter(time.Now())
	asked.Owner, asked.Limit, asked.Cursor = v.Owner, ownRows, r.URL.Query().Get("cursor")
	found, err := s.Jobs.List(r.Context(), asked)
	if err != nil {
		return err
	}
	view.Rows = s.rows(r, v, found.Jobs)
	for i := range view.Rows {
		view.Rows[i].Tick = true
	}
	if found.Next != "" {
		view.Next = f.address("cursor", found.Next)
	}
	if asked.Cursor != "" {
		view.First = f.address()
	}
	return nil
}

// ownRecipeOptions are the recipes that the reader can use, by their titles, and the
// chosen one even if it is gone.
func (s *Server) ownRecipeOptions(v visit, chosen string) []pages.Option {
	var options []pages.Option
	known := chosen == ""
	for _, declared := range s.Recipes().All() {
		if declared.Name != chosen && !visible(declared, v.Caller) {
			continue
		}
		known = known || declared.Name == chosen
		options = append(options, pages.Option{Value: declared.Name, Title: titleOf(declared.Title.In(v.lang), declared.Name), Chosen: declared.Name == chosen})
	}
	if !known {
		options = append(options, pages.Option{Value: chosen, Title: chosen, Chosen: true})
	}
	slices.SortStableFunc(options, func(a, b pages.Option) int {
		return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
	})
	return append([]pages.Option{{Title: v.texts.Text("admin.anyrecipe")}}, options...)
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

func statesOf(state string) []job.State {
	if state == "" {
		return nil
	}
	return []job.State{job.State(state)}
}

// stateTabs lists the states that a person is likely to look for, and the current one.
func (f jobFilter) stateTabs() []pages.Count {
	in := func(state string) string { f.state = state; return f.address() }
	current := f.state
	tabs := []pages.Count{{N: -1, URL: in(""), Current: current == ""}}
	for _, state := range job.States() {
		tab := pages.Count{State: string(state), N: -1, URL: in(string(state)), Current: current == string(state)}
		if tab.Current || !rare(state) {
			tabs = append(tabs, tab)
		}
	}
	return tabs
}

func rare(state job.State) bool {
	return state == job.Scheduled || state == job.Blocked || state == job.Expired
}
