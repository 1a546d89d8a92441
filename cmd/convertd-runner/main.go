// Command convertd-runner runs one attempt of one job and exits. Without arguments it
// reads a Spec from descriptor 3 (package runner has the protocol). As
// "convertd-runner step NAME JSON" it is a built-in step, which it executes itself as
// inside the box of an attempt.
//
// It owns the exit status and the signals; everything else is package runner's. What it
// imports is the start-up price of every job.
package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"convertd/runner"
	"convertd/runner/sandbox"
)

func main() {
	if len(os.Args) == 4 && os.Args[1] == "step" {
		os.Exit(runBuiltin(os.Args[2], os.Args[3]))
	}
	if len(os.Args) > 1 {
		os.Exit(fail("convertd-runner is started by convertd; it is not meant to be called by people"))
	}
	os.Exit(runAttempt())
}

// runAttempt waits for a Spec and runs it.
func runAttempt() int {
	if err := sandbox.CloseOnExec(); err != nil {
		return fail(err.Error())
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
	spec, status, ok := receive(signals)
	if !ok {
		return status
	}
	stops := make(chan runner.Stop, 8)
	go func() {
		for s := range signals {
			if s == syscall.SIGUSR1 {
				stops <- runner.StopSafely
			} else {
				stops <- runner.Cancel
			}
		}
	}()
	if err := runner.Run(spec, stops); err != nil {
		return fail(err.Error())
	}
	return 0
}

// receive waits for a Spec or for a signal, whichever is first. When ok is false there is
// nothing to do and status is the exit status.
func receive(signals <-chan os.Signal) (spec runner.Spec, status int, ok bool) {
	type received struct {
		spec runner.Spec
		err  error
	}
	arrived := make(chan received, 1)
	go func() {
		spec, err := runner.ReceiveSpec(runner.SpecFD)
		arrived <- received{spec, err}
	}()
	select {
	case r := <-arrived:
		switch {
		case errors.Is(r.err, runner.ErrNoSpec):
			return runner.Spec{}, 0, false
		case r.err != nil:
			fail(r.err.Error())
			return runner.Spec{}, runner.ExitSpec, false
		}
		return r.spec, 0, true
	case <-signals:
		return runner.Spec{}, 0, false
	}
}

// fail writes a message to the parent and returns the status that says so.
func fail(message string) int {
	os.Stderr.WriteString("convertd-runner: " + message + "\n")
	return runner.ExitInternal
}
