package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights of Landlock (landlock(7)). A file takes only those of files.
const (
	landlockRead  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockWrite = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	landlockNever  = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	landlockDevice = unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	landlockFile   = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// landlockScopes is the version of Landlock that keeps processes and sockets apart.
const landlockScopes = 6

// landlockRights is what a kernel with this version of Landlock can hold back.
func landlockRights(abi uintptr) uint64 {
	rights := uint64(landlockRead | landlockWrite | landlockNever | landlockDevice)
	if abi < 5 {
		rights &^= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi < 3 {
		rights &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi < 2 {
		rights &^= unix.LANDLOCK_ACCESS_FS_REFER
	}
	return rights
}

// restrictFiles lets the calling thread and what it starts reach only what the box holds.
// In a root of its own that is a second belt; without one it is the only one. The calls
// are made directly because a library does them for all threads, and to stop those costs
// more than the rest of the box.
func (p *plan) restrictFiles() error {
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return fmt.Errorf("this kernel has it not, or not switched on: %w", errno)
	}
	rights := landlockRights(abi)
	attr := unix.LandlockRulesetAttr{Handled_access_fs: rights}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if p.Network == Shared && abi >= landlockScopes {
		// Sockets without a name in the file system belong to a network, here the machine's.
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		size = unsafe.Offsetof(attr.Scoped) + unsafe.Sizeof(attr.Scoped)
	}
	fd, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("make rules: %w", errno)
	}
	defer unix.Close(int(fd))
	for _, rule := range p.fileRules() {
		if err := rule.add(int(fd), rights); err != nil {
			return err
		}
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("put rules in force: %w", errno)
	}
	return nil
}

// fileRule grants rights at and beneath a path.
type fileRule struct {
	path   string
	rights uint64
}

func (p *plan) fileRules() []fileRule {
	const write = landlockRead | landlockWrite
	rules := []fileRule{{"/dev", write | landlockDevice}}
	if p.Path == selfExe {
		rules = append(rules, fileRule{selfExe, landlockRead})
	}
	if p.has(Files) {
		rules = append(rules, fileRule{"/", landlockRead}, fileRule{"/tmp", write}, fileRule{"/var/tmp", write})
	} else {
		rules = append(rules, fileRule{"/proc", landlockRead}, fileRule{p.Tmp, write})
		for _, path := range append(systemFolders(), systemData()...) {
			rules = append(rules, fileRule{path, landlockRead})
		}
		for _, b := range p.Read {
			rules = append(rules, fileRule{b.Source, landlockRead})
		}
	}
	for _, b := range p.Write {
		rules = append(rules, fileRule{p.seen(b), write})
	}
	return rules
}

// seen is where the box sees what is granted.
func (p *plan) seen(b bind) string {
	if p.has(Files) {
		return b.Target
	}
	return b.Source
}

// add adds the rule; what is not there needs none.
func (r fileRule) add(rules int, handled uint64) error {
	fd, err := unix.Open(r.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("look at %s: %w", r.path, err)
	}
	allowed := r.rights & handled
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		allowed &= landlockFile
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: allowed, Parent_fd: int32(fd)}
	_, _, errno := unix.RawSyscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("grant %s: %w", r.path, errno)
	}
	return nil
}
