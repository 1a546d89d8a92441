package sandbox

import "golang.org/x/sys/unix"

// nativeArch is what the kernel calls this machine; calls of any other are refused, among
// them the 32-bit ones. There are no further calls under the same name here.
const (
	nativeArch   = unix.AUDIT_ARCH_AARCH64
	foreignCalls = 0
)

// nativeForbidden are forbidden calls that only this kind of machine has.
func nativeForbidden() []uint32 { return []uint32{unix.SYS_KEXEC_FILE_LOAD} }
