package webui

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/sql/audit"
	"convertd/sql/queue"
	"convertd/sql/roster"
	"convertd/webui/client"
)

// QueueLimits bound one queue; 0 is no limit of its own.
type QueueLimits struct {
	// Running is how many jobs of it run at once, Waiting how many may wait.
	Running, Waiting int
}

// queues are all queues by name: those of recipes and settings, and those that have jobs.
func (s *Server) queues(ctx context.Context) ([]client.Queue, error) {
	rows, err := s.Queues.List(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]queue.Queue{}
	for _, r := range s.Recipes().All() {
		known[r.Queue] = queue.Queue{Name: r.Queue}
	}
	for name := range s.QueueLimits {
		known[name] = queue.Queue{Name: name}
	}
	for _, row := range rows {
		known[row.Name] = row
	}
	all := []client.Queue{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		row, limits := known[name], s.QueueLimits[name]
		all = append(all, client.Queue{Name: name, Waiting: row.Waiting, Running: row.Running, Paused: row.PausedAt != nil,
			PausedAt: row.PausedAt, Limit: unlessZero(limits.Running), MaxWaiting: unlessZero(limits.Waiting)})
	}
	return all, nil
}

func unlessZero(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

// listQueues serves all queues, to the administrator.
func (s *Server) listQueues(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	all, err := s.queues(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, client.Queues{Queues: all})
}

// pauseQueue keeps jobs of a queue from starting.
func (s *Server) pauseQueue(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	return s.changeQueue(w, r, audit.Act{Verb: audit.Pause, Target: p.ByName("name")}, s.Queues.Pause)
}

// resumeQueue lets them start again.
func (s *Server) resumeQueue(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	return s.changeQueue(w, r, audit.Act{Verb: audit.Resume, Target: p.ByName("name")}, s.Queues.Resume)
}

func (s *Server) changeQueue(w http.ResponseWriter, r *http.Request, a audit.Act, change func(context.Context, string) error) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	changed, err := s.setQueue(r, a, change)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, changed)
}

// setQueue changes the queue that the act is about, and returns it as it is then.
func (s *Server) setQueue(r *http.Request, a audit.Act, change func(context.Context, string) error) (client.Queue, error) {
	name := a.Target
	find := func() (client.Queue, error) {
		all, err := s.queues(r.Context())
		at := slices.IndexFunc(all, func(q client.Queue) bool { return q.Name == name })
		if err == nil && at < 0 {
			err = fault.New(fault.NotFound, fmt.Sprintf("There is no queue %q.", shorten(name)), "The list at /api/v1/queues names them all.")
		}
		if err != nil {
			return client.Queue{}, err
		}
		return all[at], nil
	}
	if found, err := find(); err != nil {
		return found, err
	}
	if err := s.act(r, a, func() error { return change(r.Context(), name) }); err != nil {
		return client.Queue{}, err
	}
	return find()
}

// listDispatchers serves the dispatchers that were seen lately, to the administrator.
func (s *Server) listDispatchers(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	rows, err := s.Roster.List(r.Context())
	if err != nil {
		return err
	}
	list := client.Dispatchers{Dispatchers: []client.Dispatcher{}}
	for _, d := range rows {
		list.Dispatchers = append(list.Dispatchers, client.Dispatcher{ID: d.ID, Spool: d.Spool, Host: d.Host, PID: d.PID,
			Version: d.Version, State: string(d.State), Alive: d.Lately, Slots: d.Slots, Running: d.Running,
			StartedAt: d.StartedAt, SeenAt: d.SeenAt, Trouble: d.Trouble})
	}
	return writeJSON(w, http.StatusOK, list)
}

// getStats serves numbers about all jobs, to the administrator.
func (s *Server) getStats(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	counts, err := s.Jobs.Counts(r.Context())
	if err != nil {
		return err
	}
	recipes, err := s.Jobs.RecipeStats(r.Context())
	if err != nil {
		return err
	}
	stats := client.Stats{Jobs: map[string]int{}, Recipes: []client.RecipeStats{}}
	for state, n := range counts {
		stats.Jobs[string(state)] = n
	}
	for _, row := range recipes {
		stats.Recipes = append(stats.Recipes, client.RecipeStats(row))
	}
	return writeJSON(w, http.StatusOK, stats)
}

// drain tells all dispatchers to start nothing more, or takes that back.
func (s *Server) drain(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	var asked drainRequest
	if err := s.readJSON(w, r, &asked); err != nil {
		return err
	}
	if err := s.order(r, asked.Mode); err != nil {
		return err
	}
	return s.listDispatchers(w, r, p)
}

// order tells all dispatchers how to drain.
func (s *Server) order(r *http.Request, asked string) error {
	mode := roster.Mode(asked)
	switch asked {
	case "drain", "now":
	case "off":
		mode = roster.Off
	default:
		return fieldFault("mode", fmt.Sprintf("There is no mode %q.", shorten(asked)), "It is drain, now or off.")
	}
	return s.act(r, audit.Act{Verb: audit.Drain, Detail: asked}, func() error { return s.Roster.Order(r.Context(), mode) })
}

// drainRequest is how dispatchers are told to drain.
type drainRequest struct {
	// Mode is drain (wait for what runs), now (ask it to stop safely) or off.
	Mode string `json:"mode"`
}
