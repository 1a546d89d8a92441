package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"convertd/runner/recipe/load"
	"convertd/webui/client"
)

// jobsCommand lists jobs, newest first.
type jobsCommand struct {
	remote `embed:""`
	State  []string `help:"Only jobs in this state; may be repeated." placeholder:"STATE"`
	Recipe string   `help:"Only jobs of this recipe." placeholder:"NAME"`
	Tag    []string `help:"Only jobs with this tag; may be repeated." placeholder:"NAME=VALUE" sep:"none"`
	Owner  string   `help:"Only jobs of this owner; of others, for the administrator." placeholder:"NAME"`
	Group  string   `help:"Only jobs of this group." placeholder:"ID"`
	Since  moment   `help:"Only jobs sent since then: a time, or how long ago." placeholder:"2026-01-31T18:00:00Z|2h|7d"`
	Until  moment   `help:"Only jobs sent before then." placeholder:"2026-01-31T18:00:00Z|2h|7d"`
	Search string   `short:"q" help:"Only jobs whose file names or error contain this." placeholder:"TEXT"`
	Limit  int      `short:"n" help:"How many." default:"20"`
	Cursor string   `help:"Go on where a list ended: its \"next\" with --json." placeholder:"CURSOR"`
}

// moment is a point in time, given as RFC 3339 or as how long ago it was.
type moment struct{ at *time.Time }

// UnmarshalText reads a moment.
func (m *moment) UnmarshalText(text []byte) error {
	if ago, err := load.ParseDuration(string(text)); err == nil {
		m.at = new(time.Now().Add(-ago))
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is neither a time such as 2026-01-31T18:00:00Z nor a span such as 2h", text)
	}
	m.at = &at
	return nil
}

// Run prints one line a job.
func (c *jobsCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	page, err := server.Jobs(a.ctx, client.Filter{States: c.State, Recipe: c.Recipe, Tags: c.Tag,
		Owner: c.Owner, Group: c.Group, Since: c.Since.at, Until: c.Until.at, Text: c.Search, Limit: c.Limit, Cursor: c.Cursor})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, page)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "JOB\tRECIPE\tFILE\tCREATED\tSTATE")
	for _, j := range page.Jobs {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", j.ID, j.Recipe, inputName(j), clock(j.CreatedAt), stateText(j))
	}
	return w.Flush()
}

// showCommand prints one job.
type showCommand struct {
	remote `embed:""`
	ID     string `arg:"" help:"Id of the job."`
}

// Run prints what is known of the job.
func (c *showCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	j, err := server.Job(a.ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, j)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	line := func(name, value string) { _, _ = fmt.Fprintf(w, "%s\t%s\n", name, value) }
	line("job", j.ID)
	line("recipe", j.Recipe+" ("+j.RecipeVersion+")")
	line("state", stateText(j))
	if j.Error != nil && j.Error.Hint != "" {
		line("what to do", j.Error.Hint)
	}
	if j.Message != "" {
		line("message", j.Message)
	}
	if j.ETASeconds != nil {
		line("estimate", fmt.Sprintf("about %.0f s of running, by earlier jobs of the recipe", *j.ETASeconds))
	}
	line("created", clock(j.CreatedAt))
	switch {
	case j.RunAt != nil && j.Attempt > 0:
		line("again", fmt.Sprintf("%s, after attempt %d", clock(*j.RunAt), j.Attempt))
	case j.RunAt != nil:
		line("starts", clock(*j.RunAt))
	}
	if j.EndedAt != nil {
		line("ended", clock(*j.EndedAt))
	}
	if err := adviceLines(a, server, j, line); err != nil {
		return err
	}
	for _, f := range j.Inputs {
		line("input", f.Name+", "+sizeText(f.Size))
	}
	for _, f := range j.Outputs {
		line("output", f.Name+", "+sizeText(f.Size))
	}
	return w.Flush()
}

// adviceLines shows what the box of a failed job did not have; the server tells only the
// administrator.
func adviceLines(a *app, server *client.Client, j client.Job, line func(name, value string)) error {
	if j.State != "failed" {
		return nil
	}
	attempts, err := server.Attempts(a.ctx, j.ID)
	if err != nil || len(attempts) == 0 {
		return err
	}
	for _, text := range attempts[len(attempts)-1].Advice {
		line("not granted", text)
	}
	return nil
}

// logCommand prints what the converter printed.
type logCommand struct {
	remote  `embed:""`
	ID      string `arg:"" help:"Id of the job."`
	Attempt int    `help:"Attempt (default: the last)." placeholder:"N"`
	Follow  bool   `short:"f" help:"Go on as the job runs."`
}

// Run copies the log to standard output.
func (c *logCommand) Run(a *app) error {
	if c.JSON {
		return errors.New("a log is text and no document: leave --json out")
	}
	server, err := c.client()
	if err != nil {
		return err
	}
	if c.Follow {
		return server.FollowLog(a.ctx, c.ID, a.stdout)
	}
	body, err := server.Log(a.ctx, c.ID, c.Attempt)
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = io.Copy(a.stdout, body)
	return err
}

// manyJobs is what cancel, retry and delete take.
type manyJobs struct {
	remote `embed:""`
	IDs    []string `arg:"" name:"id" help:"Ids of jobs."`
}

// done is what became of one job: in words, and as a document.
type done struct {
	words    string
	document any
}

// each does something to every job, says so, and goes on after a failure.
func (m manyJobs) each(a *app, do func(*client.Client, string) (done, error)) error {
	server, err := m.client()
	if err != nil {
		return err
	}
	var failed error
	for _, id := range m.IDs {
		came, err := do(server, id)
		if err != nil {
			_ = a.fail(fmt.Errorf("%s: %w", id, err))
			failed = errSilent
			continue
		}
		if m.JSON {
			err = printJSON(a.stdout, came.document)
		} else {
			_, err = fmt.Fprintln(a.stdout, came.words)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// cancelCommand ends jobs.
type cancelCommand struct {
	manyJobs `embed:""`
}

// Run cancels every job named.
func (c *cancelCommand) Run(a *app) error {
	return c.each(a, func(server *client.Client, id string) (done, error) {
		j, err := server.Cancel(a.ctx, id)
		return done{id + "  " + j.State, j}, err
	})
}

// retryCommand runs jobs again.
type retryCommand struct {
	manyJobs `embed:""`
}

// Run makes a new job of every job named and prints its id.
func (c *retryCommand) Run(a *app) error {
	return c.each(a, func(server *client.Client, id string) (done, error) {
		j, err := server.Retry(a.ctx, id)
		return done{j.ID + "  " + j.State + "  again for " + id, j}, err
	})
}

// deleteCommand removes jobs.
type deleteCommand struct {
	manyJobs `embed:""`
}

// Run deletes every job named.
func (c *deleteCommand) Run(a *app) error {
	return c.each(a, func(server *client.Client, id string) (done, error) {
		return done{id + "  deleted", map[string]any{"id": id, "deleted": true}}, server.Delete(a.ctx, id)
	})
}
