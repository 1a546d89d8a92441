package webui

import (
	"maps"
	"net/http"
	"slices"

	"github.com/julienschmidt/httprouter"

	"convertd/sql/audit"
	pages "convertd/webui/page"
)

// queuesPage shows queues, resources and dispatchers.
func (s *Server) queuesPage(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	v, err := s.adminVisit(w, r)
	if err != nil {
		return err
	}
	view := pages.AdminQueues{AdminFrame: s.adminFrame(v, "queues.title", "queues")}
	queues, err := s.queues(r.Context())
	if err != nil {
		return err
	}
	for _, q := range queues {
		limits := s.QueueLimits[q.Name]
		view.Queues = append(view.Queues, pages.Queue{Name: q.Name, Running: q.Running, Waiting: q.Waiting,
			Limit: limits.Running, Most: limits.Waiting, PausedAt: q.PausedAt})
	}
	if view.Resources, err = s.resources(r); err != nil {
		return err
	}
	if view.Dispatchers, err = s.shownDispatchers(r); err != nil {
		return err
	}
	return s.show(w, r, v, view)
}

// resources are what recipes share, by name, with what jobs hold of it now.
func (s *Server) resources(r *http.Request) ([]pages.Resource, error) {
	if len(s.Resources) == 0 {
		return nil, nil
	}
	loads, err := s.Jobs.Loads(r.Context())
	if err != nil {
		return nil, err
	}
	var all []pages.Resource
	for _, name := range slices.Sorted(maps.Keys(s.Resources)) {
		resource := pages.Resource{Name: name, Total: s.Resources[name]}
		for _, load := range loads {
			declared, _ := s.Recipes().Find(load.Recipe)
			if each := declared.NeedsResource[name]; each > 0 {
				resource.Used += each * load.Running
				resource.Waiting += load.Waiting
			}
		}
		all = append(all, resource)
	}
	return all, nil
}

func (s *Server) shownDispatchers(r *http.Request) ([]pages.Dispatcher, error) {
	rows, err := s.Roster.List(r.Context())
	if err != nil {
		return nil, err
	}
	var all []pages.Dispatcher
	for _, d := range rows {
		shown := pages.Dispatcher{Host: d.Host, PID: d.PID, Version: d.Version, State: string(d.State), Slots: d.Slots, Running: d.Running,
			Started: d.StartedAt, Seen: d.SeenAt}
		if d.Lately {
			shown.Trouble = d.Trouble
		} else if shown.State != "stopped" {
			shown.State = "silent"
		}
		all = append(all, shown)
	}
	return all, nil
}

// queueForm pauses a queue or resumes it.
func (s *Server) queueForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.adminForm(w, r); err != nil {
		return err
	}
	a, change := audit.Act{Verb: audit.Pause, Target: r.PostForm.Get("queue")}, s.Queues.Pause
	if r.PostForm.Get("do") == "resume" {
		a.Verb, change = audit.Resume, s.Queues.Resume
	}
	if _, err := s.setQueue(r, a, change); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin/queues", http.StatusSeeOther)
	return nil
}

// drainForm tells the dispatchers to drain, or takes that back.
func (s *Server) drainForm(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.adminForm(w, r); err != nil {
		return err
	}
	if err := s.order(r, r.PostForm.Get("mode")); err != nil {
		return err
	}
	http.Redirect(w, r, "/admin/queues", http.StatusSeeOther)
	return nil
}

// adminForm reads a form of the area.
func (s *Server) adminForm(w http.ResponseWriter, r *http.Request) error {
	if !s.Guard.Caller(r).Admin {
		return noSuchPage
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSettings)
	if err := r.ParseForm(); err != nil {
		return unreadableForm(err)
	}
	return nil
}
