package sandbox

import "golang.org/x/sys/unix"

// nativeArch is what the kernel calls this machine; calls of any other are refused, among
// them the 32-bit ones. foreignCalls is the first number of the x32 calls.
const (
	nativeArch   = unix.AUDIT_ARCH_X86_64
	foreignCalls = 0x40000000
)

// nativeForbidden are forbidden calls that only this kind of machine has.
func nativeForbidden() []uint32 {
	return []uint32{unix.SYS_KEXEC_FILE_LOAD, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_CREATE_MODULE, unix.SYS_USELIB}
}
