package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"convertd/runner/fault"
)

// Event is one server-sent event.
type Event struct {
	// Name is "status", "log" or "done", Data its lines joined by line feeds.
	Name, ID, Data string
}

// Events tells the events of a job as they come, until the stream ends, the job is done
// or tell returns an error, which is then returned. lastID goes on behind an earlier
// event; "" begins with the first.
func (c *Client) Events(ctx context.Context, id, lastID string, tell func(Event) error) error {
	r, err := c.request(ctx, http.MethodGet, jobLink(id, "/events"), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := c.send(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return readEvents(answer.Body, tell)
}

// maxLine bounds a line of an event stream.
const maxLine = 1 << 20

// readEvents reads a stream (WHATWG HTML 9.2.6).
func readEvents(stream io.Reader, tell func(Event) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var e Event
	var data []string
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "":
			if data != nil {
				e.Data = strings.Join(data, "\n")
				if err := tell(e); err != nil {
					return err
				}
			}
			e, data = Event{ID: e.ID}, nil
		case name == "event":
			e.Name = value
		case name == "id":
			e.ID = value
		case name == "data":
			data = append(data, value)
		}
	}
	if err := lines.Err(); err != nil {
		return fault.Wrap(err, fault.Unavailable, "The server went away.", "Try again.")
	}
	return nil
}

// FollowLog copies the log of a job to w as it grows, until the job has ended. It goes
// on where it was after a break.
func (c *Client) FollowLog(ctx context.Context, id string, w io.Writer) error {
	last, failures := "", 0
	tell := func(e Event) error {
		last, failures = e.ID, 0
		switch e.Name {
		case "log":
			_, err := fmt.Fprintln(w, e.Data)
			return err
		case "done":
			return errEnded
		}
		return nil
	}
	for {
		err := c.Events(ctx, id, last, tell)
		switch {
		case errors.Is(err, errEnded):
			return nil
		case err != nil && !fault.Is(err, fault.Unavailable):
			return err
		}
		if failures++; failures > followTries {
			return err
		}
		if err := sleep(ctx, lastPoll); err != nil {
			return err
		}
	}
}

// followTries is how often a broken stream is opened again without hearing anything.
const followTries = 60
