package webui

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"convertd/runner/fault"
	"convertd/webui/client"
	"convertd/webui/tus"
)

// refusal is a fault with an HTTP status of its own, for what HTTP itself defines and
// the table of codes does not.
type refusal struct {
	status int
	fault  *fault.Error
}

// Error returns the fault's line.
func (e refusal) Error() string { return e.fault.Error() }

// Unwrap gives errors.As the fault.
func (e refusal) Unwrap() error { return e.fault }

func refuse(status int, code fault.Code, message, hint string) error {
	return refusal{status, fault.New(code, message, hint)}
}

var (
	noSuchPage  = error(fault.New(fault.NotFound, "There is nothing at this address.", "Check the address; an id is 26 characters long."))
	noSuchJob   = error(fault.New(fault.NotFound, "There is no job with this id.", "It may have been deleted, or the address is incomplete."))
	wrongToken  = error(fault.New(fault.Unauthorized, "The token is not valid here.", "Check the administrator's token, or leave it out."))
	wrongMethod = refuse(http.StatusMethodNotAllowed, fault.Unsupported, "This address does not take this method.", "The Allow header names the methods it takes.")
	crossSite   = refuse(http.StatusForbidden, fault.Forbidden, "The request came from a page of another site.", "Open this service itself and try again there.")
	strangeHost = refuse(http.StatusMisdirectedRequest, fault.Invalid, "This service does not answer for the host name in the request.",
		"Use the address it was started with, or let the administrator add the name to [web] hosts.")
)

func notReady(err error) error {
	return fault.Wrap(err, fault.Unavailable, "The service is not ready.", "It is starting, or what it depends on does not answer; convertd doctor names it.")
}

// statusOf is the table of CODES to HTTP statuses that the API promises.
func statusOf(code fault.Code) int {
	switch code {
	case fault.Invalid, fault.Unsupported, fault.TooManyFiles, fault.EmptyFile:
		return http.StatusBadRequest
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict, fault.AlreadyEnded:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.UnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case fault.IdempotencyMismatch:
		return http.StatusUnprocessableEntity
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.InsufficientStorage:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// fail is the only place that writes an error to a client.
func (s *Server) fail(w *response, r *http.Request, kind kind, err error) {
	if w.status != 0 {
		// The answer has begun: cutting the connection is the only way left to say that
		// it is not whole. The server knows this value and stays silent.
		s.Log.LogAttrs(r.Context(), slog.LevelInfo, "answer cut off", slog.String("path", r.URL.Path), slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	problem := s.problem(r, err)
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(linger))
		w.pace += linger // the answer goes out when the rest was waited for
	}
	switch problem.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", retryAfter(err))
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="convertd"`)
	}
	w.Header().Set("Cache-Control", "no-store")
	if kind == page {
		s.failPage(w, r, problem)
		return
	}
	writeProblem(w, problem)
}

// problem turns an error into the document that the client gets; what is not meant for
// people is logged under a reference and shown as one sentence.
func (s *Server) problem(r *http.Request, err error) client.Problem {
	err = classify(err)
	known := new(fault.Error)
	if !errors.As(err, &known) {
		reference := newReference()
		s.Log.LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("reference", reference),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", err))
		known = fault.New(fault.Internal, "Something went wrong on our side.",
			"Try again; if it happens again, tell the administrator the reference "+reference+".")
	} else if known.Err != nil {
		s.Log.LogAttrs(r.Context(), slog.LevelWarn, "request refused", slog.String("code", string(known.Code)),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	status := statusOf(known.Code)
	if own := (refusal{}); errors.As(err, &own) {
		status = own.status
	}
	if own := (tus.Refusal{}); errors.As(err, &own) {
		status = own.Status
	}
	return client.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Code: known.Code, Detail: known.Message, Hint: known.Hint, Errors: known.Fields,
	}
}

// classify gives errors of the system their words.
func classify(err error) error {
	tooLarge := new(http.MaxBytesError)
	switch {
	case errors.Is(err, context.Canceled):
		// The client went away; it will not read this.
		return fault.New(fault.Unavailable, "The request was given up.", "Send it again.")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Wrap(err, fault.InsufficientStorage, "There is no room left to store the upload.",
			"Try again later; the administrator has to free disk space.")
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.EROFS):
		return fault.Wrap(err, fault.InsufficientStorage, "The disk could not store the upload.",
			"Nothing was accepted. Tell the administrator: the disk reports an error.")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(err, fault.Unavailable, "The service could not answer in time.", "Try again in a few seconds.")
	case errors.As(err, &tooLarge):
		return fault.New(fault.TooLarge, "The request is larger than the limit of "+strconv.FormatInt(tooLarge.Limit, 10)+" bytes.",
			"Send less at once.")
	}
	return err
}

func writeProblem(w http.ResponseWriter, problem client.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	_ = writeBody(w, problem.Status, problem) // plain strings always marshal
}
