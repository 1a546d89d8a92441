package runner

import (
	"encoding/json"
	"time"

	"convertd/runner/fault"
)

// Outcome is what one attempt came to. The child writes it as outcome.N.json into the
// job's folder (temporary name, fsync, rename, fsync of the folder) before it exits;
// whoever reads it checks Job, Attempt and Token against the row.
type Outcome struct {
	Version int         `json:"version"`
	Job     string      `json:"job"`
	Attempt int         `json:"attempt"`
	Token   string      `json:"token"`
	Class   fault.Class `json:"class"`
	// Requeue says that the attempt stopped safely on request (exit status 75) and the
	// job goes back to its queue, not counted.
	Requeue bool `json:"requeue,omitempty"`
	// Detail is the plain reason, a sentence for the person; Hint what to do.
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Step is the name of the step that failed; ExitCode and Signal are its end.
	Step     string `json:"step,omitempty"`
	ExitCode int    `json:"exit_code"`
	Signal   string `json:"signal,omitempty"`
	// Outputs are the collected files, in the order of their numbers in out.N.
	Outputs []OutputFile `json:"outputs,omitempty"`
	// Previews are pictures of them in preview.N.
	Previews []OutputFile `json:"previews,omitempty"`
	// FollowUps are the jobs that the steps asked for, in the order of their files' names.
	FollowUps []FollowUp `json:"follow_ups,omitempty"`
	// Ignored names what was left in the output folder but not taken, with the reason.
	Ignored   []string  `json:"ignored,omitempty"`
	Usage     Usage     `json:"usage"`
	Ran       []Ran     `json:"ran,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	// Advice tells administrators, and nobody else, what the box did not have and the steps
	// needed, each with the line of [access] that grants it.
	Advice []string `json:"advice,omitempty"`
	// LogTail is the last lines of the log, for mail and page.
	LogTail []string `json:"log_tail,omitempty"`
}

// OutputFile is one collected file: File is its name on disk ("1"), Name what people
// are shown.
type OutputFile struct {
	File      string `json:"file"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
	MediaType string `json:"media_type"`
}

// FollowUp is a job to be submitted after success: a file that a step left in the folder
// named by CONVERTD_SUBMIT.
type FollowUp struct {
	// Name is the file's; it tells the follow-ups of one job apart.
	Name string `json:"name"`
	// Request is its content, a JSON object that nobody has looked at yet.
	Request json.RawMessage `json:"request"`
}

// Usage is what an attempt used, all its processes together.
type Usage struct {
	WallSeconds     float64 `json:"wall_seconds"`
	CPUSeconds      float64 `json:"cpu_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
}

// Ran is one program that was executed.
type Ran struct {
	Argv []string `json:"argv"`
	// Version is the program's, as far as it can be told without executing it; the
	// dispatcher fills it in.
	Version  string  `json:"version,omitempty"`
	ExitCode int     `json:"exit_code"`
	Signal   string  `json:"signal,omitempty"`
	Seconds  float64 `json:"seconds"`
}
