package webui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/sql/job"
	pages "convertd/webui/page"
)

// adminPath is the administrator's list of all jobs, jobsPath everybody's of the own ones.
const adminPath, jobsPath = "/admin", "/jobs"

// jobFilter is what a list is narrowed by; it stands in its address.
type jobFilter struct{ path, state, query, recipe, owner, since string }

func readJobFilter(path string, values url.Values) jobFilter {
	return jobFilter{path: path, state: knownState(values.Get("state")), query: values.Get("q"), recipe: values.Get("recipe"),
		owner: values.Get("owner"), since: values.Get("since")}
}

func knownState(state string) string {
	if slices.Contains(job.States(), job.State(state)) {
		return state
	}
	return ""
}

// spans are the times that can be chosen, by the word in the address.
func spans() []struct {
	word   string
	length time.Duration
} {
	return []struct {
		word   string
		length time.Duration
	}{{"hour", time.Hour}, {"day", 24 * time.Hour}, {"week", 7 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour}}
}

// filter is what the database is asked for.
func (f jobFilter) filter(now time.Time) job.Filter {
	asked := job.Filter{States: statesOf(f.state), Text: f.query, Recipe: f.recipe, Owner: f.owner}
	for _, span := range spans() {
		if span.word == f.since {
			asked.Since = new(now.Add(-span.length))
		}
	}
	return asked
}

// address is the list's with further members, given as name and value.
func (f jobFilter) address(more ...string) string {
	members := append([]string{"state", f.state, "q", f.query, "recipe", f.recipe, "owner", f.owner, "since", f.since}, more...)
	return addressWith(f.path, members...)
}

// addressWith is a path with the members of a query that are not empty.
func addressWith(path string, members ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(members); i += 2 {
		if members[i+1] != "" {
			values.Set(members[i], members[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// adminVisit lets the administrator in; to others there is no such page.
func (s *Server) adminVisit(w http.ResponseWriter, r *http.Request) (visit, error) {
	v := s.visit(w, r)
	if !v.Admin {
		return v, noSuchPage
	}
	return v, nil
}

// adminFrame is what surrounds a page of the area.
func (s *Server) adminFrame(v visit, title, area string) pages.AdminFrame {
	return pages.AdminFrame{Frame: s.frame(v, v.texts.Text(title), "admin"), Area: area}
}

// adminPage lists all jobs to the administrator.
func (s *Server) adminPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	view, err := s.adminJobs(r, v, readJobFilter(adminPath, r.URL.Query()))
	if err != nil {
		return err
	}
	view.Notice = didWords(v, r.URL.Query())
	return s.show(w, r, v, view)
}

func (s *Server) adminJobs(r *http.Request, v visit, f jobFilter) (pages.AdminJobs, error) {
	view := pages.AdminJobs{AdminFrame: s.adminFrame(v, "admin.title", "jobs"), Query: f.query, State: f.state, Recipe: f.recipe,
		Owner: f.owner, Since: f.since, Most: job.MaxLimit, Spans: spanOptions(v, f.since), Recipes: s.recipeOptions(v, f.recipe)}
	counts, err := s.Jobs.Counts(r.Context())
	if err != nil {
		return view, err
	}
	view.Tabs = f.tabs(counts)
	asked := f.filter(time.Now())
	asked.Limit, asked.Cursor = adminRows, r.URL.Query().Get("cursor")
	found, err := s.Jobs.List(r.Context(), asked)
	if err != nil {
		return view, err
	}
	view.Rows = s.rows(r, v, found.Jobs)
	if found.Next != "" {
		view.Next = f.address("cursor", found.Next)
	}
	if asked.Cursor != "" {
		view.First = f.address()
	}
	return view, nil
}

// tabs are the states with how many jobs are in each, whatever else the list is narrowed
// by.
func (f jobFilter) tabs(counts map[job.State]int) []pages.Count {
	in := func(state string) string { f.state = state; return f.address() }
	current, total := f.state, 0
	all := []pages.Count{{}}
	for _, state := range job.States() {
		total += counts[state]
		tab := pages.Count{State: string(state), N: counts[state], URL: in(string(state)), Current: current == string(state)}
		if tab.N > 0 || tab.Current || !rare(state) {
			all = append(all, tab)
		}
	}
	all[0] = pages.Count{N: total, URL: in(""), Current: current == ""}
	return all
}

func spanOptions(v visit, chosen string) []pages.Option {
	options := []pages.Option{{Title: v.texts.Text("admin.anytime")}}
	titles := map[string]string{"hour": v.texts.Text("admin.hour"), "day": v.texts.Text("admin.day"), "week": v.texts.Text("admin.week"), "month": v.texts.Text("admin.month")}
	for _, span := range spans() {
		options = append(options, pages.Option{Value: span.word, Title: titles[span.word], Chosen: span.word == chosen})
	}
	return options
}

// recipeOptions are all recipes, and the chosen one even if it is gone.
func (s *Server) recipeOptions(v visit, chosen string) []pages.Option {
	options := []pages.Option{{Title: v.texts.Text("admin.anyrecipe")}}
	known := chosen == ""
	for _, declared := range s.Recipes().All() {
		known = known || declared.Name == chosen
		options = append(options, pages.Option{Value: declared.Name, Title: declared.Name, Chosen: declared.Name == chosen})
	}
	if !known {
		options = append(options, pages.Option{Value: chosen, Title: chosen, Chosen: true})
	}
	return options
}

// did is what became of an act upon many jobs.
type did struct {
	act     string
	done    int
	refused int
	why     string
}

// bulkForm does the same to many jobs: those that were ticked, or all that the filter
// lets through.
func (s *Server) bulkForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	if err := s.adminForm(w, r); err != nil {
		return err
	}
	f := readJobFilter(adminPath, r.PostForm)
	act := r.PostForm.Get("act")
	if !slices.Contains([]string{"retry", "cancel", "delete"}, act) {
		return fieldFault("act", fmt.Sprintf("There is no act %q.", shorten(act)), "It is retry, cancel or delete.")
	}
	ids, err := s.meantJobs(r, f)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		view, err := s.adminJobs(r, v, f)
		if err != nil {
			return err
		}
		view.Problem = &pages.Problem{Message: v.texts.Text("admin.none"), Hint: v.texts.Text("admin.nonehint")}
		return s.showAs(w, r, v, http.StatusBadRequest, view)
	}
	done := s.doMany(r, act, ids)
	http.Redirect(w, r, f.address("did", act, "done", strconv.Itoa(done.done), "refused", strconv.Itoa(done.refused), "why", done.why), http.StatusSeeOther)
	return nil
}

// meantJobs are the ids that the form is about.
func (s *Server) meantJobs(r *http.Request, f jobFilter) ([]string, error) {
	if r.PostForm.Get("which") != "matching" {
		ids := r.PostForm["job"]
		return ids[:min(len(ids), job.MaxLimit)], nil
	}
	asked := f.filter(time.Now())
	asked.Limit = job.MaxLimit
	found, err := s.Jobs.List(r.Context(), asked)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(found.Jobs))
	for _, j := range found.Jobs {
		ids = append(ids, j.ID)
	}
	return ids, nil
}

// doMany does it to each job by itself: what cannot be done to one holds up no other.
func (s *Server) doMany(r *http.Request, act string, ids []string) did {
	result := did{act: act}
	for _, id := range ids {
		err := s.doOne(r, act, id)
		if err == nil {
			result.done++
			continue
		}
		result.refused++
		result.why = s.problem(r, err).Detail
	}
	return result
}

func (s *Server) doOne(r *http.Request, act, id string) error {
	j, err := s.Jobs.Find(r.Context(), id)
	if err != nil {
		return err
	}
	switch act {
	case "cancel":
		_, err = s.cancel(r, j)
	case "delete":
		err = s.remove(r, j)
	default:
		_, err = s.retry(r, j, nil)
	}
	return err
}

// didWords tells what a form did, from the address that it led to.
func didWords(v visit, query url.Values) string {
	act := query.Get("did")
	done, refused := wholeNumber(query.Get("done")), wholeNumber(query.Get("refused"))
	if !slices.Contains([]string{"retry", "cancel", "delete"}, act) {
		return ""
	}
	words := v.texts.Count("admin.did."+act, done)
	if refused > 0 {
		words += " " + v.texts.Count("admin.didnot", refused, "why", v.texts.Said(shorten(query.Get("why"))))
	}
	return words
}

func wholeNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
