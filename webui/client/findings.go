package client

import (
	"context"
	"time"
)

// Finding is one thing that the dispatcher looked at on its machine.
type Finding struct {
	// Check names what was looked at, Level is ok, warn (jobs run, something is weaker or
	// missing) or fail (jobs cannot be accepted or cannot run).
	Check string `json:"check"`
	Level string `json:"level"`
	// Text says what was found, Remedy what to do about it, "" when nothing is to be done.
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
	// Since is when the check was first found at this level.
	Since time.Time `json:"since"`
}

// Findings are those of the last examination, which a dispatcher makes when it starts,
// when it reloads and every ten minutes.
type Findings struct {
	// Level is the worst of them, "" before the first examination.
	Level string `json:"level"`
	// Host is the machine; ExaminedAt is null before the first examination.
	Host       string     `json:"host"`
	ExaminedAt *time.Time `json:"examined_at"`
	Findings   []Finding  `json:"findings"`
}

// Findings returns the findings of the last examination.
func (c *Client) Findings(ctx context.Context) (Findings, error) {
	var list Findings
	err := c.get(ctx, "/api/v1/findings", &list)
	return list, err
}
