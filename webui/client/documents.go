package client

import (
	"encoding/json"
	"time"

	"convertd/runner/fault"
)

// Job is the job document. Times are RFC 3339 in UTC; a null time has not happened.
type Job struct {
	ID            string `json:"id"`
	Recipe        string `json:"recipe"`
	RecipeVersion string `json:"recipe_version"`
	State         string `json:"state"`
	// Done says that nothing follows any more.
	Done bool `json:"done"`
	// Percent is 0..100 with at most one decimal, null when not known, 100 only when
	// the job succeeded.
	Percent       *float64 `json:"percent"`
	Message       string   `json:"message"`
	Step          string   `json:"step"`
	QueuePosition *int     `json:"queue_position"`
	ETASeconds    *float64 `json:"eta_seconds"`
	Attempt       int      `json:"attempt"`
	Priority      int      `json:"priority"`

	Tags map[string]string `json:"tags"`
	// Params are the checked values: a list of words for a list, one word otherwise.
	Params map[string]any `json:"params"`
	// Group and RetryOf are ids, null for none.
	Group   *string `json:"group"`
	RetryOf *string `json:"retry_of"`

	// Owner is the name of who ran it: in the runs of a shared recipe only, and only for
	// people with a name.
	Owner string `json:"owner,omitempty"`

	Times
	Inputs   []File    `json:"inputs"`
	Outputs  []File    `json:"outputs"`
	Previews []File    `json:"previews"`
	Error    *JobError `json:"error"`
	Usage    *Usage    `json:"usage"`
	Links    Links     `json:"links"`
}

// Times of a job's life.
type Times struct {
	CreatedAt time.Time `json:"created_at"`
	// RunAt is when a scheduled job may start, or is tried again; nil in other states.
	RunAt     *time.Time `json:"run_at"`
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	// ExpiresAt is when the results are removed; after it they answer 410.
	ExpiresAt *time.Time `json:"expires_at"`
}

// File is one input, output or preview. URL is set where it can be fetched.
type File struct {
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	MediaType string `json:"media_type"`
	URL       string `json:"url,omitempty"`
}

// JobError is why a job failed.
type JobError struct {
	Code   fault.Code  `json:"code"`
	Class  fault.Class `json:"class"`
	Detail string      `json:"detail"`
	Hint   string      `json:"hint"`
}

// Usage is what the last attempt used, all its processes together.
type Usage struct {
	WallSeconds     float64 `json:"wall_seconds"`
	CPUSeconds      float64 `json:"cpu_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
}

// Links are addresses relative to the service's own.
type Links struct {
	Self    string `json:"self"`
	Page    string `json:"page"`
	Status  string `json:"status"`
	Events  string `json:"events"`
	Log     string `json:"log"`
	Cancel  string `json:"cancel"`
	Retry   string `json:"retry"`
	Archive string `json:"archive"`
	// Manage lets who holds it cancel, retry, delete and keep the job; it is in the
	// answer to the submission only and nowhere else.
	Manage string `json:"manage,omitempty"`
}

// Status is the small document for polling.
type Status struct {
	ID            string   `json:"id"`
	State         string   `json:"state"`
	Done          bool     `json:"done"`
	Percent       *float64 `json:"percent"`
	Message       string   `json:"message"`
	Step          string   `json:"step"`
	QueuePosition *int     `json:"queue_position"`
	ETASeconds    *float64 `json:"eta_seconds"`
	Attempt       int      `json:"attempt"`
	// Previews grows with each new picture of the unfinished result.
	Previews  int       `json:"previews"`
	Seq       int64     `json:"seq"`
	UpdatedAt time.Time `json:"updated_at"`
	Error     *JobError `json:"error"`
}

// CacheDrop is what became of a call to drop what is kept between jobs.
type CacheDrop struct {
	Recipe string `json:"recipe"`
	Prefix string `json:"prefix"`
	// Done is false while no dispatcher has done it yet; it will.
	Done bool `json:"done"`
	// Files is how many were removed, Problem why not all were.
	Files   int    `json:"files"`
	Problem string `json:"problem,omitempty"`
}

// Jobs is one page of a list, newest first.
type Jobs struct {
	Jobs []Job `json:"jobs"`
	// Next is the cursor of the page after this one, "" at the end.
	Next string `json:"next,omitempty"`
}

// Group is the document of a group.
type Group struct {
	ID string `json:"id"`
	// Counts are numbers of jobs by state.
	Counts  map[string]int `json:"counts"`
	Total   int            `json:"total"`
	Done    bool           `json:"done"`
	Percent *float64       `json:"percent"`
	Jobs    []Job          `json:"jobs"`
	Links   GroupLinks     `json:"links"`
}

// GroupLinks are addresses relative to the service's own.
type GroupLinks struct {
	Self    string `json:"self"`
	Page    string `json:"page"`
	Events  string `json:"events"`
	Cancel  string `json:"cancel"`
	Archive string `json:"archive"`
}

// Attempt is one execution of a job.
type Attempt struct {
	Number        int             `json:"number"`
	StartedAt     time.Time       `json:"started_at"`
	EndedAt       *time.Time      `json:"ended_at"`
	Class         fault.Class     `json:"class"`
	Detail        string          `json:"detail"`
	ExitCode      int             `json:"exit_code"`
	Signal        string          `json:"signal"`
	RecipeVersion string          `json:"recipe_version"`
	Usage         Usage           `json:"usage"`
	Ran           json.RawMessage `json:"ran"`
	Limits        json.RawMessage `json:"limits"`
	// Place and Advice are told to the administrator only. Advice is what the box of the
	// attempt did not have, each with the line of the recipe that grants it.
	Place  *Place   `json:"place,omitempty"`
	Advice []string `json:"advice,omitempty"`
}

// Place is where an attempt runs or ran: its process and control group while it lived, and
// what the machine and its box were like.
type Place struct {
	PID     int             `json:"pid"`
	Cgroup  string          `json:"cgroup"`
	BootID  string          `json:"boot_id"`
	Machine json.RawMessage `json:"machine"`
}

// Recipe is what a client may know of a recipe.
type Recipe struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Accept      []string `json:"accept"`
	To          []string `json:"to"`
	// Inputs is how many files one job takes.
	Inputs InputRange `json:"inputs"`
	// Params is the parameters' JSON Schema (2020-12).
	Params map[string]any `json:"params"`
	// Presets are named choices of several values.
	Presets []Preset `json:"presets"`
	// Available says whether its programs are installed here.
	Available bool   `json:"available"`
	Problem   string `json:"problem,omitempty"`
	Shared    bool   `json:"shared"`
	// Confirm is what people are asked before a run, "" for nothing; a call of the API is
	// not asked.
	Confirm string `json:"confirm,omitempty"`
}

// Preset is a named choice of several values; those that it does not name are the
// defaults.
type Preset struct {
	Name        string         `json:"name"`
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Params      map[string]any `json:"params"`
}

// InputRange is how many files one job takes.
type InputRange struct {
	Min int `json:"min"`
	Max int `json:"max"`
}
