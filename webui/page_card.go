package webui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/sql/job"
	"convertd/webui/auth"
	"convertd/webui/client"
	pages "convertd/webui/page"
)

// card makes the card of a job as the reader may see it.
func (s *Server) card(r *http.Request, v visit, j job.Job) (pages.Card, error) {
	status, err := s.statusOf(r.Context(), j)
	if err != nil {
		return pages.Card{}, err
	}
	usual, err := s.usual(r.Context(), j)
	if err != nil {
		return pages.Card{}, err
	}
	declared, _ := s.Recipes().Find(j.Recipe)
	now := time.Now()
	v = v.with(declared)
	c := pages.Card{
		ID: j.ID, Name: firstName(j), Others: max(0, len(j.Inputs)-1), Size: inputBytes(j),
		What: titleOf(v.in(declared.Title), j.Recipe), Targets: targetWords(v, declared, j),
		State: string(j.State), Manage: v.MayManage(r, j.Owner, j.ManageHash), Key: auth.ManageToken(r),
		Times: moments(j, now), Progress: progressOf(v, j, status, usual, now),
	}
	asRun(v, &c, declared, j)
	if c.Manage && j.State.Ended() && c.Times.Gone == nil && len(j.Inputs)+len(j.Outputs) > 0 {
		c.Keeps = keepChoices(v)
	}
	switch {
	case j.State == job.Succeeded:
		c.Result = results(j)
		s.addShown(j, &c.Result)
	case j.State == job.Failed:
		c.Failure = s.failure(v, declared, j)
		if c.Failure.Advice, err = s.advice(r.Context(), v, j); err != nil {
			return pages.Card{}, err
		}
	case j.State == job.Running:
		c.Result.Pictures = pictures(j, s.previews(j))
		c.Steps = v.stepTitles(declared)
	case !j.State.Ended():
		c.Waiting = pages.Waiting{Position: status.QueuePosition, Starts: later(j.RunAt, now)}
		if j.State == job.Queued {
			c.Waiting.Held = v.texts.Said(status.Message)
		}
	}
	return c, nil
}

func firstName(j job.Job) string {
	if len(j.Inputs) == 0 {
		return ""
	}
	return j.Inputs[0].Name
}

// targetWords says what was chosen of several targets: one by its title, more by their
// number, nothing where the recipe makes one thing only.
func targetWords(v visit, r recipe.Recipe, j job.Job) string {
	chosen := j.Params[recipe.ToParam]
	for _, t := range r.Targets() {
		if len(chosen) == 1 && len(t.Given) > 0 && t.ID == chosen[0] {
			return v.in(t.Title)
		}
	}
	if len(chosen) > 0 {
		return v.texts.Count("card.targets", len(chosen))
	}
	return ""
}

// usual is how many seconds such a job usually runs, nil while nobody knows or it is over.
func (s *Server) usual(ctx context.Context, j job.Job) (*float64, error) {
	if j.State.Ended() {
		return nil, nil
	}
	seconds, known, err := s.Jobs.Usual(ctx, j.Recipe, inputBytes(j))
	if err != nil || !known {
		return nil, err
	}
	return &seconds, nil
}

func moments(j job.Job, now time.Time) pages.Moments {
	m := pages.Moments{Created: j.CreatedAt, Started: j.StartedAt, Ended: j.EndedAt, KeptUntil: j.KeepUntil, Gone: j.FilesGoneAt, Early: j.GoneFor == job.Disk}
	if m.Gone == nil && filesGone(j) {
		m.Gone = j.KeepUntil
	}
	m.Waited = now.Sub(j.CreatedAt)
	if j.StartedAt == nil {
		return m
	}
	m.Waited = max(0, j.StartedAt.Sub(j.CreatedAt))
	m.Ran = now.Sub(*j.StartedAt)
	if j.EndedAt != nil {
		m.Ran = j.EndedAt.Sub(*j.StartedAt)
	}
	return m
}

// Estimates of the time left are made from the percent only when it says something.
const (
	sureSeconds = 3
	surePercent = 5
)

func progressOf(v visit, j job.Job, status client.Status, usual *float64, now time.Time) pages.Progress {
	p := pages.Progress{Attempt: j.Attempt, Usual: usual, Stopping: j.CancelRequested}
	if j.State != job.Running {
		return p
	}
	p.Percent, p.Message, p.Step, p.Left = status.Percent, v.texts.Said(status.Message), v.texts.Said(status.Step), status.ETASeconds
	p.Previews = status.Previews
	if p.Left != nil || p.Percent == nil || j.StartedAt == nil {
		return p
	}
	ran := now.Sub(*j.StartedAt).Seconds()
	if ran >= sureSeconds && *p.Percent >= surePercent {
		left := ran * (100 - *p.Percent) / *p.Percent
		p.Left = &left
	}
	return p
}

func later(at *time.Time, now time.Time) *time.Time {
	if at == nil || !at.After(now) {
		return nil
	}
	return at
}

// pictures are the previews that a page can show.
func pictures(j job.Job, previews []job.Output) []pages.Picture {
	var all []pages.Picture
	for _, f := range outputFiles(j, "previews", previews) {
		if f.URL != "" && strings.HasPrefix(f.MediaType, "image/") {
			all = append(all, pages.Picture{Name: firstName(j), URL: f.URL})
		}
	}
	return all
}

func results(j job.Job) pages.Result {
	var result pages.Result
	for _, f := range outputFiles(j, "outputs", j.Outputs) {
		result.Size += f.Size
		result.Files = append(result.Files, pages.File{Name: f.Name, URL: f.URL, Size: f.Size, SHA256: f.SHA256})
	}
	result.Pictures = pictures(j, j.Previews)
	if len(result.Files) > 1 {
		result.Archive = jobLinks(j.ID).Archive
	}
	return result
}

func (s *Server) failure(v visit, declared recipe.Recipe, j job.Job) pages.Failure {
	f := pages.Failure{Reason: v.texts.Text("card.noreason"), Log: jobLinks(j.ID).Log}
	if j.Result != nil {
		f.Class, f.Hint = string(j.Result.Class), v.texts.Said(j.Result.Hint)
		f.Mailed = s.Pages.MailsFailures && declared.Mails(j.Result.Class, true)
		if j.Result.Detail != "" {
			f.Reason = v.texts.Said(j.Result.Detail)
		}
	}
	if j.FilesGoneAt == nil && j.Attempt > 0 {
		f.Lines = lastLines(s.Spool.Job(j.ID), j.Attempt)
	}
	return f
}

// advice is what the box of the last attempt did not have; it tells of this machine, so
// only the administrator sees it.
func (s *Server) advice(ctx context.Context, v visit, j job.Job) ([]string, error) {
	if !v.Admin || j.Attempt == 0 {
		return nil, nil
	}
	attempts, err := s.Jobs.Attempts(ctx, j.ID)
	if err != nil || len(attempts) == 0 {
		return nil, err
	}
	return adviceOf(attempts[len(attempts)-1]), nil
}

// facts are the details of a job.
func (s *Server) facts(v visit, j job.Job) []pages.Fact {
	var facts []pages.Fact
	add := func(key, value string, pairs ...any) {
		if value != "" {
			facts = append(facts, pages.Fact{Name: v.texts.Text(key, pairs...), Value: value})
		}
	}
	add("fact.id", j.ID)
	add("fact.recipe", j.Recipe+" "+j.RecipeVersion)
	for _, m := range []struct {
		key string
		at  *time.Time
	}{{"fact.created", &j.CreatedAt}, {"fact.started", j.StartedAt}, {"fact.ended", j.EndedAt}} {
		if m.at != nil {
			facts = append(facts, pages.Fact{Name: v.texts.Text(m.key), At: m.at})
		}
	}
	for name, value := range sorted(j.Params) {
		if !s.secret(j.Recipe, name) {
			add("fact.param", strings.Join(value, ", "), "name", name)
		}
	}
	for _, in := range j.Inputs {
		add("fact.sha", in.SHA256, "name", in.Name)
	}
	for _, out := range j.Outputs {
		add("fact.sha", out.SHA256, "name", out.Name)
	}
	if j.Attempt > 0 {
		add("fact.attempts", v.texts.Integer(int64(j.Attempt)))
	}
	if j.Result != nil && j.State.Ended() {
		s.addEnd(v, *j.Result, add)
	}
	return facts
}

// addEnd adds what is known of the last attempt's end.
func (s *Server) addEnd(v visit, end job.Result, add func(key, value string, pairs ...any)) {
	if end.Class != fault.Succeeded {
		add("fact.class", string(end.Class))
		add("fact.step", end.Step)
		add("fact.signal", end.Signal)
		if end.ExitCode != 0 {
			add("fact.exit", v.texts.Integer(int64(end.ExitCode)))
		}
	}
	if end.Usage.CPUSeconds > 0 {
		add("fact.cpu", v.texts.Duration(time.Duration(end.Usage.CPUSeconds*float64(time.Second))))
	}
	if end.Usage.PeakMemoryBytes > 0 {
		add("fact.memory", v.texts.Size(end.Usage.PeakMemoryBytes))
	}
}

// secret reports whether a parameter's value is shown to nobody.
func (s *Server) secret(name, param string) bool {
	r, _ := s.Recipes().Find(name)
	for _, p := range r.Params {
		if p.Name == param {
			return p.Type == recipe.Secret
		}
	}
	return false
}

// row makes the line of a job in a list.
func (s *Server) row(v visit, j job.Job, now time.Time) pages.Row {
	declared, _ := s.Recipes().Find(j.Recipe)
	row := pages.Row{
		ID: j.ID, Name: firstName(j), Others: max(0, len(j.Inputs)-1), Size: inputBytes(j),
		What: titleOf(v.in(declared.Title), j.Recipe), State: string(j.State),
		Created: j.CreatedAt, Ran: moments(j, now).Ran, Attempt: j.Attempt,
	}
	if row.Name == "" && isButton(declared) {
		row.Name = row.What
	}
	if j.Result != nil && j.State == job.Failed {
		row.Reason, row.Class = v.with(declared).texts.Said(j.Result.Detail), string(j.Result.Class)
	}
	if v.Admin {
		row.Owner = j.Owner
	}
	return row
}

// withToken adds the manage token that the reader came with.
func withToken(path string, r *http.Request) string {
	if token := auth.ManageToken(r); token != "" {
		return path + "?manage=" + url.QueryEscape(token)
	}
	return path
}
