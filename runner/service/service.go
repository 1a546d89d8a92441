// Package service owns how a service is called over HTTP for a step, and how an input is
// fetched: the requests made from templates, retries, progress from streams and by
// asking, the result, what is kept so that a new attempt goes on where the last one was,
// and passing on that nobody waits any more.
//
// It does not own who may be spoken to (guard), what it is told (order), nor the box
// and the bar (runner). It may import the standard library, runner/recipe and packages
// beneath it; the child program must not import it, because it needs net/http.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"convertd/runner/recipe"
	"convertd/runner/service/order"
)

// Reasons for the end of the context of a call.
var (
	// ErrCancelled means that nobody wants the result: the service is told.
	ErrCancelled = errors.New("the job was cancelled")
	// ErrStopped means that the job goes on later: the service works on.
	ErrStopped = errors.New("the job was stopped, to go on later")
	// errTotal is the end of the time that the recipe gives the service.
	errTotal = errors.New("the service took longer than its recipe allows")
)

// Options are what an Agent works with.
type Options struct {
	// Dial makes connections to hosts that the recipe was granted.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log takes one line for each thing that was done.
	Log io.Writer
	// Report takes progress: percent nil when not known, message "" for no news.
	Report func(percent *float64, message string)
}

// Agent carries out one order.
type Agent struct {
	Options
	client   *http.Client
	patience recipe.Patience
	// secrets are the files of secrets by name.
	secrets map[string]string
	trace   map[string]string
	// random spreads waits; it returns 0 to 1.
	random func() float64
}

func newAgent(o Options, p recipe.Patience, secrets, trace map[string]string) *Agent {
	a := &Agent{Options: o, patience: withDefaults(p), secrets: secrets, trace: trace, random: rand.Float64}
	a.client = &http.Client{
		Transport: &http.Transport{
			DialContext: a.dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: a.patience.Connect,
			ResponseHeaderTimeout: a.patience.FirstByte, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: a.checkRedirect,
	}
	return a
}

// Close closes the connections.
func (a *Agent) Close() { a.client.CloseIdleConnections() }

func withDefaults(p recipe.Patience) recipe.Patience {
	d := recipe.DefaultPatience()
	set := func(v *time.Duration, otherwise time.Duration) {
		if *v == 0 {
			*v = otherwise
		}
	}
	set(&p.Connect, d.Connect)
	set(&p.FirstByte, d.FirstByte)
	set(&p.Idle, d.Idle)
	set(&p.Wait, d.Wait)
	set(&p.Longest, d.Longest)
	if p.Tries == 0 {
		p.Tries = d.Tries
	}
	if p.MaxSize == 0 {
		p.MaxSize = d.MaxSize
	}
	return p
}

// bounded ends a context when the time that the recipe gives the service is over.
func (a *Agent) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if a.patience.Total == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, a.patience.Total, errTotal)
}

// dial bounds the making of one connection.
func (a *Agent) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, a.patience.Connect,
		fmt.Errorf("no connection to %s within %s", address, a.patience.Connect))
	defer cancel()
	conn, err := a.Dial(ctx, network, address)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, &dialError{err}
	}
	return conn, nil
}

const maxRedirects = 5

// checkRedirect follows redirects like a browser, but hands nothing of ours to another
// origin, and leaves no secret in a Referer. Each new host is dialled anew, and so checked.
func (a *Agent) checkRedirect(next *http.Request, before []*http.Request) error {
	first := before[0]
	switch {
	case len(before) > maxRedirects:
		return &Failure{Status: exitFailed, Message: fmt.Sprintf("The service sends from one address to the next without end, the last being %s.", shown(next.URL))}
	case next.URL.Scheme != "https" && next.URL.Scheme != "http", first.URL.Scheme == "https" && next.URL.Scheme == "http":
		return &Failure{Status: exitFailed, Message: fmt.Sprintf("The service sends to %s, which is less safe than where it was asked.", shown(next.URL))}
	case next.URL.User != nil:
		return &Failure{Status: exitFailed, Message: "The service sends to an address with a user in it."}
	}
	next.Header.Del("Referer")
	if origin(next.URL) == origin(first.URL) {
		return nil
	}
	if next.Body != nil && next.Body != http.NoBody {
		return &Failure{Status: exitFailed, Message: fmt.Sprintf("The service sends the request on to another host, %s, which nobody has trusted with it.", next.URL.Host)}
	}
	for name := range next.Header {
		if name != "Accept" && name != "User-Agent" {
			next.Header.Del(name)
		}
	}
	return nil
}

// Failure is why an order was not carried out, in sentences for people.
type Failure struct {
	// Status is the exit status that says so.
	Status        int
	Message, Hint string
}

func (f *Failure) Error() string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + " " + f.Hint
}

// exitFailed is the status of a failure of the service.
const exitFailed = 1

// refused is a failure that trying again would not mend.
func failed(format string, args ...any) *Failure {
	return &Failure{Status: exitFailed, Message: fmt.Sprintf(format, args...)}
}

// explain makes a Failure of whatever ended an order.
func explain(ctx context.Context, err error) error {
	var f *Failure
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), ErrStopped):
		return &Failure{Status: order.ExitStopped, Message: "The call of the service goes on later."}
	case errors.Is(context.Cause(ctx), ErrCancelled):
		return &Failure{Status: exitFailed, Message: "The call of the service was ended."}
	case errors.Is(context.Cause(ctx), errTotal):
		return &Failure{Status: exitFailed, Message: "The service took longer than its recipe allows.",
			Hint: "The administrator sets the time as total in the timeout of the recipe."}
	case errors.As(err, &f):
		return f
	}
	return &Failure{Status: exitFailed, Message: sentence(err.Error())}
}

// sentence makes one of the text of an error.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// log writes one line.
func (a *Agent) log(format string, args ...any) {
	_, _ = fmt.Fprintf(a.Log, format+"\n", args...) // a log that cannot be written stops no work
}

// maxSecret bounds the file of a secret.
const maxSecret = 64 << 10

// secret reads the value of a secret; the line end that editors leave is not part of it.
func (a *Agent) secret(name string) (string, error) {
	path, ok := a.secrets[name]
	if !ok {
		return "", failed("The recipe uses the secret %s, but was not granted it.", name)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", failed("The secret %s cannot be read.", name)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil || len(text) > maxSecret {
		return "", failed("The secret %s cannot be read.", name)
	}
	value := strings.TrimRight(string(text), "\r\n")
	if value == "" || strings.ContainsAny(value, "\r\n\x00") {
		return "", failed("The file of the secret %s is empty, or has more than one line.", name)
	}
	return value, nil
}
