package main

import "io"

// closeWriter is a connection of which one direction can be ended alone.
type closeWriter interface{ CloseWrite() error }

// join copies both ways between two connections until both ways have ended. An end of
// one way is passed on, because protocols rely on it.
func join(a, b io.ReadWriter) {
	done := make(chan struct{})
	go func() {
		pass(a, b)
		close(done)
	}()
	pass(b, a)
	<-done
}

func pass(to io.Writer, from io.Reader) {
	_, _ = io.Copy(to, from) // an error ends this way as an end does
	if c, ok := to.(closeWriter); ok {
		_ = c.CloseWrite()
	}
}
