package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"convertd/webui/client"
)

// queuesCommand lists queues, pauses and resumes them.
type queuesCommand struct {
	List   queueListCommand   `cmd:"" default:"withargs" help:"List all queues."`
	Pause  queuePauseCommand  `cmd:"" help:"Start nothing more of a queue; what runs goes on."`
	Resume queueResumeCommand `cmd:"" help:"Start jobs of a paused queue again."`
}

type queueListCommand struct {
	remote `embed:""`
}

// Run prints one line a queue.
func (c *queueListCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	queues, err := server.Queues(a.ctx)
	if err != nil {
		return err
	}
	return c.print(a, queues...)
}

func (r remote) print(a *app, queues ...client.Queue) error {
	if r.JSON {
		return printJSON(a.stdout, client.Queues{Queues: queues})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "QUEUE\tWAITING\tOF\tRUNNING\tOF\tSTATE")
	for _, q := range queues {
		state := "open"
		if q.Paused {
			state = "paused since " + clock(*q.PausedAt)
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t%s\n", q.Name, q.Waiting, mostText(q.MaxWaiting), q.Running, mostText(q.Limit), state)
	}
	return w.Flush()
}

// mostText writes a limit that may be none.
func mostText(most *int) string {
	if most == nil {
		return "-"
	}
	return strconv.Itoa(*most)
}

type queuePauseCommand struct {
	remote `embed:""`
	Name   string `arg:"" help:"Name of the queue."`
}

// Run pauses the queue.
func (c *queuePauseCommand) Run(a *app) error {
	return c.change(a, func(server *client.Client) (client.Queue, error) { return server.PauseQueue(a.ctx, c.Name) })
}

type queueResumeCommand struct {
	remote `embed:""`
	Name   string `arg:"" help:"Name of the queue."`
}

// Run resumes the queue.
func (c *queueResumeCommand) Run(a *app) error {
	return c.change(a, func(server *client.Client) (client.Queue, error) { return server.ResumeQueue(a.ctx, c.Name) })
}

func (r remote) change(a *app, do func(*client.Client) (client.Queue, error)) error {
	server, err := r.client()
	if err != nil {
		return err
	}
	changed, err := do(server)
	if err != nil {
		return err
	}
	return r.print(a, changed)
}

// dispatchersCommand lists the dispatchers.
type dispatchersCommand struct {
	remote `embed:""`
}

// Run prints one line a dispatcher.
func (c *dispatchersCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	found, err := server.Dispatchers(a.ctx)
	if err != nil {
		return err
	}
	return c.printDispatchers(a, found)
}

func (r remote) printDispatchers(a *app, found []client.Dispatcher) error {
	if r.JSON {
		return printJSON(a.stdout, client.Dispatchers{Dispatchers: found})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "HOST\tPID\tSPOOL\tSTATE\tRUNNING\tSLOTS\tSEEN")
	for _, d := range found {
		state := d.State
		if !d.Alive && state != "stopped" {
			state = "silent"
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%d\t%d\t%s\n", d.Host, d.PID, d.Spool, state, d.Running, d.Slots, clock(d.SeenAt))
	}
	for _, d := range found {
		if d.Alive && d.Trouble != "" {
			_, _ = fmt.Fprintf(w, "\n%s starts no jobs: %s\n", d.Host, d.Trouble)
		}
	}
	return w.Flush()
}

// drainCommand has the dispatchers finish what runs and start nothing more.
type drainCommand struct {
	remote `embed:""`
	Now    bool `help:"Ask running jobs to stop safely; they run again later." xor:"mode"`
	Off    bool `help:"Take it back: start jobs again." xor:"mode"`
}

// Run tells the dispatchers and waits until nothing runs any more.
func (c *drainCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	mode := "drain"
	switch {
	case c.Now:
		mode = "now"
	case c.Off:
		mode = "off"
	}
	found, err := server.Drain(a.ctx, mode)
	for err == nil && !c.Off && !drained(found) {
		if err = pause(a.ctx, time.Second); err == nil {
			found, err = server.Dispatchers(a.ctx)
		}
	}
	if err != nil {
		return err
	}
	return c.printDispatchers(a, found)
}

// drained reports whether no dispatcher that lives runs anything; one that only stands
// by has nothing to drain.
func drained(found []client.Dispatcher) bool {
	for _, d := range found {
		if d.Alive && d.State != "drained" && d.State != "standby" {
			return false
		}
	}
	return true
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// statsCommand prints numbers about all jobs.
type statsCommand struct {
	remote `embed:""`
}

// Run prints jobs by state, then one line a recipe.
func (c *statsCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	stats, err := server.Stats(a.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, stats)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, state := range []string{"scheduled", "blocked", "queued", "running", "succeeded", "failed", "cancelled", "expired"} {
		_, _ = fmt.Fprintf(w, "%s\t%d\n", state, stats.Jobs[state])
	}
	_, _ = fmt.Fprintln(w, "\nLAST 24 HOURS\tSUCCEEDED\tFAILED\tCANCELLED\tEXPIRED\tMEDIAN SECONDS")
	for _, r := range stats.Recipes {
		median := "-"
		if r.Seconds != nil {
			median = fmt.Sprintf("%.1f", *r.Seconds)
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\n", r.Recipe, r.Succeeded, r.Failed, r.Cancelled, r.Expired, median)
	}
	return w.Flush()
}

// replayCommand runs a job again as it was.
type replayCommand struct {
	remote `embed:""`
	ID     string `arg:"" help:"Id of the job."`
}

// Run makes the job and prints its id and what is not as it was.
func (c *replayCommand) Run(a *app) error {
	server, err := c.client()
	if err != nil {
		return err
	}
	made, err := server.Replay(a.ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(a.stdout, made)
	}
	_, err = fmt.Fprintf(a.stdout, "%s  %s  replay of %s attempt %d, recipe version %s\n",
		made.Job.ID, made.Job.State, c.ID, made.Attempt, made.Job.RecipeVersion)
	for _, differs := range made.Differs {
		_, _ = fmt.Fprintln(a.stdout, "differs: "+differs)
	}
	if len(made.Differs) == 0 {
		_, _ = fmt.Fprintln(a.stdout, "nothing differs: same inputs, parameters, recipe, limits, programs and box")
	}
	return err
}
