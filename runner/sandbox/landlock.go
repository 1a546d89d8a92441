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

// restrictFiles lets the init and what it starts reach only what the box holds. In a root of
// its own that is a second belt; without one it is the only one.
func (p *plan) restrictFiles(s *script) error {
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
	rules := s.opens(s.add("make rules for files", "", unix.SYS_LANDLOCK_CREATE_RULESET, keep(s, attr), size, 0))
	for _, rule := range p.fileRules() {
		rule.add(s, rules, rights)
	}
	s.add("put rules for files in force", "", unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0)
	s.close(rules)
	return nil
}

// fileRule grants rights at and beneath a path, as the box sees it.
type fileRule struct {
	path   string
	rights uint64
	// outside is the path of the same here, where it can be looked at.
	outside string
}

func sameRule(path string, rights uint64) fileRule { return fileRule{path, rights, path} }

func (p *plan) fileRules() []fileRule {
	const write = landlockRead | landlockWrite
	rules := []fileRule{sameRule("/dev", write|landlockDevice)}
	if p.Path == selfExe {
		rules = append(rules, sameRule(selfExe, landlockRead))
	}
	if p.has(Files) {
		rules = append(rules, sameRule("/", landlockRead), sameRule("/tmp", write), sameRule("/var/tmp", write))
	} else {
		rules = append(rules, sameRule("/proc", landlockRead), sameRule(p.Tmp, write))
		for _, path := range append(systemFolders(), systemData()...) {
			rules = append(rules, sameRule(path, landlockRead))
		}
		for _, b := range p.Read {
			rules = append(rules, sameRule(b.Source, landlockRead))
		}
	}
	for _, b := range p.Write {
		rules = append(rules, fileRule{p.seen(b), write, b.Source})
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
func (r fileRule) add(s *script, rules uintptr, handled uint64) {
	isDir, err := isFolder(r.outside)
	if err != nil {
		return
	}
	allowed := r.rights & handled
	if !isDir {
		allowed &= landlockFile
	}
	open := s.add("look at", r.path, unix.SYS_OPENAT, here, s.text(r.path), unix.O_PATH|unix.O_CLOEXEC, 0)
	open.pass, open.failed = anything, 2
	fd := s.opens(open)
	attr := unix.LandlockPathBeneathAttr{Allowed_access: allowed, Parent_fd: int32(fd)}
	s.add("grant", r.path, unix.SYS_LANDLOCK_ADD_RULE, rules, unix.LANDLOCK_RULE_PATH_BENEATH, keep(s, attr), 0)
	s.close(fd)
}
