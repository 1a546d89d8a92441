// Package fault owns the words in which convertd says that something went wrong:
// the problem codes of the API, the outcome classes of an attempt, and the error
// type that carries both a sentence for a person and the remedy.
//
// It does not own HTTP statuses (webui) or mail texts (dispatcher/mail).
// It may import the standard library only.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Code names a kind of refusal; it is the `code` member of a problem document.
type Code string

// The closed set of problem codes.
const (
	Invalid             Code = "invalid"
	Unsupported         Code = "unsupported"
	TooManyFiles        Code = "too_many_files"
	EmptyFile           Code = "empty_file"
	Unauthorized        Code = "unauthorized"
	Forbidden           Code = "forbidden"
	NotFound            Code = "not_found"
	Conflict            Code = "conflict"
	AlreadyEnded        Code = "already_ended"
	Gone                Code = "gone"
	TooLarge            Code = "too_large"
	UnsupportedMedia    Code = "unsupported_media"
	IdempotencyMismatch Code = "idempotency_mismatch"
	RateLimited         Code = "rate_limited"
	Internal            Code = "internal"
	Unavailable         Code = "unavailable"
	InsufficientStorage Code = "insufficient_storage"
)

// Class is the outcome of an attempt; the same word stands in the row, the metric
// label, the mail subject and on the page.
type Class string

// The closed set of outcome classes.
const (
	Succeeded       Class = "succeeded"
	BadInput        Class = "bad_input"
	ConverterFailed Class = "converter_failed"
	Timeout         Class = "timeout"
	Memory          Class = "memory"
	Disk            Class = "disk"
	Killed          Class = "killed"
	Lost            Class = "lost"
	InternalError   Class = "internal"
	Cancelled       Class = "cancelled"
)

// Classes returns the closed set in the order in which people are shown it.
func Classes() []Class {
	return []Class{Succeeded, BadInput, ConverterFailed, Timeout, Memory, Disk, Killed, Lost, InternalError, Cancelled}
}

// Error is a refusal or failure that a person will read. Message says what failed
// and why, Hint what to do about it; both are whole sentences. The wrapped error,
// if any, is for the log and never reaches a client.
type Error struct {
	Code    Code
	Message string
	Hint    string
	// Fields names the form fields at fault, for problem documents of forms.
	Fields []Field
	Err    error
}

// Field is one form field or parameter at fault.
type Field struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error returns the message and the wrapped cause as one line.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", strings.TrimSuffix(e.Message, "."), e.Err)
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an Error without a cause.
func New(code Code, message, hint string) *Error {
	return &Error{Code: code, Message: message, Hint: hint}
}

// Wrap returns an Error with a cause that only the log will show.
func Wrap(err error, code Code, message, hint string) *Error {
	return &Error{Code: code, Message: message, Hint: hint, Err: err}
}

// CodeOf returns the code of the first Error in err's chain, Internal for any other
// error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Is reports whether err carries the code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }
