package box

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"convertd/runner/fault"
)

// CanHold refuses a folder as the place of a spool that steps could not see: the box
// mounts its own /dev, /proc and /sys over the machine's, and a private /tmp is gone with
// the service and is not the one that other processes see.
func CanHold(spool string) error { return canHold(spool, hasPrivateTmp()) }

func canHold(spool string, privateTmp bool) error {
	dir, err := filepath.Abs(spool)
	if err != nil {
		return fmt.Errorf("path of the spool: %w", err)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for _, taken := range []string{"/dev", "/proc", "/sys"} {
		if within(dir, taken) {
			return fault.New(fault.Invalid, fmt.Sprintf("The spool %s lies in %s, and the box of steps has a %s of its own, without these files.", dir, taken, taken),
				"Set [spool] dir to a folder on a disk, such as /var/lib/convertd/spool.")
		}
	}
	if privateTmp && (within(dir, "/tmp") || within(dir, "/var/tmp")) {
		return fault.New(fault.Invalid, fmt.Sprintf("The spool %s lies in a private /tmp, which goes with this service and which the web process does not see.", dir),
			"Set [spool] dir to a folder on a disk, such as /var/lib/convertd/spool, or take PrivateTmp= out of the unit.")
	}
	return nil
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

// hasPrivateTmp reports whether /tmp is one that systemd made for this service alone
// (PrivateTmp= in systemd.exec(5)).
func hasPrivateTmp() bool {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return false
	}
	defer f.Close()
	return privateTmpIn(bufio.NewScanner(f))
}

// privateTmpIn looks for a mount on /tmp whose root is a folder named as systemd names
// them. A line is: id, parent, device, root, mount point … (proc(5)).
func privateTmpIn(lines *bufio.Scanner) bool {
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 4 && fields[4] == "/tmp" && strings.Contains(fields[3], "systemd-private-") {
			return true
		}
	}
	return false
}
