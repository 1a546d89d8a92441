package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Queue is one queue, for the administrator.
type Queue struct {
	Name    string `json:"name"`
	Waiting int    `json:"waiting"`
	Running int    `json:"running"`
	// Paused queues start nothing; what runs goes on.
	Paused   bool       `json:"paused"`
	PausedAt *time.Time `json:"paused_at"`
	// Limit is how many of its jobs run at once, MaxWaiting how many may wait; null where
	// there is no limit of its own.
	Limit      *int `json:"limit"`
	MaxWaiting *int `json:"max_waiting"`
}

// Queues is the list of all queues by name.
type Queues struct {
	Queues []Queue `json:"queues"`
}

// Dispatcher is one process that runs jobs, or waits to take over from one.
type Dispatcher struct {
	ID      string `json:"id"`
	Spool   string `json:"spool"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Version string `json:"version"`
	// State is standby, serving, draining, drained or stopped; Alive says that it was heard
	// of lately.
	State     string    `json:"state"`
	Alive     bool      `json:"alive"`
	Slots     int       `json:"slots"`
	Running   int       `json:"running"`
	StartedAt time.Time `json:"started_at"`
	SeenAt    time.Time `json:"seen_at"`
	// Trouble is why it starts no jobs, a sentence; "" for none.
	Trouble string `json:"trouble"`
}

// Dispatchers is the list of dispatchers, those alive first.
type Dispatchers struct {
	Dispatchers []Dispatcher `json:"dispatchers"`
}

// Stats are numbers about all jobs.
type Stats struct {
	// Jobs counts jobs by state.
	Jobs map[string]int `json:"jobs"`
	// Recipes has what ended in the last 24 hours.
	Recipes []RecipeStats `json:"recipes"`
}

// RecipeStats is how the jobs of one recipe went in the last 24 hours.
type RecipeStats struct {
	Recipe    string `json:"recipe"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"`
	Cancelled int    `json:"cancelled"`
	Expired   int    `json:"expired"`
	// Seconds is the median running time of the successes, null when there is none.
	Seconds *float64 `json:"median_seconds"`
	// CPUSeconds and PeakMemoryBytes are the sum and the largest of all that ran.
	CPUSeconds      float64 `json:"cpu_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
}

// Queues returns all queues.
func (c *Client) Queues(ctx context.Context) ([]Queue, error) {
	var list Queues
	err := c.get(ctx, "/api/v1/queues", &list)
	return list.Queues, err
}

// PauseQueue keeps jobs of a queue from starting.
func (c *Client) PauseQueue(ctx context.Context, name string) (Queue, error) {
	var q Queue
	return q, c.post(ctx, "/api/v1/queues/"+url.PathEscape(name)+"/pause", nil, &q)
}

// ResumeQueue lets jobs of a queue start again.
func (c *Client) ResumeQueue(ctx context.Context, name string) (Queue, error) {
	var q Queue
	return q, c.post(ctx, "/api/v1/queues/"+url.PathEscape(name)+"/resume", nil, &q)
}

// Dispatchers returns the dispatchers that were seen lately.
func (c *Client) Dispatchers(ctx context.Context) ([]Dispatcher, error) {
	var list Dispatchers
	err := c.get(ctx, "/api/v1/dispatchers", &list)
	return list.Dispatchers, err
}

// Stats returns numbers about all jobs.
func (c *Client) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := c.get(ctx, "/api/v1/stats", &s)
	return s, err
}

// Drain tells all dispatchers to start nothing more: mode drain waits for what runs, now
// asks it to stop safely, off takes it back.
func (c *Client) Drain(ctx context.Context, mode string) ([]Dispatcher, error) {
	var list Dispatchers
	err := c.post(ctx, "/api/v1/dispatchers/drain", map[string]string{"mode": mode}, &list)
	return list.Dispatchers, err
}

// DropCache drops what is kept between jobs of a recipe: all of it, or what has a name that
// begins with the prefix.
func (c *Client) DropCache(ctx context.Context, recipe, prefix string) (CacheDrop, error) {
	query := url.Values{"recipe": {recipe}}
	if prefix != "" {
		query.Set("prefix", prefix)
	}
	var d CacheDrop
	r, err := c.request(ctx, http.MethodDelete, "/api/v1/cache?"+query.Encode(), nil)
	if err != nil {
		return d, err
	}
	return d, c.document(r, &d)
}

// Replay is a job that does an attempt of another one again as it was, and what is not as
// it was, in sentences.
type Replay struct {
	Job Job `json:"job"`
	// Attempt is the number of the attempt.
	Attempt int      `json:"attempt"`
	Differs []string `json:"differs"`
}

// Replay runs an ended job again with the same inputs and parameters.
func (c *Client) Replay(ctx context.Context, id string) (Replay, error) {
	var r Replay
	err := c.post(ctx, jobLink(id, "/replay"), nil, &r)
	return r, err
}
