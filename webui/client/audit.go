package client

import (
	"context"
	"net/url"
	"time"

	"convertd/runner/fault"
)

// Act is one thing that an administrator did or tried to do.
type Act struct {
	At time.Time `json:"at"`
	// Who is a name from an authenticating proxy, else "administrator".
	Who     string `json:"who"`
	Address string `json:"address"`
	// Via is "api" or "page".
	Via  string `json:"via"`
	Verb string `json:"verb"`
	// Target is what it was done to: an id, the name of a queue or recipe, "" for all.
	Target string `json:"target"`
	Detail string `json:"detail"`
	// Done is null while the outcome is not known, false with the code of the refusal.
	Done *bool      `json:"done"`
	Code fault.Code `json:"code,omitempty"`
}

// Acts is one page of acts, newest first.
type Acts struct {
	Acts []Act `json:"acts"`
	// Next is the cursor of the page after this one, "" at the end.
	Next string `json:"next,omitempty"`
}

// Audit returns the newest acts of administrators; verb and text "" mean any.
func (c *Client) Audit(ctx context.Context, verb, text string) (Acts, error) {
	query := url.Values{}
	for name, value := range map[string]string{"verb": verb, "q": text} {
		if value != "" {
			query.Set(name, value)
		}
	}
	link, page := "/api/v1/audit", Acts{}
	if len(query) > 0 {
		link += "?" + query.Encode()
	}
	err := c.get(ctx, link, &page)
	return page, err
}
