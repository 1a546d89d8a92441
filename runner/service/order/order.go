// Package order owns what convertd-net is told: documents that the runner writes and
// convertd-net reads on its standard input, so that nothing of a request stands in an
// argv, and the exit statuses by which it tells how it went.
//
// It does not own carrying them out (runner/service). It may import the standard library
// and runner/recipe; the child program links it.
package order

import "convertd/runner/recipe"

// Call is one step that calls a service.
type Call struct {
	HTTP recipe.HTTP `json:"http"`
	// Vars are what placeholders stand for; the texts of HTTP are not filled yet.
	Vars recipe.Vars `json:"vars"`
	// Secrets are the files of the secrets by name, as the box sees them.
	Secrets map[string]string `json:"secrets,omitempty"`
	// Key says that all requests of this step are one and the same, over retries and over
	// attempts of the job.
	Key string `json:"key"`
	// Callback is the address that takes progress, "" when no text asks for it.
	Callback string `json:"callback,omitempty"`
	// Trace are the headers that tie requests to the trace of the job.
	Trace map[string]string `json:"trace,omitempty"`
	// Record is the file that keeps what is known of the remote job between attempts.
	Record string `json:"record"`
	// Preview is the folder for pictures of the unfinished result.
	Preview string `json:"preview,omitempty"`
}

// Fetch is one input to be fetched.
type Fetch struct {
	Source  recipe.Source     `json:"source"`
	Vars    recipe.Vars       `json:"vars"`
	Secrets map[string]string `json:"secrets,omitempty"`
	Trace   map[string]string `json:"trace,omitempty"`
	// To is the file to be written.
	To string `json:"to"`
}

// Exit statuses of convertd-net (sysexits.h). Any other but 0 is a failure of the service.
const (
	// ExitRefused: the service does not take what was sent (EX_DATAERR).
	ExitRefused = 65
	// ExitUnavailable: the service could not be reached, or did not answer as it should
	// for as long as it was waited for (EX_UNAVAILABLE).
	ExitUnavailable = 69
	// ExitStopped: asked to stop, with what is needed to go on in the record (EX_TEMPFAIL).
	ExitStopped = 75
)

// Said begins the line of standard error that tells people what went wrong.
const Said = "error: "
