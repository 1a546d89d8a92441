package sandbox

import "golang.org/x/sys/unix"

// Offsets of struct seccomp_data (seccomp(2)) on little-endian machines: the number of
// the call, the architecture, and the lower halves of its arguments.
const (
	dataNumber = 0
	dataArch   = 4
	dataArgs   = 16
)

// newNamespaces are the flags of clone, unshare that make namespaces.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// refuse returns the answer of a filter that fails a call with this error.
func refuse(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

// filter is a program for the kernel's classic BPF machine (bpf(4) of the BSDs), which
// answers for each system call whether it is carried out.
type filter []unix.SockFilter

func (f *filter) add(code uint16, k uint32, yes, no uint8) {
	*f = append(*f, unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no})
}

func (f *filter) load(offset uint32) { f.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }
func (f *filter) answer(with uint32) { f.add(unix.BPF_RET|unix.BPF_K, with, 0, 0) }

// loadArg loads the lower half of an argument, counted from 0.
func (f *filter) loadArg(n uint32) { f.load(dataArgs + 8*n) }

// ifEqual and ifAny answer if the loaded word is equal to k, or has any of its bits.
func (f *filter) ifEqual(k, with uint32) {
	f.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, 0, 1)
	f.answer(with)
}

func (f *filter) ifAny(k, with uint32) {
	f.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, k, 0, 1)
	f.answer(with)
}

// call runs the rules if the call has this number, and carries it out if none answers.
func (f *filter) call(number uint32, rules func(*filter)) {
	var inner filter
	rules(&inner)
	inner.answer(unix.SECCOMP_RET_ALLOW)
	f.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, number, 0, uint8(len(inner)))
	*f = append(*f, inner...)
}

// callFilter is the filter of a box, which may make sockets of these families.
func callFilter(families []uint32) filter {
	var f filter
	f.load(dataArch)
	f.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, nativeArch, 1, 0)
	f.answer(refuse(unix.ENOSYS))
	f.load(dataNumber)
	if foreignCalls != 0 {
		f.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, foreignCalls, 0, 1)
		f.answer(refuse(unix.ENOSYS))
	}
	for _, number := range missingCalls() {
		f.ifEqual(number, refuse(unix.ENOSYS))
	}
	for _, number := range forbiddenCalls() {
		f.ifEqual(number, refuse(unix.EPERM))
	}
	f.call(unix.SYS_CLONE, func(f *filter) { f.loadArg(0); f.ifAny(newNamespaces, refuse(unix.EPERM)) })
	f.call(unix.SYS_UNSHARE, func(f *filter) {
		f.loadArg(0)
		f.ifAny(newNamespaces|unix.CLONE_NEWTIME, refuse(unix.EPERM))
	})
	f.call(unix.SYS_IOCTL, func(f *filter) {
		f.loadArg(1)
		f.ifEqual(unix.TIOCSTI, refuse(unix.EPERM))
		f.ifEqual(tiocLinux, refuse(unix.EPERM))
	})
	f.call(unix.SYS_SOCKET, func(f *filter) { socketRules(f, families) })
	f.answer(unix.SECCOMP_RET_ALLOW)
	return f
}

// tiocLinux (TIOCLINUX, ioctl_console(2)) pastes into a console.
const tiocLinux = 0x541c

// sockets are the families of sockets that a box may make: unix sockets and, in a
// network of its own or in that of the machine, those of the internet; there it may ask
// the kernel about the network (rtnetlink(7)) as well.
func (p *plan) sockets() []uint32 {
	switch {
	case p.Network == Shared:
		return []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
	case p.has(Network):
		return []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6}
	}
	return []uint32{unix.AF_UNIX}
}

// socketRules let sockets of these families be made, but no raw ones of the internet, and
// of netlink only those that tell about the network.
func socketRules(f *filter, families []uint32) {
	f.loadArg(0)
	for i, family := range families {
		f.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, family, uint8(len(families)-i), 0)
	}
	f.answer(refuse(unix.EAFNOSUPPORT))
	f.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.AF_NETLINK, 0, 4)
	f.loadArg(2)
	f.ifEqual(unix.NETLINK_ROUTE, unix.SECCOMP_RET_ALLOW)
	f.answer(refuse(unix.EAFNOSUPPORT))
	f.loadArg(1)
	f.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 0xf, 0, 0)
	f.ifEqual(unix.SOCK_RAW, refuse(unix.EPERM))
	f.ifEqual(unix.SOCK_PACKET, refuse(unix.EPERM))
	f.loadArg(2)
	f.ifEqual(unix.IPPROTO_MPTCP, refuse(unix.EPROTONOSUPPORT))
}

// missingCalls answer as if the kernel had none of them, so that programs do it another
// way. The flags of clone3 lie in memory, where a filter cannot look.
func missingCalls() []uint32 {
	return []uint32{
		unix.SYS_CLONE3, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_USERFAULTFD,
	}
}

// forbiddenCalls reach for other processes, for the machine or for parts of the kernel
// that no converter needs.
func forbiddenCalls() []uint32 {
	return append([]uint32{
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE,
		unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_SETNS,
		unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT,
		unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
		unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
		unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD,
		unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
		unix.SYS_SYSLOG, unix.SYS_VHANGUP, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_NFSSERVCTL,
	}, nativeForbidden()...)
}
