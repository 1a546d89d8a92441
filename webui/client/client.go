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

	"convertd/runner/fault"
)

const (
	// answerTime bounds how long a server may take to begin its answer to a question.
	answerTime = time.Minute
	// maxDocument bounds a document in bytes.
	maxDocument = 64 << 20
)

// Client speaks to one server. It is safe for concurrent use. Its errors are Problem
// where the server gave a reason, and fault.Error with unavailable where it did not
// answer.
type Client struct {
	server *url.URL
	key    string
	http   *http.Client
}

// New returns a client of the server at an address such as http://127.0.0.1:8080. key is
// the administrator's token, "" for none.
func New(server, key string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(server, "/"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fault.Wrap(err, fault.Invalid, fmt.Sprintf("%q is no address of a server.", server), "Write it like http://127.0.0.1:8080.")
	}
	return &Client{server: u, key: key, http: &http.Client{}}, nil
}

// request makes a request for a path of the API, or for a link out of a document.
func (c *Client) request(ctx context.Context, method, link string, body io.Reader) (*http.Request, error) {
	ref, err := url.Parse(link)
	if err != nil {
		return nil, fmt.Errorf("read a link: %w", err)
	}
	target := *c.server
	target.Path, target.RawPath = c.server.Path+ref.Path, ""
	if ref.RawPath != "" {
		target.RawPath = c.server.EscapedPath() + ref.RawPath
	}
	target.RawQuery = ref.RawQuery
	r, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	return r, nil
}

// send returns the answer if it is a good one; the caller closes its body.
func (c *Client) send(r *http.Request) (*http.Response, error) {
	answer, err := c.http.Do(r)
	if err != nil {
		if r.Context().Err() != nil {
			return nil, r.Context().Err()
		}
		return nil, fault.Wrap(err, fault.Unavailable, fmt.Sprintf("The server at %s does not answer.", c.server), "Start it, or name another one with --server.")
	}
	if answer.StatusCode < 300 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, problemOf(answer)
}

func problemOf(answer *http.Response) error {
	problem := Problem{Status: answer.StatusCode, Title: answer.Status, Code: fault.Internal,
		Detail: "The server answered " + answer.Status + ".", Hint: "Look at its log."}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument))
	if err != nil || json.Unmarshal(text, &problem) != nil {
		return problem
	}
	return problem
}

// document sends a request and reads the document of the answer into target, if any.
func (c *Client) document(r *http.Request, target any) error {
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	return c.read(r.WithContext(ctx), target)
}

func (c *Client) read(r *http.Request, target any) error {
	answer, err := c.send(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if target == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxDocument)).Decode(target); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

func (c *Client) get(ctx context.Context, link string, target any) error {
	r, err := c.request(ctx, http.MethodGet, link, nil)
	if err != nil {
		return err
	}
	return c.document(r, target)
}

func jobLink(id, rest string) string { return "/api/v1/jobs/" + url.PathEscape(id) + rest }

// Job returns the document of a job.
func (c *Client) Job(ctx context.Context, id string) (Job, error) {
	var j Job
	return j, c.get(ctx, jobLink(id, ""), &j)
}

// Status returns the small document of a job.
func (c *Client) Status(ctx context.Context, id string) (Status, error) {
	var s Status
	return s, c.get(ctx, jobLink(id, "/status"), &s)
}

// Filter says which jobs a list has; a zero field does not limit.
type Filter struct {
	States []string
	Recipe string
	// Tags are NAME=VALUE.
	Tags   []string
	Group  string
	Owner  string
	Since  *time.Time
	Until  *time.Time
	Text   string
	Limit  int
	Cursor string
}

func (f Filter) query() string {
	q := url.Values{"state": f.States, "tag": f.Tags}
	for name, value := range map[string]string{"recipe": f.Recipe, "group": f.Group, "owner": f.Owner, "q": f.Text, "cursor": f.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	for name, t := range map[string]*time.Time{"since": f.Since, "until": f.Until} {
		if t != nil {
			q.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	return q.Encode()
}

// Jobs returns one page of a list, newest first.
func (c *Client) Jobs(ctx context.Context, f Filter) (Jobs, error) {
	var page Jobs
	return page, c.get(ctx, "/api/v1/jobs?"+f.query(), &page)
}

// Group returns the document of a group.
func (c *Client) Group(ctx context.Context, id string) (Group, error) {
	var g Group
	return g, c.get(ctx, "/api/v1/groups/"+url.PathEscape(id), &g)
}

// Recipes returns what the server can do.
func (c *Client) Recipes(ctx context.Context) ([]Recipe, error) {
	var list struct {
		Recipes []Recipe `json:"recipes"`
	}
	err := c.get(ctx, "/api/v1/recipes", &list)
	return list.Recipes, err
}

// Attempts returns the executions of a job.
func (c *Client) Attempts(ctx context.Context, id string) ([]Attempt, error) {
	var list struct {
		Attempts []Attempt `json:"attempts"`
	}
	err := c.get(ctx, jobLink(id, "/attempts"), &list)
	return list.Attempts, err
}

func (c *Client) post(ctx context.Context, link string, body, target any) error {
	text := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		text = string(encoded)
	}
	r, err := c.request(ctx, http.MethodPost, link, strings.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.document(r, target)
}

// Cancel ends a job and returns it as it is then.
func (c *Client) Cancel(ctx context.Context, id string) (Job, error) {
	var j Job
	return j, c.post(ctx, jobLink(id, "/cancel"), nil, &j)
}

// Retry makes a new job of an ended one and returns it.
func (c *Client) Retry(ctx context.Context, id string) (Job, error) {
	var j Job
	return j, c.post(ctx, jobLink(id, "/retry"), nil, &j)
}

// Delete removes a job.
func (c *Client) Delete(ctx context.Context, id string) error {
	r, err := c.request(ctx, http.MethodDelete, jobLink(id, ""), nil)
	if err != nil {
		return err
	}
	return c.document(r, nil)
}

// Open returns what a link of a document leads to, such as an output's URL. The caller
// closes it; reading fails if it was cut off.
func (c *Client) Open(ctx context.Context, link string) (io.ReadCloser, error) {
	r, err := c.request(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.send(r)
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}

// Log returns the log of an attempt, of the last one for 0. The caller closes it.
func (c *Client) Log(ctx context.Context, id string, attempt int) (io.ReadCloser, error) {
	query := ""
	if attempt > 0 {
		query = "?attempt=" + strconv.Itoa(attempt)
	}
	return c.Open(ctx, jobLink(id, "/log"+query))
}

// poll is how often a waiting client asks, between a short time for short jobs and a
// longer one.
const (
	firstPoll = 100 * time.Millisecond
	lastPoll  = time.Second
)

// Wait asks for the status until the job has ended, and tells each answer. A server that
// is restarted meanwhile is asked again for a while.
func (c *Client) Wait(ctx context.Context, id string, tell func(Status)) error {
	silent := time.Time{}
	for pause := firstPoll; ; pause = min(pause*5/4, lastPoll) {
		status, err := c.Status(ctx, id)
		switch {
		case err == nil:
			silent = time.Time{}
			tell(status)
			if status.Done {
				return nil
			}
		case !fault.Is(err, fault.Unavailable):
			return err
		case silent.IsZero():
			silent = time.Now()
		case time.Since(silent) > answerTime:
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// errEnded says that the stream told of the job's end.
var errEnded = errors.New("the job has ended")
