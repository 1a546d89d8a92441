// Package sandbox owns the box of one attempt: starting a program confined, finding every
// process that came of it, measuring them and ending them all.
//
// A box is made anew for every program by its init, process 1 of the box, which is a fork
// of convertd-runner: namespaces of its own (mount, pid, ipc, uts, net, cgroup, and user
// unless the daemon is root), a read-only root that holds the system's programs and what is
// granted, a user of its own without groups, no capabilities, no new privileges, Landlock
// and a filter of system calls. What a machine does not give is left out and
// named (Lacks).
//
// It does not own what is run, for how long, or what its output means (runner).
// It may import the standard library and golang.org/x/sys/unix.
package sandbox

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// ProgressFD is the descriptor of a program for progress lines.
const ProgressFD = 3

// ErrNotInstalled means that no executable file of that name was found.
var ErrNotInstalled = errors.New("program is not installed")

// Confinement is what holds for every program of an attempt.
type Confinement struct {
	// UID and GID are the user of the box; 0 means stay who we are.
	UID, GID int
	// FileSize bounds each file a program writes, in bytes; 0 means no bound.
	FileSize int64
	// Processes bounds processes and threads of the box's user; it is set only when
	// the box has a user of its own, because the kernel counts by user.
	Processes int
	// Memory bounds what may lie in /dev/shm, in bytes; 0 means half of the machine's.
	Memory int64

	// Base is the work folder, for the box to write; HOME in it is Home.
	Base, Home string
	// Tmp is an empty folder in Base, the box's own, to be /tmp of the first program; "" for
	// none.
	Tmp string
	// Read and Write are further files and folders that the box holds, at their own paths;
	// Extra are such to be read at others.
	Read, Write []string
	Extra       []bind
	// Granted is what the box holds besides files.
	Granted Granted
	// Lacks are the parts that the machine does not give. Start adds to them what it finds.
	Lacks Lacks
	// Require refuses to start anything in a box that is not whole.
	Require bool
}

// Enter prepares this process to be the only parent of the attempt: orphans of the box
// come to it (PR_SET_CHILD_SUBREAPER), every descriptor above 2 is closed on exec, and
// the resource limits that programs inherit are set. They bind this process as well,
// which writes far less than it lets others write.
func (c Confinement) Enter() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	if err := CloseOnExec(); err != nil {
		return err
	}
	unix.Umask(0o077)
	preferForOOM()
	if err := setLimit(unix.RLIMIT_CORE, 0); err != nil {
		return fmt.Errorf("forbid core dumps: %w", err)
	}
	if c.FileSize > 0 {
		if err := setLimit(unix.RLIMIT_FSIZE, uint64(c.FileSize)); err != nil {
			return fmt.Errorf("limit file size: %w", err)
		}
	}
	if c.UID != 0 && c.Processes > 0 {
		if err := setLimit(unix.RLIMIT_NPROC, uint64(c.Processes)); err != nil {
			return fmt.Errorf("limit processes: %w", err)
		}
	}
	return nil
}

// preferForOOM lets the kernel rather kill this attempt than the service, whose own
// preference it inherited. Where that is refused the kernel decides by size alone.
func preferForOOM() {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
}

// CloseOnExec marks every descriptor above 2.
func CloseOnExec() error {
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("mark descriptors close-on-exec: %w", err)
	}
	return nil
}

// setLimit lowers a limit; one that is already lower stays.
func setLimit(what int, value uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(what, &now); err != nil {
		return err
	}
	value = min(value, now.Max)
	return unix.Setrlimit(what, &unix.Rlimit{Cur: value, Max: value})
}

// Command is one program to run.
type Command struct {
	Argv []string
	Dir  string
	// Env is the whole environment; its PATH is where Argv[0] is looked for.
	Env []string
	// PTY puts standard output and error on one pseudo-terminal.
	PTY bool
	// Input is standard input; nil is an empty one.
	Input *os.File
	// Progress opens descriptor ProgressFD of the program for progress lines.
	Progress bool
	// Files become descriptors of the program after that one.
	Files []*os.File
}

// lookPath finds the program in the PATH that the program itself will see.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if name == selfExe || executable(name) {
			return name, nil
		}
		return "", fmt.Errorf("%s: %w", name, ErrNotInstalled)
	}
	for _, entry := range env {
		dirs, ok := strings.CutPrefix(entry, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(dirs, ":") {
			if path := dir + "/" + name; dir != "" && executable(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w", name, ErrNotInstalled)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
