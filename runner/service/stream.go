package service

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// maxEvent bounds one event of a stream, in bytes.
const maxEvent = 16 << 20

// follow takes an answer that tells its progress while it comes. It is done when the
// service says so; where it has no word for that, at the end of the stream.
func (c *call) follow(got *answer) (done bool, err error) {
	next := ndjson(got.body)
	if c.http.Stream == "sse" {
		next = sse(got.body)
	}
	for {
		document, err := next()
		if err != nil {
			return c.streamEnd(err)
		}
		if err := c.recordID(document); err != nil {
			return false, err
		}
		finished, err := c.note(document)
		if err != nil {
			return false, err
		}
		if finished {
			return true, nil
		}
	}
}

// streamEnd says what the end of a stream means that came before the service said it was
// done.
func (c *call) streamEnd(err error) (done bool, _ error) {
	ended := errors.Is(err, io.EOF)
	var passing *trouble
	switch {
	case !ended && !errors.As(err, &passing):
		return false, err
	case c.http.Poll != nil && c.record.known():
		return false, nil // its state is asked for instead
	case ended && c.http.Read.State == "":
		return true, nil
	case ended:
		return false, &trouble{message: "The service ended its answer before its job was done."}
	}
	return false, err
}

// recordID keeps the first event that has the id of the remote job.
func (c *call) recordID(document any) error {
	if c.http.Poll == nil || c.record.known() {
		return nil
	}
	if _, ok := find(document, c.http.ID); !ok {
		return nil
	}
	return c.record.keep(document)
}

// events returns the next document of a stream, io.EOF at its end.
type events func() (any, error)

// lines reads a stream by lines, which end with LF, CRLF or the stream.
func lines(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), maxEvent)
	return s
}

func lineError(s *bufio.Scanner) error {
	switch err := s.Err(); {
	case err == nil:
		return io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return failed("The service sent one event of more than %d MiB.", maxEvent>>20)
	default:
		return err
	}
}

// ndjson reads a document a line; a line that is none says nothing.
func ndjson(r io.Reader) events {
	s := lines(r)
	return func() (any, error) {
		for s.Scan() {
			if document, err := parse(s.Bytes()); err == nil {
				return document, nil
			}
		}
		return nil, lineError(s)
	}
}

// sse reads server-sent events (WHATWG HTML, section 9.2) whose data is a JSON document.
// The event's name stands in a table as "event", unless it has such a field.
func sse(r io.Reader) events {
	s := lines(r)
	return func() (any, error) {
		var name string
		var data bytes.Buffer
		for s.Scan() {
			field, value, _ := strings.Cut(strings.TrimPrefix(s.Text(), "\ufeff"), ":")
			value = strings.TrimPrefix(value, " ")
			switch field {
			case "event":
				name = value
			case "data":
				data.WriteString(value + "\n")
			case "":
				if document, ok := event(name, data.Bytes()); ok {
					return document, nil
				}
				if s.Text() == "" {
					name = ""
					data.Reset()
				}
			}
			if data.Len() > maxEvent {
				return nil, failed("The service sent one event of more than %d MiB.", maxEvent>>20)
			}
		}
		return nil, lineError(s)
	}
}

func event(name string, data []byte) (any, bool) {
	if len(data) == 0 {
		return nil, false
	}
	document, err := parse(data)
	table, isTable := document.(map[string]any)
	switch {
	case err != nil && name == "":
		return nil, false
	case err != nil:
		return map[string]any{"event": name, "data": strings.TrimSuffix(string(data), "\n")}, true
	case isTable && name != "" && table["event"] == nil:
		table["event"] = name
	}
	return document, true
}
