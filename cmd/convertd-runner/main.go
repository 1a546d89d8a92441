// Command convertd-runner runs one attempt of one job and exits. Without arguments it
// reads a Spec from descriptor 3 (package runner has the protocol). As
// "convertd-runner step NAME JSON" it is a built-in step, which it executes itself as
// inside the box of an attempt.
//
// It owns the exit status and the signals; everything else is package runner's. What it
// imports is the start-up price of every job.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"convertd/runner"
	"convertd/runner/sandbox"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == sandbox.ExamineWord {
		os.Exit(examineBox(os.Args[2]))
	}
	if len(os.Args) >= 4 && os.Args[1] == "step" {
		os.Exit(runBuiltin(os.Args[2], os.Args[3], os.Args[4:]))
	}
	if len(os.Args) > 1 {
		os.Exit(fail("convertd-runner is started by convertd; it is not meant to be called by people"))
	}
	os.Exit(runAttempt())
}

// examineBox prints what is missing in a box on this machine, as JSON.
func examineBox(user string) int {
	uid, err := strconv.Atoi(user)
	if err != nil {
		return fail("the user of a box is a number")
	}
	lacks, err := sandbox.Examine(uid)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(lacks)
	}
	if err != nil {
		return fail(err.Error())
	}
	return 0
}

// runAttempt waits for a Spec and runs it.
func runAttempt() int {
	if err := sandbox.CloseOnExec(); err != nil {
		return fail(err.Error())
	}
	// Asking for signals takes several turns between threads, which a machine under load
	// does not give at once: it is done while there is nothing else to do. Requests that
	// arrive before the Spec are kept and served with it.
	signals, asked := make(chan os.Signal, 8), make(chan struct{})
	go func() {
		signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
		close(asked)
	}()
	spec, err := runner.ReceiveSpec(runner.SpecFD, func() { <-asked })
	switch {
	case errors.Is(err, runner.ErrNoSpec):
		return 0
	case err != nil:
		fail(err.Error())
		return runner.ExitSpec
	}
	<-asked
	if err := runner.Run(spec, signals); err != nil {
		return fail(err.Error())
	}
	return 0
}

// fail writes a message to the parent and returns the status that says so.
func fail(message string) int {
	os.Stderr.WriteString("convertd-runner: " + message + "\n")
	return runner.ExitInternal
}
