package webui

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"
)

// handler answers one request or returns why not; fail writes that to the client, so a
// handler that returns an error has written nothing.
type handler func(w http.ResponseWriter, r *http.Request, p httprouter.Params) error

// kind says in which form a route tells of a failure.
type kind int

const (
	// api answers problem documents.
	api kind = iota
	// page answers HTML.
	page
)

// route is one line of the route table.
type route struct {
	method, path string
	kind         kind
	handle       handler
}

// serve makes httprouter's form of a route.
func (s *Server) serve(rt route) httprouter.Handle {
	return func(w http.ResponseWriter, r *http.Request, p httprouter.Params) {
		answer := &response{ResponseWriter: w, pace: s.Limits.Idle}
		err := s.admit(rt, r)
		if err == nil {
			err = rt.handle(answer, r, p)
			s.noteMiss(rt, r, err)
		}
		if err != nil {
			s.fail(answer, r, rt.kind, err)
		}
	}
}

// fallback answers what no route takes, in the form the path belongs to.
func (s *Server) fallback(err error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kind := page
		if strings.HasPrefix(r.URL.Path, "/api/") {
			kind = api
		}
		s.fail(&response{ResponseWriter: w, pace: s.Limits.Idle}, r, kind, err)
	}
}

// wrap puts around the whole site what holds for every request: the log line, hosts we
// answer for, headers against other sites.
func (s *Server) wrap(next http.Handler) http.Handler {
	crossing := http.NewCrossOriginProtection()
	crossing.SetDenyHandler(s.fallback(crossSite))
	next = crossing.Handler(next)
	next = s.onlyOurHosts(next)
	next = secureHeaders(s.bounded(next))
	return s.logged(next)
}

func (s *Server) onlyOurHosts(next http.Handler) http.Handler {
	refuse := s.fallback(strangeHost)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Guard.Host(r.Host) && r.URL.Path != "/healthz" {
			refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secureHeaders sets what every answer carries; a handler may set a stricter policy.
// The values are made once, because polling is frequent.
func secureHeaders(next http.Handler) http.Handler {
	policy := []string{"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"}
	noSniff := []string{"nosniff"}
	noReferrer := []string{"no-referrer"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Security-Policy"] = policy
		h["X-Content-Type-Options"] = noSniff
		h["Referrer-Policy"] = noReferrer
		next.ServeHTTP(w, r)
	})
}

// logged writes one line for each request that an administrator would ask about: what
// changed something, and what we could not do. Polling is not among them.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		start := time.Now()
		seen := &response{ResponseWriter: w}
		next.ServeHTTP(seen, r)
		s.Log.LogAttrs(r.Context(), slog.LevelDebug, "request answered",
			slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", seen.status), slog.Duration("duration", time.Since(start)))
	})
}

// response remembers whether an answer has begun, after which it can only be cut, and
// gives up a client that does not take it.
type response struct {
	http.ResponseWriter
	status int
	// pace is how long the client may leave a piece that was written; 0 for ever.
	pace time.Duration
}

func (w *response) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.status = status
	}
	w.hurry()
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.hurry()
	return w.ResponseWriter.Write(p)
}

// hurry gives the client its time anew. The deadline stays on the connection, so that the
// next answer has to begin with it as well.
func (w *response) hurry() {
	if w.pace > 0 {
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.pace)) // not every writer has one
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
