package runner

import (
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"convertd/runner/fault"
	"convertd/runner/progress/reading"
	"convertd/runner/sandbox"
)

// Exit statuses with a meaning (sysexits.h).
const (
	exitDataErr  = 65 // the input is not what it should be
	exitTempFail = 75 // stopped safely when asked to, to be run again
)

// verdict is why an attempt ended without results.
type verdict struct {
	class        fault.Class
	detail, hint string
	requeue      bool
	// cause is for the log, never for a person.
	cause error
	// tool says that the converter itself failed, so that its own words may explain.
	tool bool
}

// internal is a fault on our side.
func internal(detail string, cause error) *verdict {
	if words, ill := diskWords(cause); ill {
		return &verdict{
			class: fault.InternalError, detail: detail + " " + words, cause: cause,
			hint: "This is not the fault of the file. The administrator has to look after the disk of the spool.",
		}
	}
	return &verdict{
		class: fault.InternalError, detail: detail, cause: cause,
		hint: "This is not the fault of the file. The administrator finds the cause in the log of the job.",
	}
}

// asked takes a request of the parent.
func (a *attempt) asked(signal os.Signal) {
	if signal == syscall.SIGTERM {
		a.stopped = nil // whatever else was going on, somebody does not want it any more
		a.stopFor(&verdict{class: fault.Cancelled, detail: "The job was cancelled."})
		return
	}
	a.stopFor(&verdict{
		class: fault.Killed, requeue: true,
		detail: "The job was stopped because the service is stopping; it runs again later.",
	})
}

// stopFor notes why the steps are told to end; the first reason stays.
func (a *attempt) stopFor(why *verdict) {
	if a.stopped == nil {
		a.stopped = why
	}
}

// judge says whether a step went well: nil, or why not.
func (a *attempt) judge(step Step, end sandbox.End, w *watch) *verdict {
	a.outcome.ExitCode, a.outcome.Signal = end.Code, signalName(end.Signal)
	ok := slices.Contains(step.OKExit, end.Code) || len(step.OKExit) == 0 && end.Code == 0
	if a.stopped != nil {
		// A step that was asked to stop safely may finish instead; after any other
		// reason a good exit status only means that it ended in an orderly way.
		if a.stopped.requeue && ok && w.failed == "" && w.refused == "" {
			return nil
		}
		return a.stopped
	}
	program := stepName(step, 0)
	switch {
	case end.Signal != 0:
		return a.bySignal(program, end.Signal)
	case !ok && a.diskFull():
		return a.noRoomVerdict("because the disk of the service is full")
	case !ok && a.hasLargeFile():
		return a.fileTooLarge()
	case w.refused != "", end.Code == exitDataErr && !ok:
		return &verdict{
			class: fault.BadInput, tool: true,
			detail: "The file is damaged or not of the kind it seems to be: " + program + " could not read it.",
			hint:   "Open the file in the program it comes from and save it again.",
		}
	case w.failed != "":
		return failed(program + " reported an error: " + reading.CleanTo(maxSentence, w.failed))
	case !ok:
		return failed(program + " ended with an error (" + describeEnd(end) + ").")
	}
	return a.limits.overDisk()
}

func failed(detail string) *verdict {
	return &verdict{
		class: fault.ConverterFailed, tool: true, detail: detail,
		hint: "The last lines of the log say more.",
	}
}

// bySignal judges a program that a signal ended which we did not send: the program
// crashed, or went over a limit of the kernel, or somebody killed it.
func (a *attempt) bySignal(program string, signal syscall.Signal) *verdict {
	switch signal {
	case syscall.SIGXFSZ:
		return a.fileTooLarge()
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL,
		syscall.SIGSYS, syscall.SIGTRAP, syscall.SIGPIPE, syscall.SIGXCPU:
		return failed(program + " crashed (" + signalName(signal) + ").")
	}
	return &verdict{
		class:  fault.Killed,
		detail: program + " was killed from outside (" + signalName(signal) + ").",
		hint:   "The server may have run out of memory. The administrator finds the cause in the journal.",
	}
}

func describeEnd(end sandbox.End) string {
	if end.Signal != 0 {
		return signalName(end.Signal)
	}
	return "exit status " + strconv.Itoa(end.Code)
}

// signalName returns "SIGKILL" and the like, "" for no signal.
func signalName(signal syscall.Signal) string {
	if signal == 0 {
		return ""
	}
	if name := unix.SignalName(signal); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(signal))
}
