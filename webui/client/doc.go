// Package client owns the documents of the HTTP API, as the server writes them and as
// programs read them, and a client of that API that any Go program may import.
//
// It does not own command lines or progress bars (cmd/convertd).
// It may import the standard library and runner/fault.
package client
