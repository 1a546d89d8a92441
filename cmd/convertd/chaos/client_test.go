package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"convertd/cmd/convertd/chaos/verdict"
)

// client speaks to the API as a patient program of somebody else does: what is cut off is
// asked again. It knows the documents by their fields, not by the service's types.
type client struct {
	w     *world
	owner string
	admin bool
	http  *http.Client
}

func (w *world) client(owner string) *client {
	return &client{w: w, owner: owner, http: &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{MaxIdleConnsPerHost: 2},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (w *world) administrator() *client {
	c := w.client("")
	c.admin = true
	return c
}

// reply is one answer, read to its end.
type reply struct {
	status int
	body   []byte
}

// once asks once; an error is a try that was cut off.
func (c *client) once(ctx context.Context, method, path string, header map[string]string, body []byte) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+c.w.address+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	if c.admin {
		r.Header.Set("Authorization", "Bearer "+c.w.token)
	} else {
		r.Header.Set("X-Remote-User", c.owner)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
		c.w.complain(fmt.Sprintf("%s %s was answered %d: %.300s", method, path, res.StatusCode, raw))
	}
	return reply{res.StatusCode, raw}, err
}

// A client that is not answered asks again, more and more slowly: many that ask without a
// pause would keep a service down that has just come back.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
)

// ask asks until there is an answer that is not a request to come again.
func (c *client) ask(ctx context.Context, method, path string) (reply, error) {
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		got, err := c.once(ctx, method, path, nil, nil)
		if err == nil && got.status < 500 && got.status != http.StatusTooManyRequests {
			return got, nil
		}
		select {
		case <-ctx.Done():
			return got, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// read asks for a JSON document; status 404 leaves it as it is and returns false.
func (c *client) read(ctx context.Context, path string, document any) (bool, error) {
	got, err := c.ask(ctx, http.MethodGet, path)
	switch {
	case err != nil:
		return false, err
	case got.status == http.StatusNotFound:
		return false, nil
	case got.status != http.StatusOK:
		return false, fmt.Errorf("%s: %d %.300s", path, got.status, got.body)
	}
	return true, json.Unmarshal(got.body, document)
}

// submission is what is sent.
type submission struct {
	fields [][2]string
	files  [][]byte
	// document is sent instead of a form when it is there.
	document map[string]any
	// inPieces says that the file goes ahead as an upload of its own; seed is what it is
	// cut by.
	inPieces bool
	seed     uint64
}

func (s submission) encode() (contentType string, body []byte, err error) {
	if s.document != nil {
		body, err = json.Marshal(s.document)
		return "application/json", body, err
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, f := range s.fields {
		if err := form.WriteField(f[0], f[1]); err != nil {
			return "", nil, err
		}
	}
	for i, content := range s.files {
		part, err := form.CreateFormFile("file", fmt.Sprintf("file-%d.txt", i+1))
		if err == nil {
			_, err = part.Write(content)
		}
		if err != nil {
			return "", nil, err
		}
	}
	err = form.Close()
	return form.FormDataContentType(), b.Bytes(), err
}

// submit sends a job until there is an answer for good, and writes down every answer.
func (c *client) submit(ctx context.Context, r *verdict.Request, s submission) (id, group string) {
	contentType, body, err := s.encode()
	if err != nil {
		return "", ""
	}
	header := map[string]string{"Content-Type": contentType, "Idempotency-Key": r.Key}
	refused := 0
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, lastPause) {
		asked := monotonic()
		got, err := c.once(ctx, http.MethodPost, "/api/v1/jobs", header, body)
		if err != nil {
			c.w.cutOff(r)
		}
		if err == nil {
			a := verdict.Answer{Status: got.status, Asked: asked, At: monotonic()}
			var j jobDocument
			if got.status == http.StatusAccepted && json.Unmarshal(got.body, &j) == nil {
				a.Job, id, group = j.ID, j.ID, j.groupID()
			} else {
				a.Body = string(got.body)
			}
			c.w.answered(r, a)
			if refused++; got.status == http.StatusConflict && r.Kind.Alone && refused > 4 {
				return id, group // whoever is refused because another is at work gives up some time
			}
			if got.status == http.StatusAccepted || got.status < 500 && got.status != http.StatusConflict && got.status != http.StatusTooManyRequests {
				return id, group
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return id, group
}

// jobDocument is what is read of a job's document.
type jobDocument struct {
	ID      string            `json:"id"`
	Recipe  string            `json:"recipe"`
	Created time.Time         `json:"created_at"`
	Ended   *time.Time        `json:"ended_at"`
	State   string            `json:"state"`
	Done    bool              `json:"done"`
	Percent *float64          `json:"percent"`
	Attempt int               `json:"attempt"`
	Tags    map[string]string `json:"tags"`
	Group   *string           `json:"group"`
	RetryOf *string           `json:"retry_of"`
	Inputs  []fileDocument    `json:"inputs"`
	Outputs []fileDocument    `json:"outputs"`
	Error   *struct {
		Class string `json:"class"`
	} `json:"error"`
}

type fileDocument struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	URL    string `json:"url"`
}

func (j jobDocument) groupID() string {
	if j.Group == nil {
		return ""
	}
	return *j.Group
}
