// Package progress owns the status of a running attempt: the document that pages and
// programs poll, the rule that a bar never goes back, and the child's writer, which
// speaks memcached's text protocol by plain system calls so that the child stays lean.
//
// It does not own reading the documents back (progress/store). It may import the
// standard library and golang.org/x/sys/unix.
package progress

import "time"

// TTL is how long a status document lives in memcached; Refresh is how often the child
// writes it again without a change; Fresh is how old a document may be to be believed.
const (
	TTL     = 60 * time.Second
	Refresh = 15 * time.Second
	Fresh   = 30 * time.Second
)

// Key returns memcached's key of a job's status.
func Key(job string) string { return "convertd/status/" + job }

// Status is the small document for polling; its JSON form is served as it stands.
type Status struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Done  bool   `json:"done"`
	// Percent is 0..100 with at most one decimal, nil when not known.
	Percent *float64 `json:"percent"`
	Message string   `json:"message"`
	// Step is the title of the step that runs.
	Step          string   `json:"step"`
	QueuePosition *int     `json:"queue_position"`
	ETASeconds    *float64 `json:"eta_seconds"`
	Attempt       int      `json:"attempt"`
	// Previews counts the pictures of the unfinished result that were there so far: when
	// it grows there is a new one.
	Previews int `json:"previews"`
	// Seq counts the documents of an attempt; with Attempt it makes the ETag.
	Seq       int64     `json:"seq"`
	UpdatedAt time.Time `json:"updated_at"`
	Error     *Problem  `json:"error"`
}

// Problem is why a job failed, in a person's words.
type Problem struct {
	Code   string `json:"code"`
	Class  string `json:"class"`
	Detail string `json:"detail"`
	Hint   string `json:"hint"`
}
