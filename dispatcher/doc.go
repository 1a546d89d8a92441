// Package dispatcher turns rows of waiting jobs into attempts and attempts into ended
// rows: it claims, starts one confined child process per attempt, watches it, stops it
// when asked or when its time is up, proves it dead, records what it came to together
// with the mail owed for it, tries again what may be tried again, adopts what a killed
// dispatcher left behind, and removes what is kept no longer.
//
// One dispatcher serves one spool; a second one waits until the lock of the spool is
// free. Limits of queues and resources are kept in its memory.
//
// It does not own running steps (runner), statements (sql/...), or accepting jobs
// (webui, which it never imports). It may import runner/..., sql/..., the standard
// library, golang.org/x/sys/unix, github.com/wneessen/go-mail (dispatcher/mail) and
// github.com/prometheus/client_golang (dispatcher/metrics).
//
// # The way of an attempt
//
// Each row names what a successor finds when this process is killed there.
//
//	claim committed, not on disk      the same as the next, or undone by a crash of the database
//	claim on disk                     running row, no note: nothing ran, back to the queue
//	cgroup made, lock made and locked the same
//	child started                     the same: the child read no Spec and ends by itself
//	child.N.json on disk              the child without a Spec ends; proved dead; tried again
//	limits written, Spec sent         the attempt goes on; the successor watches it
//	outcome.N.json on disk            the successor records it
//	row and owed mail committed       the successor removes what is left of the attempt
package dispatcher
