package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxProblem bounds how much of an error's body is read.
const maxProblem = 64 << 10

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base *url.URL
	key  string
	http *http.Client
}

// New returns a client of the server at an address such as http://127.0.0.1:8080. key
// is an administrator's token, "" for none.
func New(server, key string) (*Client, error) {
	base, err := url.Parse(server)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("%q is not the address of a server: write http://HOST:PORT", server)
	}
	return &Client{base: base, key: key, http: &http.Client{}}, nil
}

// Job returns the document of a job.
func (c *Client) Job(ctx context.Context, id string) (Job, error) {
	var job Job
	return job, c.call(ctx, http.MethodGet, jobPath(id), &job)
}

// Filter selects jobs of a list; empty fields select all.
type Filter struct {
	States []string
	Recipe string
	Tags   []string
	Group  string
	Text   string
	Limit  int
	Cursor string
}

func (f Filter) query() url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Add(name, value)
		}
	}
	for _, state := range f.States {
		set("state", state)
	}
	for _, tag := range f.Tags {
		set("tag", tag)
	}
	set("recipe", f.Recipe)
	set("group", f.Group)
	set("q", f.Text)
	set("cursor", f.Cursor)
	if f.Limit > 0 {
		set("limit", strconv.Itoa(f.Limit))
	}
	return q
}

// Jobs returns one page of the caller's jobs, of all jobs for the administrator.
func (c *Client) Jobs(ctx context.Context, f Filter) (Jobs, error) {
	var page Jobs
	return page, c.call(ctx, http.MethodGet, "/api/v1/jobs?"+f.query().Encode(), &page)
}

// Cancel ends a waiting or running job.
func (c *Client) Cancel(ctx context.Context, id string) (Job, error) {
	var job Job
	return job, c.call(ctx, http.MethodPost, jobPath(id)+"/cancel", &job)
}

// Retry makes a new job of the same files and parameters.
func (c *Client) Retry(ctx context.Context, id string) (Job, error) {
	var job Job
	return job, c.call(ctx, http.MethodPost, jobPath(id)+"/retry", &job)
}

// Delete removes a job and its files.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, jobPath(id), nil)
}

// Log returns what the steps of an attempt printed; attempt 0 is the last one.
func (c *Client) Log(ctx context.Context, id string, attempt int) (io.ReadCloser, error) {
	path := jobPath(id) + "/log"
	if attempt > 0 {
		path += "?attempt=" + strconv.Itoa(attempt)
	}
	return c.Open(ctx, path)
}

// Open returns the body of a GET, for an output's URL or the archive of all.
func (c *Client) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	res, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// pollEvery is the pause between two looks at a job that runs.
const pollEvery = 300 * time.Millisecond

// Wait polls until the job is done and shows each new status. A server that is away for
// a moment (a restart) is asked again.
func (c *Client) Wait(ctx context.Context, id string, show func(Status)) error {
	etag, failures := "", 0
	for {
		s, tag, err := c.status(ctx, id, etag)
		switch {
		case err != nil && (!temporary(err) || failures >= 60):
			return err
		case err != nil:
			failures++
		default:
			failures = 0
			if tag != etag {
				show(s)
				etag = tag
			}
			if s.Done {
				return nil
			}
		}
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// temporary reports errors that pass by themselves: no connection, 5xx, 429.
func temporary(err error) bool {
	var p Problem
	return !errors.As(err, &p) || p.Status >= 500 || p.Status == http.StatusTooManyRequests
}

func (c *Client) status(ctx context.Context, id, etag string) (Status, string, error) {
	header := http.Header{}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	res, err := c.do(ctx, http.MethodGet, jobPath(id)+"/status", header, nil)
	if err != nil {
		return Status{}, "", err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotModified {
		return Status{}, etag, nil
	}
	var s Status
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		return Status{}, "", fmt.Errorf("read status: %w", err)
	}
	return s, res.Header.Get("ETag"), nil
}

func jobPath(id string) string { return "/api/v1/jobs/" + url.PathEscape(id) }

// call makes a request without body and decodes the answer into out, if it is not nil.
func (c *Client) call(ctx context.Context, method, path string, out any) error {
	res, err := c.do(ctx, method, path, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return nil
}

// do makes a request; an answer of 400 and above becomes a Problem.
func (c *Client) do(ctx context.Context, method, path string, header http.Header, body io.Reader) (*http.Response, error) {
	target, err := c.base.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the server: %w", err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		defer res.Body.Close()
		return nil, problemOf(res)
	}
	return res, nil
}

// problemOf reads the problem document of an answer, or makes one of what came instead.
func problemOf(res *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	p := Problem{Status: res.StatusCode}
	if json.Unmarshal(raw, &p) != nil || p.Detail == "" {
		p.Detail = fmt.Sprintf("the server answered %s: %s", res.Status, strings.TrimSpace(string(raw[:min(len(raw), 200)])))
	}
	return p
}
