package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"convertd/runner/recipe"
	"convertd/runner/service/order"
)

// call is one step that calls a service, while it runs.
type call struct {
	*Agent
	order order.Call
	http  recipe.HTTP
	fill  filler
	// base is the address that was called; addresses in answers are relative to it.
	base *url.URL
	// headers go with every request to the same origin.
	record record
	// latest is the service's latest answer, result what Read.Result found.
	latest any
	result any
	seen   glimpse
}

// Call carries out an order. Its error is a *Failure. The end of ctx tells by its cause
// whether the service is told too (ErrCancelled) or works on (ErrStopped).
func Call(ctx context.Context, o Options, told order.Call) error {
	a := newAgent(o, told.HTTP.Patience, told.Secrets, told.Trace)
	defer a.Close()
	c := newCall(a, told)
	within, end := a.bounded(ctx)
	defer end()
	err := explain(within, c.run(within))
	if err != nil && !errors.Is(context.Cause(within), ErrStopped) && within.Err() != nil {
		c.passOnCancel(ctx)
	}
	return err
}

func newCall(a *Agent, told order.Call) *call {
	return &call{
		Agent: a, order: told, http: told.HTTP,
		fill:   filler{vars: told.Vars, secret: a.secret, callback: told.Callback},
		record: record{path: told.Record, key: told.Key},
	}
}

// mostForgotten is how often a service may lose its job before that is a failure.
const mostForgotten = 3

func (c *call) run(ctx context.Context) error {
	var err error
	if c.base, err = c.fill.url(c.http.URL, nil); err != nil {
		return err
	}
	for lost := 0; ; lost++ {
		err := c.attempt(ctx)
		var gone *goneError
		if c.http.Poll == nil || !errors.As(err, &gone) || !c.record.known() || lost == mostForgotten {
			return err
		}
		// A service that was restarted may have lost its jobs.
		c.log("The service does not know its job any more; it is asked again.")
		if err := c.record.forget(); err != nil {
			return err
		}
		c.fill.answers, c.latest = nil, nil
	}
}

// attempt asks for the job, unless the service has it, and waits for its result.
func (c *call) attempt(ctx context.Context) error {
	done := false
	remote, known, err := c.record.load()
	switch {
	case err != nil:
		return err
	case known && c.http.Poll != nil:
		c.log("The service has this job already; its state is asked for.")
		c.answered(remote)
	default:
		if done, err = c.submit(ctx); err != nil {
			return err
		}
	}
	if !done && c.http.Poll != nil {
		if err := c.poll(ctx); err != nil {
			return err
		}
	}
	if c.http.Save == "" || c.saved() {
		return nil
	}
	return c.fetchResult(ctx)
}

// saved reports whether the answer itself was the result.
func (c *call) saved() bool {
	return c.http.Read.Result == "" && c.http.Result == nil && c.http.Poll == nil && c.http.Stream == ""
}

// submit sends the request and takes its answer; done says that the service is.
func (c *call) submit(ctx context.Context) (done bool, err error) {
	r, err := c.Agent.request(&c.fill, c.http.HTTPRequest, nil, c.order.Key)
	if err != nil {
		return false, err
	}
	if c.http.Idempotency != "" && r.method != http.MethodGet {
		r.headers[c.http.Idempotency] = c.order.Key
		r.safe = true
	}
	err = c.send(ctx, r, func(got *answer) error {
		var err error
		done, err = c.take(got)
		return err
	})
	return done, err
}

// take takes the answer to the request.
func (c *call) take(got *answer) (done bool, err error) {
	c.base = got.Request.URL
	switch {
	case c.http.Stream != "":
		return c.follow(got)
	case c.saved():
		if c.http.Save == "" {
			_, err := io.Copy(io.Discard, io.LimitReader(got.body, maxDocument))
			return true, err
		}
		return true, c.saveBody(got, c.name(0))
	}
	document, err := readDocument(got.body)
	if err != nil {
		return false, err
	}
	if c.http.Poll != nil {
		if err := c.record.keep(document); err != nil {
			return false, err
		}
	}
	done, err = c.note(document)
	return done || c.http.Poll == nil, err
}

// maxDocument bounds a JSON document of the service, in bytes.
const maxDocument = 16 << 20

func readDocument(r io.Reader) (any, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, failed("The service answered with a document larger than %d MiB.", maxDocument>>20)
	}
	document, err := parse(text)
	if err != nil {
		return nil, &trouble{message: "The service answered with something that is not a JSON document."}
	}
	return document, nil
}

// answered remembers what the service answered.
func (c *call) answered(document any) {
	first := c.latest == nil
	c.latest = document
	if first || len(c.fill.answers) == 0 {
		c.fill.answers = []any{document}
		return
	}
	c.fill.answers = []any{document, c.fill.answers[len(c.fill.answers)-1]}
}

// note takes one answer: progress, preview, result, state. done says that the service is.
func (c *call) note(document any) (done bool, err error) {
	c.answered(document)
	read := c.http.Read
	c.tell(document)
	if value, ok := find(document, read.Result); ok {
		c.result = value
	}
	if value, ok := find(document, read.Preview); ok {
		c.glance(value)
	}
	value, ok := find(document, read.State)
	if !ok {
		return false, nil
	}
	state, err := plain(value)
	switch {
	case err != nil:
		return false, err
	case slices.Contains(read.Failed, state):
		return false, c.remoteFailure(document, state)
	}
	return slices.Contains(read.Done, state), nil
}

// find looks at a place that the recipe may name; null is as good as nothing.
func find(document any, path string) (any, bool) {
	if path == "" {
		return nil, false
	}
	value, ok := at(document, path)
	return value, ok && value != nil
}

// tell reports progress.
func (c *call) tell(document any) {
	read := c.http.Read
	var percent *float64
	if value, ok := find(document, read.Percent); ok {
		text, _ := plain(value)
		of := read.Of
		if of == 0 {
			of = 100
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			percent = new(n / of * 100)
		}
	}
	message := ""
	if value, ok := find(document, read.Message); ok {
		text, _ := plain(value)
		message = oneLine(text)
	}
	if percent != nil || message != "" {
		c.Report(percent, message)
	}
}

// remoteFailure is what the service says about a job that failed there. It is over, so a
// new attempt asks anew.
func (c *call) remoteFailure(document any, state string) error {
	message := fmt.Sprintf("The service %s says that its job ended as %q", c.base.Host, oneLine(state))
	if value, ok := find(document, c.http.Read.Error); ok {
		if text, err := plain(value); err == nil && text != "" {
			message += ": " + oneLine(text)
		}
	}
	if err := c.record.forget(); err != nil {
		return err
	}
	return failed("%s.", message)
}

// poll asks for the state of the remote job until it is done.
func (c *call) poll(ctx context.Context) error {
	every := c.http.Poll.Every
	if every == 0 {
		every = 2 * time.Second
	}
	for {
		r, err := c.later(c.http.Poll.HTTPRequest)
		if err != nil {
			return err
		}
		done, asked := false, time.Duration(0)
		err = c.send(ctx, r, func(got *answer) error {
			asked = retryAfter(got.Header.Get("Retry-After"))
			document, err := readDocument(got.body)
			if err != nil {
				return err
			}
			done, err = c.note(document)
			return err
		})
		if err != nil || done {
			return err
		}
		if err := sleep(ctx, max(every, min(asked, mostAfter))); err != nil {
			return err
		}
	}
}

// later makes a request that follows the first; to the same origin it carries the same
// headers, unless it has its own.
func (c *call) later(template recipe.HTTPRequest) (*request, error) {
	r, err := c.Agent.request(&c.fill, template, c.base, c.order.Key+" later")
	if err != nil {
		return nil, err
	}
	return r, c.inherit(r)
}

func (c *call) inherit(r *request) error {
	first, err := c.fill.url(c.http.URL, nil)
	if err != nil || origin(r.url) != origin(first) {
		return err
	}
	headers, err := c.fill.headers(c.http.Headers)
	if err != nil {
		return err
	}
	for name, value := range headers {
		if name := http.CanonicalHeaderKey(name); name == "Content-Type" || name == "Accept" {
			continue
		}
		if _, own := r.headers[name]; !own {
			r.headers[name] = value
		}
	}
	return nil
}

// cancelPatience bounds telling the service that nobody waits; the runner's grace is longer.
const cancelPatience = 8 * time.Second

// passOnCancel tells the service that nobody wants the result any more.
func (c *call) passOnCancel(ctx context.Context) {
	if c.http.Cancel == nil {
		return
	}
	if remote, known, err := c.record.load(); err == nil && known && len(c.fill.answers) == 0 {
		c.answered(remote)
	}
	r, err := c.later(*c.http.Cancel)
	if err != nil {
		c.log("The service is not told that the job was cancelled: %v", err)
		return
	}
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), cancelPatience)
	defer end()
	r.safe = true // to cancel twice is to cancel
	err = c.send(ctx, r, func(*answer) error { return nil })
	if err != nil {
		c.log("The service could not be told that the job was cancelled: %v", err)
		return
	}
	if err := c.record.forget(); err != nil {
		c.log("%v", err)
	}
}
