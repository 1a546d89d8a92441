// Package job owns the rows of jobs, their inputs, attempts and outputs, and every
// statement that reads or changes them: one file per verb, its statement beside it.
//
// Three tables follow one execution. The claim moves the job's row to running and adds a
// slim row to live_attempt. The confirmation reads the rest of the job and waits until the
// claim is on disk, which is all that must be before anything starts. The end takes the
// slim row away, adds what the attempt came to to attempt, and, when no other attempt
// follows, the job's end to result. So what runs is found without an index on the state of
// the jobs; and the claim, for which jobs wait one after the other, reads and writes the
// least, however many inputs they have.
//
// It does not own files on disk, nor deciding what to run (dispatcher).
// It may import sqlx, lib/pq, sql/... and runner/fault.
package job

import (
	"time"

	"convertd/runner/fault"
)

// State is where a job is in its life.
type State string

// The closed set of states.
const (
	Scheduled State = "scheduled"
	Blocked   State = "blocked"
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Expired   State = "expired"
)

// States returns the closed set in the order of a life.
func States() []State {
	return []State{Scheduled, Blocked, Queued, Running, Succeeded, Failed, Cancelled, Expired}
}

// Ended reports whether nothing follows the state.
func (s State) Ended() bool {
	return s == Succeeded || s == Failed || s == Cancelled || s == Expired
}

// Job is one row with its inputs and, once it ended, its outputs.
type Job struct {
	Identity
	Life
	Times
	Request
	Inputs []Input
	// Files are the files of parameters.
	Files    []Input
	Outputs  []Output
	Previews []Output
	// Result is set once an attempt ended the job.
	Result *Result
}

// setFilesApart leaves the inputs alone in Inputs.
func (j *Job) setFilesApart(all []Input) {
	j.Inputs, j.Files = nil, nil
	for _, in := range all {
		if in.Param == "" {
			j.Inputs = append(j.Inputs, in)
		} else {
			j.Files = append(j.Files, in)
		}
	}
}

// Identity is what never changes.
type Identity struct {
	// ID is 26 characters of crypto/rand.Text; it names the job's folder too.
	ID    string `db:"id"`
	Owner string `db:"owner"`
	// ManageHash is the SHA-256 of the manage token; the token itself is not kept.
	ManageHash []byte `db:"manage_hash"`
	// Group is the group's id, "" for none. RetryOf is the job this one tries again.
	Group   string `db:"group_id"`
	RetryOf string `db:"retry_of"`
	// Replays is the attempt of RetryOf that this job does again as it was, 0 for a job
	// that does not.
	Replays int `db:"replays"`
}

// Life is what the dispatcher changes.
type Life struct {
	State State `db:"state"`
	// Attempt is the number of the current or last attempt, 0 before the first.
	Attempt int `db:"attempt"`
	// Failures counts attempts that used up one of MaxAttempts.
	Failures    int `db:"failures"`
	MaxAttempts int `db:"max_attempts"`
	// CancelRequested is set once somebody wanted a running job ended.
	CancelRequested bool `db:"cancel_requested"`
	// ConcurrencyKey keeps jobs that share it from running at once, "" for none.
	ConcurrencyKey string `db:"concurrency_key"`
}

// Times are UTC; a nil time has not happened.
type Times struct {
	CreatedAt time.Time `db:"created_at"`
	// RunAt is when a scheduled job or a later attempt may start.
	RunAt *time.Time `db:"run_at"`
	// StartedAt is the start of the current or last attempt.
	StartedAt *time.Time `db:"started_at"`
	EndedAt   *time.Time `db:"ended_at"`
	// WaitUntil is when a job that has not started expires.
	WaitUntil *time.Time `db:"wait_until"`
	// KeepUntil is when outputs and inputs are removed; set at the end.
	KeepUntil *time.Time `db:"keep_until"`
	// FilesGoneAt is set when they were. GoneFor is why that was before the time that was
	// promised, "" when it was not.
	FilesGoneAt *time.Time `db:"files_gone_at"`
	GoneFor     GoneFor    `db:"gone_for"`
}

// GoneFor is why the files of a job were removed early.
type GoneFor string

// Disk: there was too little room left on the disk.
const Disk GoneFor = "disk"

// Request is what was asked for.
type Request struct {
	Recipe        string `db:"recipe"`
	RecipeVersion string `db:"recipe_version"`
	Queue         string `db:"queue"`
	// Priority is -10 to 10; higher starts first.
	Priority int `db:"priority"`
	// Params are the checked values, name to list of words.
	Params map[string][]string `db:"-"`
	Tags   map[string]string   `db:"-"`
	// Email gets the success mail; "" for none.
	Email string `db:"email"`
	// Lang is the language of the person who submitted it ("de"), "" for the default. Mail to
	// Email is in it; what is recorded of the job is in English.
	Lang         string            `db:"lang"`
	TraceContext map[string]string `db:"-"`
}

// Input is a file that went in. Number counts from 1; the file on disk is
// in/NUMBER.EXT, named by File.
type Input struct {
	Number int `json:"number"`
	// Param is the parameter that the file is for, "" for an input.
	Param     string `json:"param,omitempty"`
	File      string `json:"file"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	MediaType string `json:"media_type"`
}

// Output is a file that came out, or a preview of one.
type Output struct {
	// Attempt is the one that made it: the file lies in out.ATTEMPT or preview.ATTEMPT.
	Attempt   int    `json:"attempt"`
	File      string `json:"file"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	MediaType string `json:"media_type"`
}

// Result is the end of a job.
type Result struct {
	Class    fault.Class `json:"class"`
	Detail   string      `json:"detail"`
	Hint     string      `json:"hint"`
	Step     string      `json:"step"`
	ExitCode int         `json:"exit_code"`
	Signal   string      `json:"signal"`
	Usage    Usage       `json:"usage"`
}

// Usage mirrors what the child measured.
type Usage struct {
	WallSeconds     float64 `json:"wall_seconds" db:"wall_seconds"`
	CPUSeconds      float64 `json:"cpu_seconds" db:"cpu_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes" db:"peak_memory_bytes"`
}
