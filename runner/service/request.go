package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"convertd/runner/recipe"
	"convertd/runner/service/order"
)

// request is one that is ready to be sent, as often as it takes.
type request struct {
	method  string
	url     *url.URL
	headers map[string]string
	body    *body
	// safe says that it may be sent again although it may have arrived.
	safe bool
}

// request fills the templates of a request.
func (a *Agent) request(f *filler, r recipe.HTTPRequest, base *url.URL, key string) (*request, error) {
	u, err := f.url(r.URL, base)
	if err != nil {
		return nil, err
	}
	headers, err := f.headers(r.Headers)
	if err != nil {
		return nil, err
	}
	content, err := f.body(r, key)
	if err != nil {
		return nil, err
	}
	return &request{method: r.Method, url: u, headers: headers, body: content, safe: r.Method != http.MethodPost && r.Method != http.MethodPatch}, nil
}

// make makes it anew for one try.
func (r *request) make(ctx context.Context, trace map[string]string) (*http.Request, error) {
	hr, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), nil)
	if err != nil {
		return nil, err
	}
	hr.Header.Set("User-Agent", "convertd")
	for name, value := range trace {
		hr.Header.Set(name, value)
	}
	for name, value := range r.headers {
		hr.Header.Set(name, value)
	}
	if r.body == nil {
		return hr, nil
	}
	if hr.Header.Get("Content-Type") == "" {
		hr.Header.Set("Content-Type", r.body.mediaType)
	}
	if hr.Body, err = r.body.open(); err != nil {
		return nil, err
	}
	hr.GetBody, hr.ContentLength = r.body.open, r.body.size
	if r.body.size == 0 {
		hr.Body = http.NoBody
	}
	return hr, nil
}

// tries counts the tries of one thing that is to be done.
type tries struct {
	a    *Agent
	done int
}

// again waits before the next try, or returns the failure when there were enough. after is
// how long the service asked to be left alone.
func (t *tries) again(ctx context.Context, why *trouble) error {
	t.done++
	if t.done >= t.a.patience.Tries {
		return &Failure{Status: order.ExitUnavailable, Message: why.message,
			Hint: fmt.Sprintf("It was tried %d times.", t.done)}
	}
	wait := t.a.pause(t.done)
	wait = max(wait, min(why.after, mostAfter))
	t.a.log("%s Try %d of %d follows in %s.", why.message, t.done+1, t.a.patience.Tries, wait.Round(time.Millisecond))
	return sleep(ctx, wait)
}

// mostAfter bounds how long a service may ask to be left alone.
const mostAfter = 10 * time.Minute

// pause is the wait after so many failures: doubled each time, bounded, and spread over
// half of it, so that jobs that failed together do not come back together.
func (a *Agent) pause(failures int) time.Duration {
	wait := a.patience.Wait << min(failures-1, 30)
	if wait > a.patience.Longest || wait <= 0 {
		wait = a.patience.Longest
	}
	return wait/2 + time.Duration(a.random()*float64(wait/2))
}

// sleep waits, or returns the reason for the end of the context.
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

// trouble is a failure that may pass.
type trouble struct {
	message string
	after   time.Duration
}

func (t *trouble) Error() string { return t.message }

// answer is a response; its body does not stay silent for ever. A failure to read it is a
// *trouble.
type answer struct {
	*http.Response
	body io.Reader
}

// send sends a request, and hands its answer to use, until both went well, failed for
// good, or were tried often enough. What use makes of a part of an answer must bear being
// made again.
func (a *Agent) send(ctx context.Context, r *request, use func(*answer) error) error {
	count := tries{a: a}
	for {
		err := a.try(ctx, r, use)
		var passing *trouble
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil || !errors.As(err, &passing):
			return err
		}
		if err := count.again(ctx, passing); err != nil {
			return err
		}
	}
}

// try sends a request once. A *trouble may pass.
func (a *Agent) try(ctx context.Context, r *request, use func(*answer) error) error {
	started := time.Now()
	within, end := context.WithCancel(ctx)
	defer end()
	hr, err := r.make(within, a.trace)
	if err != nil {
		return err
	}
	response, err := a.client.Do(hr)
	if err != nil {
		return a.unanswered(ctx, r, err)
	}
	defer response.Body.Close()
	a.log("%s %s answered %s after %.3f s", r.method, shown(r.url), response.Status, time.Since(started).Seconds())
	got := &answer{Response: response, body: &watched{r: response.Body, idle: a.patience.Idle, end: end}}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return a.declined(r, got)
	}
	err = use(got)
	var passing *trouble
	if errors.As(err, &passing) && !r.safe {
		return unsure(passing.message)
	}
	return err
}

// unsure is the end of a request that may have arrived and must not arrive twice.
func unsure(message string) error {
	return &Failure{Status: exitFailed, Message: message, Hint: "Nobody knows how far the service came, so it was not asked again."}
}

// unanswered says what a request that got no answer means.
func (a *Agent) unanswered(ctx context.Context, r *request, err error) error {
	var f *Failure
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &f):
		return f
	}
	if why, refused := refusal(err); refused {
		return failed("The connection to %s was not allowed: %s.", r.url.Host, why)
	}
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // its text has the whole address, with what may be secret in it
	}
	message := fmt.Sprintf("The service %s did not answer: %s.", r.url.Host, strings.TrimSuffix(err.Error(), "."))
	if !r.safe && !beforeSent(err) {
		return unsure(message)
	}
	return &trouble{message: message}
}

// declined says what an answer without success means.
func (a *Agent) declined(r *request, got *answer) error {
	words := problemWords(got.body)
	message := fmt.Sprintf("The service %s answered %s", r.url.Host, got.Status)
	if words != "" {
		message += ": " + strings.TrimSuffix(words, ".")
	}
	message += "."
	switch code := got.StatusCode; {
	case code == http.StatusNotImplemented, code == http.StatusHTTPVersionNotSupported:
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		if r.safe || code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
			return &trouble{message: message, after: retryAfter(got.Header.Get("Retry-After"))}
		}
	case code == http.StatusConflict && r.safe && r.method == http.MethodPost:
		return &trouble{message: message} // the first request with this key is still under way
	case code == http.StatusRequestEntityTooLarge, code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		return &Failure{Status: order.ExitRefused, Message: message}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &Failure{Status: exitFailed, Message: message, Hint: "Ask the administrator to check the secret that the recipe sends."}
	case code == http.StatusNotFound, code == http.StatusGone:
		return &goneError{Failure{Status: exitFailed, Message: message}}
	}
	return &Failure{Status: exitFailed, Message: message}
}

// goneError says that the service has not, or no longer, what was asked for.
type goneError struct{ Failure }

func (e *goneError) Unwrap() error { return &e.Failure }

// maxWords bounds what is read of an answer that only explains a failure.
const maxWords = 64 << 10

// problemWords finds the reason in the usual places of an answer.
func problemWords(r io.Reader) string {
	text, err := io.ReadAll(io.LimitReader(r, maxWords))
	if err != nil {
		return ""
	}
	document, err := parse(text)
	if err != nil {
		return ""
	}
	for _, path := range []string{"error.message", "detail", "message", "error", "title", "detail.0.msg"} {
		if value, ok := at(document, path); ok {
			if words, isText := value.(string); isText && words != "" {
				return oneLine(words)
			}
		}
	}
	return ""
}

// maxLine bounds text of the service in a message, in bytes.
const maxLine = 500

func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	if len(text) > maxLine {
		text = strings.ToValidUTF8(text[:maxLine], "") + " …"
	}
	return text
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3).
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1<<20)) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}

// watched ends an exchange in which nothing comes for too long.
type watched struct {
	r    io.Reader
	idle time.Duration
	end  context.CancelFunc
}

func (w *watched) Read(p []byte) (int, error) {
	var silent atomic.Bool
	timer := time.AfterFunc(w.idle, func() {
		silent.Store(true)
		w.end()
	})
	n, err := w.r.Read(p)
	timer.Stop()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case silent.Load():
		return n, &trouble{message: fmt.Sprintf("The service sent nothing for %s in the middle of its answer.", w.idle)}
	}
	return n, &trouble{message: fmt.Sprintf("The answer of the service broke off: %s.", strings.TrimSuffix(err.Error(), "."))}
}
