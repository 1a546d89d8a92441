package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/sql/job"
	"convertd/webui/auth"
	"convertd/webui/client"
)

// listJobs serves the caller's own jobs, all jobs to the administrator.
func (s *Server) listJobs(w http.ResponseWriter, r *http.Request, _ httprouter.Params) error {
	filter, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	if err := restrict(&filter, s.Guard.Caller(r)); err != nil {
		return err
	}
	return s.writeList(w, r, filter, false)
}

// restrict keeps a caller to the own jobs.
func restrict(filter *job.Filter, caller auth.Caller) error {
	switch {
	case caller.Admin:
	case filter.Owner == "" || filter.Owner == caller.Owner:
		filter.Owner = caller.Owner
	default:
		return fault.New(fault.Forbidden, "Only the administrator may list the jobs of others.", "Leave owner out to list your own.")
	}
	return nil
}

// writeList answers with a page of jobs; named ones say who ran them.
func (s *Server) writeList(w http.ResponseWriter, r *http.Request, filter job.Filter, named bool) error {
	page, err := s.Jobs.List(r.Context(), filter)
	if err != nil {
		return err
	}
	jobs, err := s.documents(r.Context(), page.Jobs)
	if err != nil {
		return err
	}
	for i := range jobs {
		if named {
			jobs[i].Owner = auth.NameOf(page.Jobs[i].Owner)
		}
	}
	if page.Next != "" {
		next := *r.URL
		query := next.Query()
		query.Set("cursor", page.Next)
		next.RawQuery = query.Encode()
		w.Header().Set("Link", "<"+next.RequestURI()+`>; rel="next"`)
	}
	return writeTagged(w, r, client.Jobs{Jobs: jobs, Next: page.Next})
}

// documents are the documents of many rows: what runners tell comes in one question, and
// places in queues, which cost one each, are left to the single document.
func (s *Server) documents(ctx context.Context, rows []job.Job) ([]client.Job, error) {
	var running []string
	for _, j := range rows {
		if j.State == job.Running {
			running = append(running, j.ID)
		}
	}
	told := map[string]view{}
	if len(running) > 0 {
		told = s.board.listen(ctx, running)
	}
	documents := make([]client.Job, 0, len(rows))
	for _, j := range rows {
		d := s.rowDocument(j)
		if v, ok := told[j.ID]; ok && v.running && v.attempt == j.Attempt {
			var status client.Status
			if err := json.Unmarshal(v.body, &status); err != nil {
				return nil, fmt.Errorf("read the status of a job: %w", err)
			}
			d.Percent, d.Message, d.Step, d.ETASeconds = status.Percent, status.Message, status.Step, status.ETASeconds
		}
		documents = append(documents, d)
	}
	return documents, nil
}

// readFilter reads the query of a list.
func readFilter(query url.Values) (job.Filter, error) {
	filter := job.Filter{Recipe: query.Get("recipe"), Group: query.Get("group"), Owner: query.Get("owner"),
		Text: query.Get("q"), Cursor: query.Get("cursor")}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if err := readMember(&filter, name, query[name]); err != nil {
			return filter, err
		}
	}
	return filter, nil
}

func readMember(filter *job.Filter, name string, values []string) error {
	switch name {
	case "recipe", "group", "owner", "q", "cursor":
		return nil
	case "state":
		return readStates(filter, values)
	case "tag":
		return readTags(filter, values)
	case "since":
		return moment(&filter.Since, name, values[0])
	case "until":
		return moment(&filter.Until, name, values[0])
	case "limit":
		n, err := strconv.Atoi(values[0])
		if err != nil || n < 1 || n > job.MaxLimit {
			return fieldFault(name, fmt.Sprintf("The limit is not 1 to %d.", job.MaxLimit), fmt.Sprintf("Leave it out for %d.", job.DefaultLimit))
		}
		filter.Limit = n
		return nil
	}
	return unsupportedField(name)
}

func readStates(filter *job.Filter, values []string) error {
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			state := job.State(strings.TrimSpace(name))
			if !slices.Contains(job.States(), state) {
				return fieldFault("state", fmt.Sprintf("There is no state %q.", shorten(name)), fmt.Sprintf("The states are %v.", job.States()))
			}
			filter.States = append(filter.States, state)
		}
	}
	return nil
}

func readTags(filter *job.Filter, values []string) error {
	filter.Tags = map[string]string{}
	for _, value := range values {
		key, text, ok := strings.Cut(value, "=")
		if !ok {
			return fieldFault("tag", "A tag has no value.", "Write it as name=value.")
		}
		filter.Tags[key] = text
	}
	return nil
}

// attemptsDocument lists attempts; where they ran is nobody's business but the
// administrator's.
func attemptsDocument(rows []job.Attempt, admin bool) any {
	attempts := make([]client.Attempt, 0, len(rows))
	for _, a := range rows {
		attempts = append(attempts, client.Attempt{
			Number: a.Number, StartedAt: a.StartedAt.UTC(), EndedAt: utc(a.EndedAt), Class: a.Class, Detail: a.Detail,
			ExitCode: a.ExitCode, Signal: a.Signal, RecipeVersion: a.RecipeVersion, Usage: client.Usage(a.Usage),
			Ran: orNullJSON(a.Ran), Limits: orNullJSON(a.Limits),
		})
		if admin {
			attempts[len(attempts)-1].Advice = adviceOf(a)
			attempts[len(attempts)-1].Place = &client.Place{PID: a.PID, Cgroup: a.Cgroup, BootID: a.BootID, Machine: orNullJSON(a.Machine)}
		}
	}
	return struct {
		Attempts []client.Attempt `json:"attempts"`
	}{attempts}
}

// adviceOf is what the box of an attempt did not have.
func adviceOf(a job.Attempt) []string {
	var advice []string
	if json.Unmarshal(orNullJSON(a.Advice), &advice) != nil {
		return nil // of another version of the program
	}
	return advice
}

func orNullJSON(raw []byte) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}
