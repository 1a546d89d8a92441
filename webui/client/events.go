package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxEvent bounds one line of an event stream; the server sends logs in pieces of 64 KiB.
const maxEvent = 1 << 20

// event is one server-sent event (WHATWG HTML 9.2).
type event struct{ name, id, data string }

// FollowLog copies the log of a job to out as it grows, from its beginning, until the
// job is done. A stream that is cut is taken up again where it ended.
func (c *Client) FollowLog(ctx context.Context, id string, out io.Writer) error {
	last := ""
	for failures := 0; ; {
		done, seen, err := c.followOnce(ctx, id, last, out)
		if done || ctx.Err() != nil {
			return ctx.Err()
		}
		if seen != last {
			last, failures = seen, 0
		}
		var away *outputError
		if errors.As(err, &away) || err != nil && (!temporary(err) || failures >= 60) {
			return err
		}
		failures++
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// outputError is a failure to write what was received: no reason to ask again.
type outputError struct{ error }

// followOnce reads one stream to its end and returns the id of the last event.
func (c *Client) followOnce(ctx context.Context, id, last string, out io.Writer) (done bool, seen string, err error) {
	header := http.Header{"Accept": {"text/event-stream"}}
	if last != "" {
		header.Set("Last-Event-ID", last)
	}
	res, err := c.do(ctx, http.MethodGet, jobPath(id)+"/events", header, nil)
	if err != nil {
		return false, last, err
	}
	defer res.Body.Close()
	seen = last
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, maxEvent)
	for {
		e, ok := nextEvent(lines)
		if !ok {
			return false, seen, lines.Err()
		}
		if e.id != "" {
			seen = e.id
		}
		switch e.name {
		case "log":
			if _, err := fmt.Fprintln(out, e.data); err != nil {
				return false, seen, &outputError{err}
			}
		case "done":
			return true, seen, nil
		}
	}
}

// nextEvent reads fields until the empty line that ends an event.
func nextEvent(lines *bufio.Scanner) (e event, ok bool) {
	var data []string
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "":
			if lines.Text() == "" && (e.name != "" || data != nil) {
				e.data = strings.Join(data, "\n")
				return e, true
			}
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			data = append(data, value)
		}
	}
	return event{}, false
}
