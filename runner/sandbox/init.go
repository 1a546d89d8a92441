package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// InitWord is the argument with which convertd-runner is the init of a box.
const InitWord = "box"

// Descriptors of the init beyond the standard ones, which are the program's.
const (
	controlAt = 3
	givenAt   = 4
)

const (
	selfExe  = "/proc/self/exe"
	hostName = "convertd"
)

// lackError says that a part of the box could not be set up.
type lackError struct {
	part Part
	err  error
}

func (e *lackError) Error() string { return string(e.part) + ": " + e.err.Error() }

// report is what the init tells: first how the start went, then the end of the program.
type report struct {
	// Lack is the part that could not be set up; Why the reason.
	Lack Part   `json:"lack,omitempty"`
	Why  string `json:"why,omitempty"`
	// Errno is why the program could not be executed.
	Errno int `json:"errno,omitempty"`
	// Ended is set once the program has; Status is as wait(2) gives it, MaxRSS in bytes.
	Ended  bool   `json:"ended,omitempty"`
	Status uint32 `json:"status,omitempty"`
	MaxRSS int64  `json:"max_rss,omitempty"`
}

// Init is process 1 of a box: it sets the box up, starts the program in it, reaps what
// becomes an orphan, and ends with the program; the kernel then kills what is left. It
// returns its exit status.
func Init() int {
	runtime.LockOSThread() // what is given up below is given up by a thread
	control := os.NewFile(controlAt, "control")
	var p plan
	if err := json.NewDecoder(control).Decode(&p); err != nil {
		return 1 // whoever started us is gone
	}
	if err := CloseOnExec(); err != nil {
		return tell(control, report{Why: err.Error()})
	}
	if err := p.setUp(); err != nil {
		return tell(control, refused(err))
	}
	pid, err := p.start()
	if err != nil {
		return tell(control, refused(err))
	}
	tell(control, report{})
	tell(control, await(pid))
	return 0
}

// tell sends a report and returns the status of an init that could do no more.
func tell(control *os.File, r report) int {
	_ = json.NewEncoder(control).Encode(r) // nobody reading means nobody waits for it
	return 1
}

func refused(err error) report {
	var lack *lackError
	var errno syscall.Errno
	switch {
	case errors.As(err, &lack):
		return report{Lack: lack.part, Why: lack.err.Error()}
	case errors.As(err, &errno):
		return report{Why: err.Error(), Errno: int(errno)}
	}
	return report{Why: err.Error()}
}

// setUp gives up everything but what the program is to have, outside first.
func (p *plan) setUp() error {
	for _, step := range []struct {
		part Part
		do   func() error
	}{
		{"", hide}, {Host, setHost}, {Network, p.openNetwork}, {Files, p.buildRoot}, {Landlock, p.restrictFiles},
		{Capabilities, p.dropCapabilities}, {"", p.becomeUser}, {"", clearCapabilities},
		{"", p.limitProcesses}, {Calls, p.filterCalls},
	} {
		if step.part != "" && !p.has(step.part) {
			continue
		}
		if err := step.do(); err != nil {
			return because(step.part, err)
		}
	}
	return nil
}

// because names the part unless the error does already.
func because(part Part, err error) error {
	var lack *lackError
	if part == "" || errors.As(err, &lack) {
		return err
	}
	return &lackError{part, err}
}

// hide keeps the memory of the init from the programs, and rights from being gained.
func hide() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide the init: %w", err)
	}
	return nil
}

func setHost() error {
	if err := unix.Sethostname([]byte(hostName)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	return nil
}

// buildRoot makes folders that everybody in the box may enter.
func (p *plan) buildRoot() error {
	mask := unix.Umask(0)
	defer unix.Umask(mask)
	return p.enterRoot()
}

func (p *plan) limitProcesses() error {
	if p.Processes == 0 || !p.has(Namespaces) {
		return nil
	}
	return setLimit(unix.RLIMIT_NPROC, uint64(p.Processes))
}

func (p *plan) filterCalls() error { return callFilter(p.sockets()).install() }

// start executes the program in a process group of its own.
func (p *plan) start() (int, error) {
	attr := &syscall.ProcAttr{
		Dir: p.Dir, Env: p.Env, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setpgid: true},
	}
	for i := range p.Given {
		attr.Files = append(attr.Files, uintptr(givenAt+i))
	}
	pid, err := syscall.ForkExec(p.Path, p.Argv, attr)
	if err != nil {
		return 0, fmt.Errorf("execute %s: %w", p.Path, err)
	}
	return pid, nil
}

// await reaps every child until the program has ended.
func await(program int) report {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, 0, &usage)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return report{Why: "wait for process " + strconv.Itoa(program) + ": " + err.Error()}
		}
		if pid == program {
			return report{Ended: true, Status: uint32(status), MaxRSS: usage.Maxrss << 10}
		}
	}
}
