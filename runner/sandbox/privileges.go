package sandbox

import (
	"fmt"
	"syscall"
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

// initCapabilities are what the init of a box needs in a user namespace to set it up.
func initCapabilities() []uintptr {
	return []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP}
}

// dropCapabilities empties every set of the calling thread, the bounding set as well.
// Becoming the user of the box comes in between, because that needs some of them.
func (p *plan) dropCapabilities() error {
	for capability := range uintptr(unix.CAP_LAST_CAP + 1) {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil && err != unix.EINVAL {
			return fmt.Errorf("drop capability %d: %w", capability, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, secureAll, 0, 0, 0); err != nil {
		return fmt.Errorf("lock capabilities: %w", err)
	}
	return nil
}

// clearCapabilities empties the sets in force; what is inheritable goes as well.
func clearCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("clear capabilities: %w", err)
	}
	return nil
}

// becomeUser makes the calling thread, and what it starts, the user of the box. The raw
// calls change one thread; those of package syscall would change all.
func (p *plan) becomeUser() error {
	if p.UID == 0 {
		return nil
	}
	if err := p.becomeGroups(); err != nil {
		return err
	}
	for _, call := range []struct {
		name          string
		number        uintptr
		first, second uintptr
	}{
		{"become the group of the box", unix.SYS_SETRESGID, uintptr(p.GID), uintptr(p.GID)},
		{"become the user of the box", unix.SYS_SETRESUID, uintptr(p.UID), uintptr(p.UID)},
	} {
		if _, _, errno := syscall.RawSyscall(call.number, call.first, call.second, call.second); errno != 0 {
			return fmt.Errorf("%s: %w", call.name, errno)
		}
	}
	return nil
}

// becomeGroups gives up every group but those that go with granted devices.
func (p *plan) becomeGroups() error {
	groups := make([]uint32, len(p.Groups)+1) // one more, so that there is a place to point at
	for i, group := range p.Groups {
		groups[i] = uint32(group)
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(p.Groups)), uintptr(unsafe.Pointer(&groups[0])), 0)
	if errno != 0 {
		return fmt.Errorf("give up groups: %w", errno)
	}
	return nil
}

// loopbackUp switches the loopback of the box's own network on (netdevice(7)).
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switch loopback on: %w", err)
	}
	defer unix.Close(fd)
	request := struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: unix.IFF_UP | unix.IFF_RUNNING}
	copy(request.name[:], "lo")
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("switch loopback on: %w", errno)
	}
	return nil
}
