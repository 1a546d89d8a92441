package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
)

// Submission is one job to be made.
type Submission struct {
	// Recipe or To says what is to be done.
	Recipe, To string
	Params     map[string][]string
	Tags       []string
	Group      string
	Files      []SubmissionFile
	// IdempotencyKey makes a repeated submission the same job; "" for none.
	IdempotencyKey string
}

// SubmissionFile is one file to be sent.
type SubmissionFile struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Submit sends the files and returns the job once the server has accepted it: from
// then on it survives a power cut. The body is streamed.
func (c *Client) Submit(ctx context.Context, s Submission) (Job, error) {
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() { _ = writer.CloseWithError(s.write(form)) }()
	header := http.Header{"Content-Type": {form.FormDataContentType()}}
	if s.IdempotencyKey != "" {
		header.Set("Idempotency-Key", `"`+s.IdempotencyKey+`"`)
	}
	res, err := c.do(ctx, http.MethodPost, "/api/v1/jobs", header, reader)
	_ = reader.Close()
	if err != nil {
		return Job{}, err
	}
	defer res.Body.Close()
	var job Job
	if err := json.NewDecoder(res.Body).Decode(&job); err != nil {
		return Job{}, fmt.Errorf("read the server's answer: %w", err)
	}
	return job, nil
}

func (s Submission) write(form *multipart.Writer) error {
	if err := s.writeFields(form); err != nil {
		return err
	}
	for _, f := range s.Files {
		if err := f.write(form); err != nil {
			return err
		}
	}
	return form.Close()
}

func (s Submission) writeFields(form *multipart.Writer) error {
	fields := [][2]string{{"recipe", s.Recipe}, {"to", s.To}, {"group", s.Group}}
	for _, tag := range s.Tags {
		fields = append(fields, [2]string{"tag", tag})
	}
	for name, values := range s.Params {
		for _, value := range values {
			fields = append(fields, [2]string{"param." + name, value})
		}
	}
	for _, f := range fields {
		if f[1] == "" {
			continue
		}
		if err := form.WriteField(f[0], f[1]); err != nil {
			return err
		}
	}
	return nil
}

func (f SubmissionFile) write(form *multipart.Writer) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	part, err := form.CreateFormFile("file", f.Name)
	if err != nil {
		return err
	}
	_, err = io.Copy(part, in)
	return err
}
