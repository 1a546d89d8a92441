package client

import (
	"context"
	"net/url"
	"time"

	"convertd/runner/fault"
)

// Failure is one kind of failure of the last 30 days.
type Failure struct {
	Recipe string      `json:"recipe"`
	Class  fault.Class `json:"class"`
	// Reason is the detail without what differs from one failure to the next.
	Reason string `json:"reason"`
	// Failures counts jobs, LastDay those of the last 24 hours.
	Failures int       `json:"failures"`
	LastDay  int       `json:"last_day"`
	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
	// LastJob is the newest of them, LastDetail its reason as it was.
	LastJob    string `json:"last_job"`
	LastDetail string `json:"last_detail"`
}

// Failures lists kinds of failure, most common first.
type Failures struct {
	Failures []Failure `json:"failures"`
}

// Refusal is one submission of the last 7 days that was turned away.
type Refusal struct {
	At    time.Time `json:"at"`
	Owner string    `json:"owner"`
	// Recipe is what was asked for, "" when that was not known yet.
	Recipe string     `json:"recipe"`
	Code   fault.Code `json:"code"`
	Detail string     `json:"detail"`
}

// Refusals is one page of refusals, newest first.
type Refusals struct {
	Refused []Refusal `json:"refused"`
	// Next is the cursor of the page after this one, "" at the end.
	Next string `json:"next,omitempty"`
}

// Failures returns the most common failures; recipe "" means all.
func (c *Client) Failures(ctx context.Context, recipe string) ([]Failure, error) {
	link, list := "/api/v1/failures", Failures{}
	if recipe != "" {
		link += "?recipe=" + url.QueryEscape(recipe)
	}
	err := c.get(ctx, link, &list)
	return list.Failures, err
}

// Refused returns the newest refusals.
func (c *Client) Refused(ctx context.Context) (Refusals, error) {
	var page Refusals
	err := c.get(ctx, "/api/v1/refused", &page)
	return page, err
}
