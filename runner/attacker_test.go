package runner_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attacker is a hostile program inside a box. It says of each thing it tries "refused" or
// "BREACH", and goes on.
type attacker struct{ args []string }

// try reports what came of something that must not work.
func (a *attacker) try(what string, err error) {
	if err != nil {
		fmt.Println("refused", what+":", err)
		return
	}
	fmt.Println("BREACH", what)
}

// call tries a system call.
func (a *attacker) call(what string, number uintptr, args ...uintptr) {
	var all [6]uintptr
	copy(all[:], args)
	_, _, errno := syscall.Syscall6(number, all[0], all[1], all[2], all[3], all[4], all[5])
	if errno == 0 {
		a.try(what, nil)
		return
	}
	a.try(what, errno)
	if errno != syscall.EPERM && errno != syscall.ENOSYS && errno != syscall.EAFNOSUPPORT && errno != syscall.EPROTONOSUPPORT {
		fmt.Println("BREACH", what, "was carried out:", errno)
	}
}

func (a *attacker) read(path string) {
	_, err := os.ReadFile(path)
	a.try("read "+path, err)
}

func (a *attacker) write(path string) {
	err := os.WriteFile(path, []byte("x"), 0o600)
	a.try("write "+path, err)
}

// attacks are the rows by their names.
func attacks() map[string]func(*attacker) {
	return map[string]func(*attacker){
		"E01": readSecrets, "E02": lookAtOtherJobs, "E03": connectToServices, "E04": openSockets,
		"E05": forkBomb, "E10": daemonise, "E11": closeEverything, "E12": killEverybody, "E13": trace,
		"E14": litterOutput, "E16": leaveMess, "E17": forgeStatus, "E19": dumpCore, "E20": callKernel,
		"E21": leaveData, "E22": readEnvironment, "E23": changeLimits, "E24": useHelpers, "E25": useGroups,
		"E26": meetNeighbour, "E27": typeIntoTerminal,
		"E06": takeMemory, "E07": fillDisk, "E08": spin, "E09": runForEver, "E15": exchangeOutput, "E18": endOddly,
	}
}

// readSecrets reads what only root or the service should; its arguments are more paths.
func readSecrets(a *attacker) {
	for _, path := range append(a.args, "/etc/shadow", "/etc/gshadow", "/proc/1/environ", "/proc/1/mem",
		"/root/.ssh/id_ed25519", "/etc/convertd/convertd.toml", "/etc/machine-id", "/etc/sudoers", "/proc/kcore", "/dev/mem", "/dev/kmsg") {
		a.read(path)
	}
}

// lookAtOtherJobs looks for the folder of another job, and for processes outside.
func lookAtOtherJobs(a *attacker) {
	other := a.args[0]
	_, err := os.Stat(other)
	a.try("see "+other, err)
	a.read(filepath.Join(other, "in", "1.txt"))
	entries, _ := os.ReadDir(filepath.Dir(other))
	if len(entries) > 1 {
		fmt.Println("BREACH spool lists", entries)
	}
	pids, _ := filepath.Glob("/proc/[0-9]*")
	for _, pid := range pids {
		for _, link := range []string{"cwd", "root"} {
			to, err := os.Readlink(filepath.Join(pid, link))
			if err == nil && strings.HasPrefix(to, other) {
				fmt.Println("BREACH", pid, link, to)
			}
		}
	}
	if len(pids) > 3 {
		fmt.Println("BREACH sees processes", pids)
	}
	fmt.Println("refused to see more than", len(pids), "processes")
}

// connectToServices tries addresses given as NETWORK=ADDRESS.
func connectToServices(a *attacker) {
	for _, arg := range a.args {
		network, address, _ := strings.Cut(arg, "=")
		c, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			c.Close()
		}
		a.try("connect to "+arg, err)
	}
	for _, path := range []string{"/run/dbus/system_bus_socket", "/run/systemd/journal/socket", "/run/systemd/notify", "/run/postgresql"} {
		_, err := os.Stat(path)
		a.try("see "+path, err)
	}
}

// openSockets makes every kind of socket that leads out, and sends where one may be made.
func openSockets(a *attacker) {
	for _, s := range []struct {
		what                   string
		family, kind, protocol uintptr
	}{
		{"MPTCP", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, {"ICMP raw", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
		{"raw IPv6", unix.AF_INET6, unix.SOCK_RAW, 255}, {"packets", unix.AF_PACKET, unix.SOCK_RAW, 0},
		{"old packets", unix.AF_INET, unix.SOCK_PACKET, 0}, {"VSOCK", unix.AF_VSOCK, unix.SOCK_STREAM, 0},
		{"ALG", unix.AF_ALG, unix.SOCK_SEQPACKET, 0}, {"NETLINK", unix.AF_NETLINK, unix.SOCK_RAW, 0},
		{"KEY", unix.AF_KEY, unix.SOCK_RAW, 2}, {"BLUETOOTH", unix.AF_BLUETOOTH, unix.SOCK_RAW, 1}, {"CAN", unix.AF_CAN, unix.SOCK_RAW, 1},
	} {
		a.call("socket "+s.what, unix.SYS_SOCKET, s.family, s.kind, s.protocol)
	}
	a.call("io_uring", unix.SYS_IO_URING_SETUP, 8, uintptr(unsafe.Pointer(&[256]byte{})))
	for network, address := range map[string]string{
		"tcp4": "192.0.2.1:80", "udp4": "192.0.2.1:53", "tcp6": "[2001:db8::1]:80", "udp6": "[2001:db8::1]:53",
	} {
		c, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			_, err = c.Write([]byte("x"))
			c.Close()
		}
		a.try(network+" "+address, err)
	}
	_, err := net.LookupHost("example.com")
	a.try("DNS", err)
}

// forkBomb starts processes until it is refused, and then waits to be ended.
func forkBomb(a *attacker) {
	for i := range 2000 {
		cmd := exec.Command("/bin/sleep", "100")
		if err := cmd.Start(); err != nil {
			a.try(fmt.Sprint("process ", i), err)
			return
		}
	}
	a.try("2000 processes", nil)
}

func daemonise(a *attacker) {
	for _, script := range []string{"sleep 300 &", "setsid sleep 300 &", "(setsid sh -c 'exec <&- >&- 2>&-; sleep 300' &) &"} {
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		_ = cmd.Run()
	}
	fmt.Println("refused nothing yet")
}

func closeEverything(a *attacker) {
	for fd := 4; fd < 1024; fd++ {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT != 0 {
			if target, _ := os.Readlink(fmt.Sprint("/proc/self/fd/", fd)); !strings.HasPrefix(target, "anon_inode:") && !strings.HasPrefix(target, "/sys/fs/cgroup") {
				fmt.Println("BREACH inherited descriptor", fd, target)
			}
		}
		_, err := syscall.Write(fd, []byte("x"))
		if err == nil {
			fmt.Println("BREACH wrote to", fd)
		}
	}
	fmt.Println("refused every descriptor")
	_ = unix.CloseRange(0, 1023, 0)
}

// killEverybody kills all it may, and processes outside whose numbers it is given.
func killEverybody(a *attacker) {
	for _, pid := range a.args {
		var n int
		_, _ = fmt.Sscan(pid, &n)
		a.try("kill "+pid, syscall.Kill(n, syscall.SIGKILL))
	}
	_ = syscall.Kill(1, syscall.SIGSTOP)
	_ = syscall.Kill(1, syscall.SIGKILL)
	_ = syscall.Kill(-1, syscall.SIGKILL)
	_ = syscall.Kill(0, syscall.SIGTERM)
	waitToBeEnded() // it may come a moment later
}

func trace(a *attacker) {
	a.call("ptrace", unix.SYS_PTRACE, unix.PTRACE_SEIZE, 1)
	a.call("process_vm_readv", unix.SYS_PROCESS_VM_READV, 1)
	a.call("process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, 1)
	a.call("pidfd_getfd", unix.SYS_PIDFD_GETFD, 1, 1)
	a.call("kcmp", unix.SYS_KCMP, 1, 1)
	a.read("/proc/1/mem")
	a.read("/proc/1/environ")
	_, err := os.ReadDir("/proc/1/fd")
	a.try("list /proc/1/fd", err)
}

// litterOutput leaves everything in the output folder that must not be collected.
func litterOutput(a *attacker) {
	out := os.Getenv("CONVERTD_OUTPUT")
	_ = os.WriteFile(filepath.Join(out, "good.txt"), []byte("good"), 0o600)
	_ = os.Symlink("/etc/shadow", filepath.Join(out, "shadow.txt"))
	_ = os.Symlink(a.args[0], filepath.Join(out, "other.txt"))
	a.try("link to another file", os.Link("/etc/ld.so.cache", filepath.Join(out, "hard.txt")))
	_ = syscall.Mkfifo(filepath.Join(out, "pipe.txt"), 0o666)
	a.try("make a device", syscall.Mknod(filepath.Join(out, "device.txt"), syscall.S_IFBLK|0o666, 0x801))
	_ = os.WriteFile(filepath.Join(out, "new\nline.txt"), []byte("x"), 0o600)
	_ = os.Symlink(".", filepath.Join(out, "loop"))
}

// leaveMess leaves what is hard to remove.
func leaveMess(a *attacker) {
	dir := "."
	for range 200 {
		dir = filepath.Join(dir, strings.Repeat("d", 100))
	}
	_ = exec.Command("/bin/sh", "-c", `i=0; while [ $i -lt 60 ]; do mkdir `+strings.Repeat("d", 100)+` && cd d*; i=$((i+1)); done; touch end`).Run()
	_ = os.WriteFile("suid", []byte("x"), 0o755)
	_ = os.Chmod("suid", 0o6755)
	_ = os.Mkdir("closed", 0o700)
	_ = os.WriteFile("closed/file", []byte("x"), 0)
	_ = os.Chmod("closed", 0)
	a.try("make a file unchangeable", exec.Command("chattr", "+i", "suid").Run())
}

// forgeStatus says nonsense about its progress, and writes the files of the runner.
func forgeStatus(a *attacker) {
	job := filepath.Dir(filepath.Dir(os.Getenv("CONVERTD_OUTPUT")))
	for _, name := range []string{"outcome.1.json", "log.1", "progress.1", "lock.1", "out.1"} {
		// Where the spool lies below /tmp the box has a folder of that name in its own /tmp.
		_ = os.WriteFile(filepath.Join(job, name), []byte("forged"), 0o600)
	}
	fmt.Println("refused: see what is outside")
	progress := os.NewFile(3, "progress")
	for _, line := range []string{"100", "-5", "1e308", "NaN", "50 <script>", "60 " + strings.Repeat("x", 10<<20)} {
		_, _ = progress.WriteString(line + "\n")
	}
}

func dumpCore(*attacker) {
	fmt.Println("refused a core")
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1 << 30, Max: 1 << 30})
	_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
	select {}
}

// callKernel makes the calls no converter needs.
func callKernel(a *attacker) {
	empty := uintptr(unsafe.Pointer(&[256]byte{}))
	for _, c := range []struct {
		what   string
		number uintptr
		args   []uintptr
	}{
		{"mount", unix.SYS_MOUNT, []uintptr{empty, empty, empty, unix.MS_BIND}}, {"umount", unix.SYS_UMOUNT2, []uintptr{empty}},
		{"pivot_root", unix.SYS_PIVOT_ROOT, []uintptr{empty, empty}}, {"chroot", unix.SYS_CHROOT, []uintptr{empty}},
		{"unshare user", unix.SYS_UNSHARE, []uintptr{unix.CLONE_NEWUSER}}, {"unshare net", unix.SYS_UNSHARE, []uintptr{unix.CLONE_NEWNET}},
		{"unshare time", unix.SYS_UNSHARE, []uintptr{unix.CLONE_NEWTIME}}, {"setns", unix.SYS_SETNS, []uintptr{0, 0}},
		{"clone user", unix.SYS_CLONE, []uintptr{unix.CLONE_NEWUSER | uintptr(unix.SIGCHLD)}}, {"clone3", unix.SYS_CLONE3, []uintptr{empty, 88}},
		{"open_tree", unix.SYS_OPEN_TREE, nil}, {"fsopen", unix.SYS_FSOPEN, []uintptr{empty}}, {"mount_setattr", unix.SYS_MOUNT_SETATTR, nil},
		{"keyctl", unix.SYS_KEYCTL, nil}, {"add_key", unix.SYS_ADD_KEY, []uintptr{empty, empty}}, {"request_key", unix.SYS_REQUEST_KEY, []uintptr{empty, empty}},
		{"bpf", unix.SYS_BPF, []uintptr{0, empty, 128}}, {"perf", unix.SYS_PERF_EVENT_OPEN, []uintptr{empty}}, {"userfaultfd", unix.SYS_USERFAULTFD, []uintptr{1}},
		{"kexec", unix.SYS_KEXEC_LOAD, nil}, {"init_module", unix.SYS_INIT_MODULE, []uintptr{empty, 0, empty}}, {"reboot", unix.SYS_REBOOT, nil},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, []uintptr{8, empty}}, {"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, nil},
		{"sethostname", unix.SYS_SETHOSTNAME, []uintptr{empty, 1}}, {"syslog", unix.SYS_SYSLOG, []uintptr{10}},
		{"a call of the x32 kind", 0x40000000 + 39, nil},
	} {
		a.call(c.what, c.number, c.args...)
	}
}

// leaveData leaves something behind for the next job, or looks for it.
func leaveData(a *attacker) {
	for _, dir := range []string{"/dev/shm", "/tmp"} {
		mark := filepath.Join(dir, "mark")
		if _, err := os.Stat(mark); err == nil {
			fmt.Println("BREACH", mark, "is of another box")
		}
		if err := os.WriteFile(mark, []byte("x"), 0o666); err != nil {
			fmt.Println("BREACH of the contract:", err)
		}
	}
	const key = 0x636f6e76
	if _, err := unix.SysvShmGet(key, 4096, 0o666); err == nil {
		fmt.Println("BREACH shared memory of another box")
	}
	if _, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|0o666); err != nil {
		fmt.Println("BREACH of the contract:", err)
	}
	fmt.Println("refused data of others")
}

func readEnvironment(*attacker) {
	for _, entry := range os.Environ() {
		fmt.Println("env", entry)
	}
}

func changeLimits(a *attacker) {
	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/kernel"} {
		_, err := os.Stat(pattern)
		a.try("see "+pattern, err)
	}
	for _, path := range []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches"} {
		a.write(path)
	}
	a.try("raise its processes", syscall.Setrlimit(6, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}))
	a.try("real time", unix.SchedSetAttr(0, &unix.SchedAttr{Size: 48, Policy: unix.SCHED_FIFO, Priority: 50}, 0))
	a.try("nice -20", syscall.Setpriority(syscall.PRIO_PROCESS, 0, -20))
}

func useHelpers(a *attacker) {
	for _, argv := range [][]string{{"su", "-c", "id", "root"}, {"mount", "-t", "tmpfs", "none", "/tmp"}, {"sudo", "-n", "id"}, {"unshare", "-r", "id"}} {
		a.try(argv[0], exec.Command(argv[0], argv[1:]...).Run())
	}
	a.try("become root", syscall.Setuid(0))
}

func useGroups(a *attacker) {
	groups, err := os.Getgroups()
	for _, group := range groups {
		if group != os.Getgid() && group != 65534 {
			fmt.Println("BREACH group", group, err)
		}
	}
	for _, path := range a.args {
		a.write(path)
		a.read(path)
	}
	a.try("take groups", syscall.Setgroups([]int{0}))
	a.try("become group root", syscall.Setgid(0))
}

// meetNeighbour leaves its mark and looks for a neighbour until it is told to end.
func meetNeighbour(a *attacker) {
	pids, _ := filepath.Glob("/proc/[0-9]*")
	if len(pids) > 3 {
		fmt.Println("BREACH sees", pids)
	}
	a.read(filepath.Join(a.args[0], "in", "1.txt"))
	var n int
	_, _ = fmt.Sscan(a.args[1], &n)
	a.try("signal the neighbour", syscall.Kill(n, 0))
}

func typeIntoTerminal(a *attacker) {
	text := byte('x')
	a.call("TIOCSTI", unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&text)))
	_, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	a.try("open the terminal", err)
	fmt.Println("\x1b]0;owned\x07\x1b[31mred\x1b[0m")
	if session, err := unix.Getsid(0); err != nil && !errors.Is(err, unix.EPERM) {
		fmt.Println("BREACH session", session, err)
	}
}
