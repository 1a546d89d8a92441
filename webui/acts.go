package webui

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/sql/audit"
	"convertd/sql/group"
	"convertd/sql/job"
	"convertd/webui/client"
)

// act does what only an administrator may, and has it in the audit log: written down
// before it is done, so that a deed that cannot be written down is not done, and with its
// outcome afterwards.
func (s *Server) act(r *http.Request, a audit.Act, do func() error) error {
	caller := s.Guard.Caller(r)
	a.Who, a.Address, a.Via = caller.Name, caller.Addr.String(), "page"
	if a.Who == "" {
		a.Who = "administrator"
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		a.Via = "api"
	}
	id, err := s.Acts.Begin(r.Context(), a)
	if err != nil {
		return err
	}
	done := do()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), lookUp)
	defer cancel()
	if err := s.Acts.End(ctx, id, done); err != nil {
		s.Log.Warn("the outcome of an act was not noted", slog.Int64("act", id), slog.Any("error", err))
	}
	return done
}

// actOn does something to what belongs to an owner: in the audit log only if the caller
// does it by the right of the administrator.
func (s *Server) actOn(r *http.Request, owner string, a audit.Act, do func() error) error {
	caller := s.Guard.Caller(r)
	theirs := caller.Owner == owner && (caller.Name != "" || caller.Cookie) // an address is many people's
	if !caller.Admin || theirs {
		return do()
	}
	return s.act(r, a, do)
}

// cancel ends a waiting or running job.
func (s *Server) cancel(r *http.Request, j job.Job) (job.Job, error) {
	err := s.actOn(r, j.Owner, audit.Act{Verb: audit.Cancel, Target: j.ID, Detail: j.Recipe}, func() (err error) {
		j, err = s.Jobs.RequestCancel(r.Context(), j.ID)
		return err
	})
	if err == nil {
		s.board.changed(j.ID)
	}
	return j, err
}

// remove deletes a job.
func (s *Server) remove(r *http.Request, j job.Job) error {
	err := s.actOn(r, j.Owner, audit.Act{Verb: audit.Delete, Target: j.ID, Detail: j.Recipe}, func() error {
		return s.Jobs.Delete(r.Context(), j.ID)
	})
	if err == nil {
		s.board.deleted(j.ID)
	}
	return err
}

// cancelAll cancels what has not ended of a group.
func (s *Server) cancelAll(r *http.Request, g group.Group) error {
	return s.actOn(r, g.Owner, audit.Act{Verb: audit.CancelMany, Target: g.ID}, func() error {
		_, err := s.Groups.Cancel(r.Context(), g.ID)
		return err
	})
}

// readActs reads which acts a list is to have, one more than fits on a page.
func readActs(r *http.Request, limit int) (audit.Filter, error) {
	query := r.URL.Query()
	filter := audit.Filter{Verb: audit.Verb(query.Get("verb")), Text: strings.ReplaceAll(query.Get("q"), "\x00", ""), Limit: limit + 1}
	if filter.Verb != "" && !slices.Contains(audit.Verbs(), filter.Verb) {
		return filter, fieldFault("verb", "There is no act "+strconv.Quote(shorten(string(filter.Verb)))+".", "Leave it out for all.")
	}
	if text := query.Get("cursor"); text != "" {
		before, err := strconv.ParseInt(text, 10, 64)
		if err != nil || before < 1 {
			return filter, fieldFault("cursor", "The cursor is not one of this list.", "Take it from the page before, or leave it out.")
		}
		filter.Before = before
	}
	return filter, nil
}

// acts returns a page of acts and the cursor of the next one, "" at the end.
func (s *Server) acts(ctx context.Context, filter audit.Filter) ([]audit.Act, string, error) {
	rows, err := s.Acts.List(ctx, filter)
	if err != nil || len(rows) < filter.Limit {
		return rows, "", err
	}
	rows = rows[:filter.Limit-1]
	return rows, strconv.FormatInt(rows[len(rows)-1].ID, 10), nil
}

// listActs serves what administrators did, to the administrator.
func (s *Server) listActs(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	limit, err := readLimit(r)
	if err != nil {
		return err
	}
	if err := onlyQuery(r, "verb", "q", "cursor", "limit"); err != nil {
		return err
	}
	filter, err := readActs(r, limit)
	if err != nil {
		return err
	}
	rows, next, err := s.acts(r.Context(), filter)
	if err != nil {
		return err
	}
	list := client.Acts{Acts: []client.Act{}, Next: next}
	for _, a := range rows {
		list.Acts = append(list.Acts, actDocument(a))
	}
	return writeJSON(w, http.StatusOK, list)
}

func actDocument(a audit.Act) client.Act {
	d := client.Act{At: a.At.UTC(), Who: a.Who, Address: a.Address, Via: a.Via, Verb: string(a.Verb), Target: a.Target, Detail: a.Detail}
	switch a.Outcome {
	case "":
	case audit.Done:
		d.Done = new(true)
	default:
		d.Done, d.Code = new(false), fault.Code(a.Outcome)
	}
	return d
}
