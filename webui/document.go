package webui

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/julienschmidt/httprouter"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/webui/client"
)

// find returns the job of the route's id.
func (s *Server) find(ctx context.Context, p httprouter.Params) (job.Job, error) {
	id := p.ByName("id")
	if !isID(id) {
		return job.Job{}, noSuchJob
	}
	j, err := s.Jobs.Find(ctx, id)
	if fault.Is(err, fault.NotFound) {
		err = noSuchJob // an id that could be one is told like one that could not
	}
	return j, err
}

// document makes the job document of a row, with what its runner tells about it.
func (s *Server) document(ctx context.Context, j job.Job) (client.Job, error) {
	status, err := s.statusOf(ctx, j)
	if err != nil {
		return client.Job{}, err
	}
	d := s.rowDocument(j)
	d.Percent, d.Message, d.Step = status.Percent, status.Message, status.Step
	d.QueuePosition, d.ETASeconds = status.QueuePosition, status.ETASeconds
	return d, nil
}

// statusOf is the runner's document of a running job if it is of this attempt, else
// what the row says.
func (s *Server) statusOf(ctx context.Context, j job.Job) (client.Status, error) {
	if j.State == job.Running {
		told, err := s.board.get(ctx, j.ID)
		if err == nil && told.running && told.attempt == j.Attempt {
			var status client.Status
			if json.Unmarshal(told.body, &status) == nil {
				return s.withEstimate(ctx, j, status)
			}
		}
	}
	return s.rowStatus(ctx, j)
}

// withEstimate adds to what a runner says how long it may still take, which it cannot know.
func (s *Server) withEstimate(ctx context.Context, j job.Job, status client.Status) (client.Status, error) {
	if status.ETASeconds != nil {
		return status, nil
	}
	usual, known, err := s.Jobs.Usual(ctx, j.Recipe, inputBytes(j))
	if err == nil && known {
		status.ETASeconds = remaining(j, usual)
	}
	return status, err
}

// rowDocument is what the row alone says.
func (s *Server) rowDocument(j job.Job) client.Job {
	d := client.Job{
		ID: j.ID, Recipe: j.Recipe, RecipeVersion: j.RecipeVersion,
		State: string(j.State), Done: j.State.Ended(), Attempt: j.Attempt, Priority: j.Priority,
		Tags: j.Tags, Params: s.shownParams(j), Group: orNull(j.Group), RetryOf: orNull(j.RetryOf),
		Times: client.Times{
			CreatedAt: j.CreatedAt.UTC(), StartedAt: utc(j.StartedAt), EndedAt: utc(j.EndedAt), ExpiresAt: utc(j.KeepUntil),
		},
		Inputs: inputFiles(j.Inputs), Outputs: outputFiles(j, "outputs", j.Outputs), Previews: outputFiles(j, "previews", s.previews(j)),
		Error: jobError(j), Usage: usage(j), Links: jobLinks(j.ID),
	}
	if j.State == job.Succeeded {
		d.Percent = new(100.0)
	}
	if j.State == job.Scheduled {
		d.RunAt = utc(j.RunAt)
	}
	if d.Tags == nil {
		d.Tags = map[string]string{}
	}
	return d
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}

// shownParams gives each value the JSON type that its recipe declares, so that a
// document's params can be sent again as they are.
func (s *Server) shownParams(j job.Job) map[string]any {
	shown := make(map[string]any, len(j.Params))
	declared, _ := s.Recipes().Find(j.Recipe)
	types := map[string]recipe.ParamType{}
	for _, p := range declared.Params {
		types[p.Name] = p.Type
	}
	for name, words := range j.Params {
		if types[name] != recipe.Secret {
			shown[name] = shownValue(types[name], words)
		}
	}
	return shown
}

func shownValue(kind recipe.ParamType, words []string) any {
	if kind == recipe.List || len(words) != 1 {
		return words
	}
	switch kind {
	case recipe.Integer, recipe.Number:
		if n := json.Number(words[0]); json.Valid([]byte(n)) {
			return n
		}
	case recipe.Boolean:
		return words[0] == "true"
	}
	return words[0]
}

func inputFiles(inputs []job.Input) []client.File {
	files := make([]client.File, 0, len(inputs))
	for _, in := range inputs {
		files = append(files, client.File{Name: in.Name, Size: in.Size, SHA256: in.SHA256, MediaType: in.MediaType})
	}
	return files
}

func outputFiles(j job.Job, kind string, rows []job.Output) []client.File {
	files := make([]client.File, 0, len(rows))
	gone := filesGone(j)
	for _, out := range rows {
		f := client.File{Name: out.Name, Size: out.Size, SHA256: out.SHA256, MediaType: out.MediaType}
		if !gone {
			f.URL = jobPath(j.ID) + "/" + kind + "/" + pathEscape(out.Name)
		}
		files = append(files, f)
	}
	return files
}

// filesGone reports whether the results were removed or are about to be.
func filesGone(j job.Job) bool {
	return j.FilesGoneAt != nil || (j.KeepUntil != nil && !time.Now().Before(*j.KeepUntil))
}

// jobError is why the job did not succeed, nil when nothing went wrong.
func jobError(j job.Job) *client.JobError {
	if j.Result == nil || j.State == job.Succeeded {
		return nil
	}
	if j.Result.Detail == "" && j.State != job.Failed {
		return nil // cancelled because somebody wanted it
	}
	return &client.JobError{Code: codeOf(j.Result.Class), Class: j.Result.Class, Detail: j.Result.Detail, Hint: j.Result.Hint}
}

// codeOf is the problem code nearest to an outcome class, for clients that know only
// codes; the dispatcher's documents say the same.
func codeOf(class fault.Class) fault.Code {
	if class == fault.BadInput {
		return fault.Invalid
	}
	return fault.Internal
}

func usage(j job.Job) *client.Usage {
	if j.Result == nil || j.Attempt == 0 {
		return nil
	}
	return new(client.Usage(j.Result.Usage))
}

func jobPath(id string) string { return "/api/v1/jobs/" + id }

func jobPage(id string) string { return "/jobs/" + id }

func jobLinks(id string) client.Links {
	self := jobPath(id)
	return client.Links{
		Self: self, Page: jobPage(id), Status: self + "/status", Events: self + "/events", Log: self + "/log",
		Cancel: self + "/cancel", Retry: self + "/retry", Archive: self + "/outputs.zip",
	}
}

// getJob serves the job document, at once or when the job has ended.
func (s *Server) getJob(w http.ResponseWriter, r *http.Request, p httprouter.Params) error {
	j, err := s.find(r.Context(), p)
	if err != nil {
		return err
	}
	o, err := readOptions(r)
	if err != nil {
		return err
	}
	if o.wait > 0 {
		if j, err = s.waitForEnd(r.Context(), j, o.wait); err != nil {
			return err
		}
	}
	if o.redirect {
		return s.redirectToOutput(w, j)
	}
	if o.waiting {
		w.Header().Set("Preference-Applied", "wait="+seconds(o.wait))
	}
	w.Header().Set("Vary", "Prefer")
	d, err := s.document(r.Context(), j)
	if err != nil {
		return err
	}
	return writeTagged(w, r, d)
}
