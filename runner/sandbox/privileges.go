package sandbox

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Securebits (capabilities(7)): being root gives no capability, and this stays so.
const (
	secureNoRoot          = 1 << 0
	secureNoRootLocked    = 1 << 1
	secureNoFixup         = 1 << 2
	secureNoFixupLocked   = 1 << 3
	secureKeepCapsLocked  = 1 << 5
	secureNoAmbient       = 1 << 6
	secureNoAmbientLocked = 1 << 7
	secureAll             = secureNoRoot | secureNoRootLocked | secureNoFixup | secureNoFixupLocked |
		secureKeepCapsLocked | secureNoAmbient | secureNoAmbientLocked
)

// dropCapabilities empties every set of the init, the bounding set as well. Becoming the
// user of the box comes in between, because that needs some of them.
func (p *plan) dropCapabilities(s *script) error {
	for capability := range uintptr(unix.CAP_LAST_CAP + 1) {
		drop := s.add("drop capability", strconv.Itoa(int(capability)), unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability)
		drop.pass = uintptr(unix.EINVAL) // this kernel does not know it
	}
	s.add("lock capabilities", "", unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, secureAll)
	return nil
}

// clearCapabilities empties the sets in force; what is inheritable goes as well.
func clearCapabilities(s *script) error {
	header := keep(s, unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3})
	s.add("clear capabilities", "", unix.SYS_CAPSET, header, keep(s, [2]unix.CapUserData{}))
	return nil
}

// becomeUser makes the init, and what it starts, the user of the box.
func (p *plan) becomeUser(s *script) error {
	if p.UID == 0 {
		return nil
	}
	uid, gid := uintptr(p.UID), uintptr(p.GID)
	// Of groups only those stay that go with granted devices.
	groups := make([]uint32, len(p.Groups)+1) // one more, so that there is a place to point at
	for i, group := range p.Groups {
		groups[i] = uint32(group)
	}
	s.kept = append(s.kept, groups)
	s.add("give up groups", "", unix.SYS_SETGROUPS, uintptr(len(p.Groups)), uintptr(unsafe.Pointer(&groups[0])))
	s.add("become the group of the box", "", unix.SYS_SETRESGID, gid, gid, gid)
	s.add("become the user of the box", "", unix.SYS_SETRESUID, uid, uid, uid)
	return nil
}
