package runner_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// actAsTool is the program that steps of tests run when a shell cannot do it.
func actAsTool(what string, args []string) int {
	acts := map[string]func([]string) error{
		"daemon": startDaemon, "survive": survive, "memory": fillMemory, "files": makeFiles,
		"noise": makeNoise, "type": typeSlowly, "notify": notify, "traps": layTraps,
		"descriptors": listDescriptors, "grow": growFile,
	}
	if attack, ok := attacks()[what]; ok {
		attack(&attacker{args: args})
		return 0
	}
	if err := acts[what](args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startDaemon leaves a grandchild behind that has a session of its own and ignores
// SIGTERM, and ends, or waits when told to.
func startDaemon(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "tool", "survive")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	// It keeps standard output open: nobody may wait for that to be closed.
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	for {
		if text, err := os.ReadFile("survivor"); err == nil && strings.HasSuffix(string(text), "\n") {
			break
		}
		<-time.After(time.Millisecond)
	}
	if len(args) > 0 {
		return waitForEver()
	}
	return os.WriteFile(filepath.Join(os.Getenv("CONVERTD_OUTPUT"), "stem.txt"), []byte("done\n"), 0o600)
}

// waitForEver is ended by a signal only.
func waitForEver() error {
	<-time.After(time.Hour)
	return nil
}

// survive ignores everything that can be ignored.
func survive([]string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	if err := os.WriteFile("survivor", []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return err
	}
	return waitForEver()
}

// fillMemory takes so many MiB and holds them.
func fillMemory(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	block := make([]byte, n<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	defer fmt.Println(block[0]) // keeps the block
	return waitForEver()
}

// makeFiles makes so many empty files in the current folder, then waits.
func makeFiles(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for i := range n {
		if err := os.WriteFile(strconv.Itoa(i), nil, 0o600); err != nil {
			return err
		}
	}
	return waitForEver()
}

// growFile writes so many MiB in files of one, then waits.
func growFile(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for i := range n {
		if err := os.WriteFile("part"+strconv.Itoa(i), make([]byte, 1<<20), 0o600); err != nil {
			return err
		}
	}
	return waitForEver()
}

// makeNoise prints so many MiB without any line end; with a second word as lines.
func makeNoise(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	block := []byte(strings.Repeat("x", 1<<20))
	if len(args) > 1 {
		block = []byte(strings.Repeat(strings.Repeat("y", 127)+"\n", 8<<10))
	}
	for range n {
		if _, err := os.Stdout.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// typeSlowly prints the words one by one, as a Go string writes them, each in a write of
// its own with a pause after it.
func typeSlowly(args []string) error {
	for _, word := range args {
		text, err := strconv.Unquote(`"` + word + `"`)
		if err != nil {
			return err
		}
		if _, err := os.Stdout.WriteString(text); err != nil {
			return err
		}
		<-time.After(300 * time.Millisecond)
	}
	return nil
}

// notify sends each word as a datagram to NOTIFY_SOCKET.
func notify(args []string) error {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, word := range args {
		if _, err := conn.Write([]byte(strings.ReplaceAll(word, `\n`, "\n"))); err != nil {
			return err
		}
		<-time.After(300 * time.Millisecond)
	}
	return nil
}

// layTraps leaves one good file and everything that must not be collected.
func layTraps(args []string) error {
	out := os.Getenv("CONVERTD_OUTPUT")
	at := func(name string) string { return filepath.Join(out, name) }
	steps := []func() error{
		func() error { return os.WriteFile(at("good.txt"), []byte("good\n"), 0o000) },
		func() error { return os.Symlink("/etc/passwd", at("link.txt")) },
		func() error { return os.Symlink(args[0], at("linked.txt")) },
		func() error { return os.Symlink("../../in", at("folder")) },
		func() error { return os.WriteFile(at("twice.txt"), []byte("two names\n"), 0o600) },
		func() error { return os.Link(at("twice.txt"), at("again.txt")) },
		func() error { return syscall.Mkfifo(at("pipe.txt"), 0o666) },
		func() error {
			l, err := net.Listen("unix", "socket")
			if err == nil {
				l.(*net.UnixListener).SetUnlinkOnClose(false)
				err = l.Close()
			}
			if err != nil {
				return err
			}
			return os.Rename("socket", at("socket.txt"))
		},
		func() error { return os.WriteFile(at("bad\nname.txt"), []byte("newline\n"), 0o600) },
		func() error { return os.WriteFile(at("\xff\xfe.txt"), []byte("not UTF-8\n"), 0o600) },
		func() error {
			return os.WriteFile(at("user\u202Etxt.exe.txt"), []byte("turned\n"), 0o4755)
		},
		func() error { return os.Mkdir(at("deep"), 0o700) },
		func() error { return os.WriteFile(at("deep/good.txt"), []byte("deep\n"), 0o600) },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("trap %d: %w", i, err)
		}
	}
	return nil
}

// listDescriptors prints what is open and what the process may do.
func listDescriptors([]string) error {
	// Go opens event descriptors and its processor limits for itself.
	for fd := range 64 {
		target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil || strings.HasPrefix(target, "anon_inode:") || strings.HasPrefix(target, "/sys/fs/cgroup/") {
			continue
		}
		fmt.Printf("fd %d %s\n", fd, strings.SplitN(target, ":", 2)[0])
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for _, line := range strings.Split(string(status), "\n") {
		for _, name := range []string{"Uid:", "Gid:", "Groups:", "NoNewPrivs:", "CapEff:"} {
			if strings.HasPrefix(line, name) {
				fmt.Println(strings.Join(strings.Fields(line), " "))
			}
		}
	}
	for name, what := range map[string]int{"core": syscall.RLIMIT_CORE, "fsize": syscall.RLIMIT_FSIZE} {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(what, &limit); err != nil {
			return err
		}
		fmt.Printf("%s %d %d\n", name, limit.Cur, limit.Max)
	}
	return nil
}
