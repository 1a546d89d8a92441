// Package runner runs one attempt: from a Spec to an Outcome. It makes the Spec from a
// recipe, runs the steps in their box, reads their progress, bounds their time, keeps
// the log, collects the outputs and writes the outcome file.
//
// It does not own when an attempt starts or what follows from its end (dispatcher),
// nor any database, web or mail. It may import the standard library,
// golang.org/x/sys/unix and packages under runner.
package runner
