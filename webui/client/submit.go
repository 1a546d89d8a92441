package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Submission is a job to be made.
type Submission struct {
	// Recipe or To says what is to be done.
	Recipe, To string
	// Preset fills what Params do not give.
	Preset string
	Params map[string][]string
	// Tags are NAME=VALUE.
	Tags     []string
	Group    string
	Priority int
	Email    string
	// After are ids of jobs that must have succeeded before.
	After []string
	// RunAt is when it may start, Expires when it ends if it has not started; nil for none.
	RunAt, Expires *time.Time
	// Files are the inputs, in order.
	Files []SubmissionFile
	// ParamFiles are the files of parameters by their names.
	ParamFiles map[string]SubmissionFile
	// Key makes a repeated submission the same job.
	Key string
	// Wait is how long the server waits for the end before it answers.
	Wait time.Duration
}

// SubmissionFile is one input. Open is called once, when its turn comes.
type SubmissionFile struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Submit sends a submission, its files as a stream, and returns the accepted job. Its
// Links.Manage is only told here.
func (c *Client) Submit(ctx context.Context, s Submission) (Job, error) {
	reader, writer := io.Pipe()
	r, err := c.request(ctx, http.MethodPost, "/api/v1/jobs", reader)
	if err != nil {
		return Job{}, err
	}
	form := multipart.NewWriter(writer)
	r.Header.Set("Content-Type", form.FormDataContentType())
	if s.Key != "" {
		r.Header.Set("Idempotency-Key", strconv.Quote(s.Key))
	}
	if s.Wait > 0 {
		r.Header.Set("Prefer", "wait="+strconv.Itoa(int(s.Wait.Seconds())))
	}
	wrote := make(chan error, 1)
	go func() {
		err := s.write(form)
		_ = writer.CloseWithError(err) // always nil
		wrote <- err
	}()
	var j Job
	err = c.read(r, &j)
	_ = reader.Close() // ends the writer when the server answered early
	if failed := <-wrote; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return Job{}, failed // a file could not be read: that is the reason
	}
	return j, err
}

// write writes the form: fields first, so that a mistake in them is told before the
// files are sent.
func (s Submission) write(form *multipart.Writer) error {
	fields := url.Values{"recipe": {s.Recipe}, "to": {s.To}, "preset": {s.Preset}, "group": {s.Group}, "email": {s.Email}, "tag": s.Tags, "after": s.After}
	if s.Priority != 0 {
		fields.Set("priority", strconv.Itoa(s.Priority))
	}
	for name, t := range map[string]*time.Time{"run_at": s.RunAt, "expires": s.Expires} {
		if t != nil {
			fields.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	for name, words := range s.Params {
		fields["param."+name] = words
	}
	for name, values := range fields {
		for _, value := range values {
			if value == "" {
				continue
			}
			if err := form.WriteField(name, value); err != nil {
				return fmt.Errorf("send a field: %w", err)
			}
		}
	}
	for name, f := range s.ParamFiles {
		if err := f.write(form, "param."+name); err != nil {
			return err
		}
	}
	for _, f := range s.Files {
		if err := f.write(form, "file"); err != nil {
			return err
		}
	}
	return form.Close()
}

func (f SubmissionFile) write(form *multipart.Writer, field string) error {
	part, err := form.CreateFormFile(field, f.Name)
	if err != nil {
		return fmt.Errorf("send %s: %w", f.Name, err)
	}
	body, err := f.Open()
	if err != nil {
		return fmt.Errorf("read what is to be sent: %w", err)
	}
	defer body.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{part}, body, make([]byte, 256<<10)); err != nil {
		return fmt.Errorf("send %s: %w", f.Name, err)
	}
	return nil
}
