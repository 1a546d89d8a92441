// Package mail owns what convertd writes to people: the mail to the administrator
// about a failed job, with the file that failed, the digest of many of them, the mail
// to a user whose job is done; and bringing owed mails to the SMTP server, however
// long it is away.
//
// It does not own deciding that a mail is owed (dispatcher) nor its row (sql/outbox).
// It may import the standard library, go-mail, runner/fault, runner/spool,
// runner/failpoint and sql/outbox.
package mail

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"convertd/runner/fault"
)

// Config is who is told what.
type Config struct {
	// SMTP is the server, HOST:PORT; empty means that no mail is owed or sent.
	SMTP string
	// From is the address mails come from; Admin the one that failures go to, empty
	// for nobody.
	From, Admin string
	// SuccessToAdmin sends the mails about jobs that ended well to Admin too.
	SuccessToAdmin bool
	// PerHour bounds the failure mails of an hour; the rest go into a digest.
	PerHour int
	// AttachLimit is the most bytes of input files that are attached; more are linked.
	AttachLimit int64
	// BaseURL is where the pages are, for links.
	BaseURL string

	// tests is for tests alone.
	tests struct {
		// patience is instead of the shipped one; strict treats a server on this machine like
		// one elsewhere.
		patience time.Duration
		strict   bool
	}
}

// Enabled reports whether mails can be sent at all.
func (c Config) Enabled() bool { return c.SMTP != "" && c.From != "" }

// The kinds of mail; the words stand in rows and Message-IDs.
const (
	KindFailure = "failure"
	KindSuccess = "success"
	KindDigest  = "digest"
)

// File is a file that went in or came out, as a mail names it. File is its name on
// disk, Name what people call it.
type File struct {
	File string `json:"file"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// Failure is what the mail about a failed job says.
type Failure struct {
	Job    string      `json:"job"`
	Recipe string      `json:"recipe"`
	Class  fault.Class `json:"class"`
	Detail string      `json:"detail"`
	Hint   string      `json:"hint,omitempty"`
	Step   string      `json:"step,omitempty"`
	// Ended is how the step ended: "exit status 1", "signal 9 (killed)", or "".
	Ended    string   `json:"ended,omitempty"`
	Attempts int      `json:"attempts"`
	Inputs   []File   `json:"inputs,omitempty"`
	LogTail  []string `json:"log_tail,omitempty"`
	// Advice is what the box lacked and the recipe may grant.
	Advice []string  `json:"advice,omitempty"`
	Usage  Usage     `json:"usage"`
	At     time.Time `json:"at"`
	// KeptUntil is when the files are removed.
	KeptUntil time.Time `json:"kept_until"`
}

// Usage is what the job used.
type Usage struct {
	WallSeconds     float64 `json:"wall_seconds"`
	CPUSeconds      float64 `json:"cpu_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
}

// Success is what the mail about a job that ended well says.
type Success struct {
	Job       string    `json:"job"`
	Recipe    string    `json:"recipe"`
	Inputs    []File    `json:"inputs,omitempty"`
	Outputs   []File    `json:"outputs,omitempty"`
	At        time.Time `json:"at"`
	KeptUntil time.Time `json:"kept_until"`
	// Lang is the language it is written in ("de"); one without words here, and "", is
	// English.
	Lang string `json:"lang,omitempty"`
}

// Digest is what the mail about many failures says.
type Digest struct {
	Failures []Failure `json:"failures"`
}

// Kind groups failures that an administrator would call the same: recipe, class and
// the reason without what differs from file to file.
func (f Failure) Kind() string {
	return f.Recipe + "\x00" + string(f.Class) + "\x00" + normal(f.Detail)
}

// normal replaces what differs between two failures of one kind: numbers, quoted names
// and paths.
func normal(text string) string {
	var b strings.Builder
	for i, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '“' || r == '”' || r == '"' }) {
		if i%2 == 1 {
			b.WriteString("NAME")
			continue
		}
		for j, word := range strings.Fields(part) {
			if j > 0 {
				b.WriteByte(' ')
			}
			switch {
			case strings.Contains(word, "/"):
				b.WriteString("PATH")
			case strings.ContainsAny(word, "0123456789"):
				b.WriteString("N")
			default:
				b.WriteString(strings.ToLower(word))
			}
		}
	}
	return b.String()
}

// Marshal returns a payload for a row.
func Marshal[T Failure | Success | Digest](v T) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write mail payload: %w", err)
	}
	return b, nil
}
