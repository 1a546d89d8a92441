package webui

import (
	"context"
	"net/http"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/sql/group"
	"convertd/sql/job"
	"convertd/webui/client"
)

const (
	// newGroup in the field group makes one.
	newGroup = "new"
	// groupPage is how many jobs of a group are read at once, maxGroup how many are shown
	// in its document.
	groupPage = 500
	maxGroup  = 2000
)

func noSuchGroup() error {
	return fault.New(fault.NotFound, "There is no group with this id.", "The address may be incomplete.")
}

// findGroup returns the group of an id.
func (s *Server) findGroup(ctx context.Context, id string) (group.Group, error) {
	if !isID(id) {
		return group.Group{}, noSuchGroup()
	}
	return s.Groups.Find(ctx, id)
}

// joinGroup returns the group that a submission joins, made on demand. Joining one is a
// change of it, which needs its owner or manage token.
func (s *Server) joinGroup(ctx context.Context, sub *submission) (string, error) {
	switch sub.group {
	case "":
		return "", nil
	case newGroup:
		return s.Groups.Create(ctx, sub.owner, sub.tokenHash)
	}
	g, err := s.findGroup(ctx, sub.group)
	if fault.Is(err, fault.NotFound) {
		return "", fieldFault("group", "There is no group with this id.", "Send group=new to make one; the document names its id.")
	}
	if err == nil && (sub.mayManage == nil || !sub.mayManage(g.Owner, g.ManageHash)) {
		err = notYours()
	}
	return g.ID, err
}

// groupRows returns the jobs of a group, newest first, at most maxGroup.
func (s *Server) groupRows(ctx context.Context, id string) ([]job.Job, error) {
	var rows []job.Job
	cursor := ""
	for len(rows) < maxGroup {
		page, err := s.Groups.Jobs(ctx, id, cursor, groupPage)
		if err != nil {
			return nil, err
		}
		rows = append(rows, page.Jobs...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return rows, nil
}

// groupJobs returns the ids of a group's jobs.
func (s *Server) groupJobs(ctx context.Context, id string) ([]string, error) {
	if _, err := s.findGroup(ctx, id); err != nil {
		return nil, err
	}
	rows, err := s.groupRows(ctx, id)
	ids := make([]string, 0, len(rows))
	for _, j := range rows {
		ids = append(ids, j.ID)
	}
	return ids, err
}

// groupDocument makes the document of a group. Its percent counts a running job by its
// own percent.
func (s *Server) groupDocument(ctx context.Context, g group.Group) (client.Group, error) {
	rows, err := s.groupRows(ctx, g.ID)
	if err != nil {
		return client.Group{}, err
	}
	jobs, err := s.documents(ctx, rows)
	if err != nil {
		return client.Group{}, err
	}
	self := "/api/v1/groups/" + g.ID
	d := client.Group{ID: g.ID, Total: g.Jobs, Done: g.Jobs > 0 && g.Done == g.Jobs, Percent: groupPercent(g, jobs), Jobs: jobs,
		Counts: make(map[string]int, len(g.Counts)),
		Links: client.GroupLinks{Self: self, Page: "/groups/" + g.ID, Events: "/api/v1/events?group=" + g.ID,
			Cancel: self + "/cancel", Archive: self + "/outputs.zip"},
	}
	for state, n := range g.Counts {
		d.Counts[string(state)] = n
	}
	return d, nil
}

func groupPercent(g group.Group, jobs []client.Job) *float64 {
	if g.Jobs == 0 {
		return nil
	}
	sum := float64(g.Done) * 100
	for _, j := range jobs {
		if !j.Done && j.Percent != nil {
			sum += *j.Percent
		}
	}
	return new(float64(int64(sum/float64(g.Jobs)*10)) / 10)
}

// getGroup serves the document of a group.
func (s *Server) getGroup(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	g, err := s.findGroup(r.Context(), p.ByName("id"))
	if err != nil {
		return err
	}
	d, err := s.groupDocument(r.Context(), g)
	if err != nil {
		return err
	}
	return writeTagged(w, r, d)
}

// cancelGroup cancels what has not ended in a group.
func (s *Server) cancelGroup(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
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
	if g, err = s.Groups.Find(r.Context(), g.ID); err != nil {
		return err
	}
	d, err := s.groupDocument(r.Context(), g)
	if err != nil {
		return err
	}
	for _, j := range d.Jobs {
		s.board.changed(j.ID)
	}
	return writeJSON(w, http.StatusOK, d)
}

// getGroupArchive serves the results of all jobs of a group that succeeded as one zip.
func (s *Server) getGroupArchive(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	g, err := s.findGroup(r.Context(), p.ByName("id"))
	if err != nil {
		return err
	}
	rows, err := s.groupRows(r.Context(), g.ID)
	if err != nil {
		return err
	}
	var with []job.Job
	for i := len(rows) - 1; i >= 0; i-- { // in the order of submission
		if len(rows[i].Outputs) > 0 && !filesGone(rows[i]) {
			with = append(with, rows[i])
		}
	}
	if len(with) == 0 {
		return fault.New(fault.NotFound, "The group has no results.", "Its document says how far its jobs are.")
	}
	return s.sendZip(w, r, "convertd-"+g.ID[:8]+".zip", with)
}
