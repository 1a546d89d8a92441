package client

import (
	"fmt"

	"convertd/runner/fault"
)

// Problem is why a request was refused (RFC 9457, application/problem+json).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Code is the word that programs decide by.
	Code fault.Code `json:"code"`
	// Detail and Hint are whole sentences for people: what is wrong, what to do.
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
	// Errors names the fields of the form at fault.
	Errors []fault.Field `json:"errors,omitempty"`
}

// Error returns code and sentence as one line.
func (p Problem) Error() string { return fmt.Sprintf("%s: %s", p.Code, p.Detail) }

// Unwrap gives errors.As the same refusal as a fault, so that callers branch on its code.
func (p Problem) Unwrap() error {
	return &fault.Error{Code: p.Code, Message: p.Detail, Hint: p.Hint, Fields: p.Errors}
}
