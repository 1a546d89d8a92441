package runner_test

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// piece is how much a hostile program takes at once, with a breath after it, so that a
// measurement that is taken five times a second is not too late by much.
const piece = 4 << 20

// takeMemory takes memory of the kind that is named, without an end.
func takeMemory(a *attacker) {
	kinds := map[string]func(){
		"heap": takeHeap, "shm": func() { writeWithoutEnd("/dev/shm/fill") }, "memfd": writeMemfd, "mapped": mapShared,
		"locked": lockMemory, "tmp": func() { writeWithoutEnd("/tmp/fill") }, "cache": readAgain, "many": takeInMany,
	}
	kinds[a.args[0]]()
	a.try("more memory", unix.ENOMEM) // it was refused, and nothing ended us
	if a.args[0] != "cache" {
		waitToBeEnded()
	}
}

func breath() { <-time.After(5 * time.Millisecond) }

func takeHeap() {
	var all [][]byte
	for {
		block := make([]byte, piece)
		for i := 0; i < piece; i += 4096 {
			block[i] = 1
		}
		all = append(all, block)
		breath()
		runtime.KeepAlive(all)
	}
}

// writeWithoutEnd fills a file until it is refused.
func writeWithoutEnd(path string) {
	f, err := os.Create(path)
	if err != nil {
		fmt.Println("BREACH of the contract:", err)
		return
	}
	for err == nil {
		_, err = f.Write(make([]byte, piece))
		breath()
	}
}

func writeMemfd() {
	fd, err := unix.MemfdCreate("fill", 0)
	for err == nil {
		_, err = unix.Write(fd, make([]byte, piece))
		breath()
	}
}

// mapShared maps memory that no file shows.
func mapShared() {
	for {
		block, err := unix.Mmap(-1, 0, piece, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
		if err != nil {
			return
		}
		block[0] = 1
		breath()
	}
}

func lockMemory() {
	_ = syscall.Setrlimit(unix.RLIMIT_MEMLOCK, &syscall.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
	_ = unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE)
	takeHeap()
}

// readAgain makes the kernel remember a file, which it forgets when it must.
func readAgain() {
	for i := range 4 {
		name := "part" + strconv.Itoa(i)
		_ = os.WriteFile(name, make([]byte, piece), 0o600)
		_, _ = os.ReadFile(name)
	}
}

// takeInMany lets processes of a session of their own take a little each.
func takeInMany() {
	self, _ := os.Executable()
	for range 20 {
		if _, err := syscall.ForkExec(self, []string{self, "tool", "memory", "20"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{Setsid: true}}); err != nil {
			return
		}
		breath()
	}
	for { // a Go program that waits for nothing ends
		breath()
	}
}

// fillDisk writes to the disk in the way that is named.
func fillDisk(a *attacker) {
	out := os.Getenv("CONVERTD_OUTPUT")
	switch a.args[0] {
	case "file":
		writeWithoutEnd("fill")
	case "output":
		writeWithoutEnd(filepath.Join(out, "fill.txt"))
	case "state":
		writeWithoutEnd(filepath.Join(os.Getenv("CONVERTD_STATE"), "fill"))
	case "inodes":
		for i := 0; os.WriteFile(strconv.Itoa(i), nil, 0o600) == nil; i++ {
		}
	case "outputs":
		for i := range 5000 {
			_ = os.WriteFile(filepath.Join(out, strconv.Itoa(i)+".txt"), []byte("x"), 0o600)
		}
		return
	case "folders":
		for i := 0; os.Mkdir(strconv.Itoa(i), 0o700) == nil; i++ {
		}
	case "log":
		for line := strings.Repeat("x", 1<<20); ; {
			fmt.Println(line)
		}
	case "sparse":
		f, err := os.Create(filepath.Join(out, "sparse.txt"))
		if err == nil {
			err = f.Truncate(1 << 40)
		}
		a.try("a file of a terabyte", err)
		return
	}
	waitToBeEnded()
}

// waitToBeEnded is ended by a signal only.
func waitToBeEnded() { <-time.After(time.Hour) }

// spin takes all processors, as important as it can make itself.
func spin(a *attacker) {
	a.try("real time", unix.SchedSetAttr(0, &unix.SchedAttr{Size: 48, Policy: unix.SCHED_FIFO, Priority: 50}, 0))
	a.try("nice -20", syscall.Setpriority(syscall.PRIO_PROCESS, 0, -20))
	for range runtime.NumCPU() {
		go func() {
			for {
				runtime.Gosched()
			}
		}()
	}
	waitToBeEnded()
}

// runForEver does not go in the way that is named.
func runForEver(a *attacker) {
	fmt.Println("refused to end")
	switch a.args[0] {
	case "deaf":
		for n := syscall.Signal(1); n < 65; n++ {
			signal.Ignore(n)
		}
	case "stopped":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "blocked":
		runtime.LockOSThread()
		set := unix.Sigset_t{}
		for i := range set.Val {
			set.Val[i] = ^uint64(0)
		}
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &set, nil)
	case "forking":
		for {
			self, _ := os.Executable()
			if pid, err := syscall.ForkExec(self, []string{self, "tool", "E09", "forking"}, nil); err == nil && pid > 0 {
				os.Exit(0) // its child goes on
			}
		}
	}
	waitToBeEnded()
}

// exchangeOutput exchanges the output folder for a link again and again, and leaves a
// process that goes on with it while results are collected.
func exchangeOutput(a *attacker) {
	out := os.Getenv("CONVERTD_OUTPUT")
	if len(a.args) > 1 {
		for {
			_ = os.Rename(out, out+".real")
			_ = os.Symlink(a.args[0], out)
			_ = os.Remove(out)
			_ = os.Rename(out+".real", out)
			_ = os.Remove(filepath.Join(out, "good.txt"))
			_ = os.Symlink(filepath.Join(a.args[0], "1.txt"), filepath.Join(out, "good.txt"))
			_ = os.Remove(filepath.Join(out, "good.txt"))
			_ = os.WriteFile(filepath.Join(out, "good.txt"), []byte("good"), 0o600)
		}
	}
	_ = os.WriteFile(filepath.Join(out, "good.txt"), []byte("good"), 0o600)
	self, _ := os.Executable()
	_, err := syscall.ForkExec(self, []string{self, "tool", "E15", a.args[0], "go on"}, &syscall.ProcAttr{Env: os.Environ(), Sys: &syscall.SysProcAttr{Setsid: true}})
	if err != nil {
		fmt.Println("BREACH of the test:", err)
	}
	<-time.After(100 * time.Millisecond)
	fmt.Println("refused nothing yet")
}

// endOddly ends in the way that is named.
func endOddly(a *attacker) {
	out := os.Getenv("CONVERTD_OUTPUT")
	how, result, _ := strings.Cut(a.args[0], " ")
	switch result {
	case "with":
		_ = os.WriteFile(filepath.Join(out, "a.txt"), []byte("x"), 0o600)
	case "empty":
		_ = os.WriteFile(filepath.Join(out, "a.txt"), nil, 0o600)
	}
	if code, err := strconv.Atoi(how); err == nil {
		os.Exit(code)
	}
	// A shell, because a Go program has ideas of its own about signals.
	err := syscall.Exec("/bin/sh", []string{"sh", "-c", "kill -" + strings.TrimPrefix(how, "SIG") + " $$; sleep 60"}, os.Environ())
	fmt.Println("BREACH of the test:", err)
}
