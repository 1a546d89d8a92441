package webui

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/sql/refused"
	"convertd/webui/client"
)

// noteRefusal keeps who was turned away and why. What we could not do ourselves is no
// refusal, and a row that cannot be written changes no answer.
func (s *Server) noteRefusal(r *http.Request, sub *submission, cause error) {
	code := fault.CodeOf(cause)
	if cause == nil || code == fault.Internal || code == fault.Unavailable || r.Context().Err() != nil {
		return // who went away was not turned away
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), lookUp)
	defer cancel()
	row := refused.Refusal{Owner: sub.owner, Recipe: sub.recipe, Code: code, Detail: s.problem(r, cause).Detail}
	if row.Recipe == "" && sub.to != "" {
		row.Recipe = "to " + sub.to
	}
	if err := s.Refusals.Note(ctx, row); err != nil {
		s.Log.Warn("a refusal was not noted", slog.Any("error", err))
	}
}

// readLimit reads how long a list may be.
func readLimit(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return job.DefaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > job.MaxLimit {
		return 0, fieldFault("limit", "The limit is not 1 to "+strconv.Itoa(job.MaxLimit)+".", "Leave it out for "+strconv.Itoa(job.DefaultLimit)+".")
	}
	return n, nil
}

// onlyQuery refuses what a list does not know.
func onlyQuery(r *http.Request, known ...string) error {
	for name := range r.URL.Query() {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			return unsupportedField(name)
		}
	}
	return nil
}

// listFailures serves the most common failures, to the administrator.
func (s *Server) listFailures(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	limit, err := readLimit(r)
	if err != nil {
		return err
	}
	if err := onlyQuery(r, "recipe", "limit"); err != nil {
		return err
	}
	rows, err := s.Jobs.Failures(r.Context(), r.URL.Query().Get("recipe"), limit)
	if err != nil {
		return err
	}
	list := client.Failures{Failures: []client.Failure{}}
	for _, f := range rows {
		list.Failures = append(list.Failures, client.Failure(f))
	}
	return writeJSON(w, http.StatusOK, list)
}

// listRefused serves the submissions that were turned away, to the administrator.
func (s *Server) listRefused(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	if err := s.administrator(r); err != nil {
		return err
	}
	limit, err := readLimit(r)
	if err != nil {
		return err
	}
	if err := onlyQuery(r, "cursor", "limit"); err != nil {
		return err
	}
	before := int64(0)
	if text := r.URL.Query().Get("cursor"); text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return fieldFault("cursor", "The cursor is not one of this list.", "Take it from the page before, or leave it out.")
		}
	}
	rows, err := s.Refusals.List(r.Context(), before, limit+1)
	if err != nil {
		return err
	}
	list := client.Refusals{Refused: []client.Refusal{}}
	if len(rows) > limit {
		rows = rows[:limit]
		list.Next = strconv.FormatInt(rows[limit-1].ID, 10)
	}
	for _, row := range rows {
		list.Refused = append(list.Refused, client.Refusal{At: row.At, Owner: row.Owner, Recipe: row.Recipe, Code: row.Code, Detail: row.Detail})
	}
	return writeJSON(w, http.StatusOK, list)
}
