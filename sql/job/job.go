// Package job owns the rows of jobs, their inputs, attempts and outputs, and every
// statement that reads or changes them: one file per verb, its statement beside it.
//
// It does not own files on disk, nor deciding what to run (dispatcher).
// It may import sqlx, lib/pq, sql/... and runner/fault.
package job

import (
	"encoding/json"
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
	Inputs   []Input
	Outputs  []Output
	Previews []Output
	// Result is set once an attempt ended the job.
	Result *Result
}

// Identity is what never changes.
type Identity struct {
	ID    string
	Owner string
	// ManageHash is the SHA-256 of the manage token; the token itself is not kept.
	ManageHash []byte
	// Group is the group's id, "" for none. RetryOf is the job this one tries again.
	Group, RetryOf string
}

// Life is what the dispatcher changes.
type Life struct {
	State State
	// Attempt is the number of the current or last attempt, 0 before the first.
	Attempt int
	// Failures counts attempts that used up one of MaxAttempts.
	Failures, MaxAttempts int
	// CancelRequested is set while a running job is being ended.
	CancelRequested bool
}

// Times are UTC; a nil time has not happened.
type Times struct {
	CreatedAt time.Time
	// RunAt is when a scheduled job or a later attempt may start.
	RunAt     *time.Time
	StartedAt *time.Time
	EndedAt   *time.Time
	// WaitUntil is when a job that has not started expires.
	WaitUntil *time.Time
	// KeepUntil is when outputs and inputs are removed; set at the end.
	KeepUntil *time.Time
	// FilesGoneAt is set when they were.
	FilesGoneAt *time.Time
}

// Request is what was asked for.
type Request struct {
	Recipe, RecipeVersion string
	Queue                 string
	Priority              int
	// Params are the checked values, name to list of words.
	Params map[string][]string
	Tags   map[string]string
	// Email gets the success mail; "" for none.
	Email string
	// Lang is the language for texts, "" for the default.
	Lang         string
	TraceContext map[string]string
}

// Input is a file that went in. Number counts from 1; the file on disk is
// in/NUMBER.EXT, named by File.
type Input struct {
	Number    int    `db:"number"`
	File      string `db:"file"`
	Name      string `db:"name"`
	Size      int64  `db:"size"`
	SHA256    string `db:"sha256"`
	MediaType string `db:"media_type"`
}

// Output is a file that came out, or a preview of one.
type Output struct {
	File      string `db:"file"`
	Name      string `db:"name"`
	Size      int64  `db:"size"`
	SHA256    string `db:"sha256"`
	MediaType string `db:"media_type"`
}

// Result is the end of a job.
type Result struct {
	Class    fault.Class
	Detail   string
	Hint     string
	Step     string
	ExitCode int
	Signal   string
	Usage    Usage
}

// Usage mirrors what the child measured.
type Usage struct {
	WallSeconds     float64 `json:"wall_seconds"`
	CPUSeconds      float64 `json:"cpu_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
}

// Attempt is one execution, as history.
type Attempt struct {
	Number        int
	StartedAt     time.Time
	EndedAt       *time.Time
	Class         fault.Class
	Detail        string
	ExitCode      int
	Signal        string
	RecipeVersion string
	Usage         Usage
	// Ran is the JSON of the programs that were executed; Limits of what was in force.
	Ran, Limits json.RawMessage
	// Where it ran.
	Dispatcher, BootID, Cgroup string
	PID                        int
}
