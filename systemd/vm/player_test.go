//go:build vm

package vm

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// recipes are the recipes of the tests, without their names; their converter is this
// program, in one of its roles.
func recipes() map[string]string {
	player := func(role, rest string) string {
		return fmt.Sprintf("accept = []\ncommand = [%q, \"play\", %q, \"{output}\"%s]\n", playerPath, role, rest)
	}
	const kind = "\n[[param]]\nname = \"kind\"\ntype = \"string\"\n"
	const seconds = "\n[[param]]\nname = \"seconds\"\ntype = \"integer\"\nmin = 0\nmax = 1000\n"
	const visible = "\n[visible]\nanonymous = true\n"
	return map[string]string{
		"copy":   "accept = [\"text/plain\"]\ncommand = [\"cp\", \"{input}\", \"{output}/{stem}.txt\"]\n",
		"slow":   player("slow", ", \"{param.seconds}\"") + seconds + visible,
		"resume": player("resume", "") + visible,
		"hungry": player("hungry", ", \"{param.kind}\"") + kind + visible + "\n[limits]\nmemory = \"96MiB\"\ntime = \"2m\"\n",
		"forks":  player("forks", "") + visible + "\n[limits]\nprocesses = 32\ntime = \"30s\"\n",
		"disk":   player("disk", ", \"{param.kind}\"") + kind + visible + "\n[limits]\ndisk = \"32MiB\"\ntime = \"2m\"\n",
		"deaf":   player("deaf", "") + visible + "\n[limits]\ntime = \"5s\"\ngrace = \"2s\"\n",
		"daemon": player("daemon", "") + visible,
		"spin":   player("spin", "") + visible + "\n[limits]\ntime = \"20s\"\n",
	}
}

// play is the converter of a recipe: args are the folder of outputs, and more.
func play(role string, args []string) int {
	roles := map[string]func(out string, args []string) error{
		"slow": slow, "resume": resume, "hungry": hungry, "forks": forks, "disk": fillDisk, "deaf": deaf,
		"daemon": daemonise, "spin": spin,
	}
	if err := roles[role](args[0], args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func result(out, text string) error {
	return os.WriteFile(filepath.Join(out, "result.txt"), []byte(text), 0o600)
}

// slow takes some seconds and tells how far it is.
func slow(out string, args []string) error {
	seconds, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	bar := os.NewFile(3, "progress")
	for i := range seconds {
		_, _ = fmt.Fprintf(bar, "%d second %d\n", 100*i/seconds, i)
		<-time.After(time.Second)
	}
	return result(out, "took its time")
}

// resume works until it is asked to stop, leaves how often that was, and is done the
// second time it begins.
func resume(out string, _ []string) error {
	mark := filepath.Join(os.Getenv("CONVERTD_STATE"), "mark")
	if earlier, err := os.ReadFile(mark); err == nil {
		return result(out, "went on after "+string(earlier))
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	<-asked
	if err := os.WriteFile(mark, []byte("a safe stop"), 0o600); err != nil {
		return err
	}
	os.Exit(75)
	return nil
}

// hungry takes memory of one kind without end.
func hungry(_ string, args []string) error {
	const step = 4 << 20
	var kept [][]byte
	switch args[0] {
	case "heap":
		for {
			kept = append(kept, fill(make([]byte, step)))
		}
	case "locked":
		for {
			block := fill(make([]byte, step))
			_ = unix.Mlock(block)
			kept = append(kept, block)
		}
	case "memfd":
		fd, err := unix.MemfdCreate("hungry", 0)
		if err != nil {
			return err
		}
		return pour(os.NewFile(uintptr(fd), "memfd"))
	case "shm":
		f, err := os.Create("/dev/shm/hungry")
		if err != nil {
			return err
		}
		return pour(f)
	case "children":
		for range 4 {
			if err := exec.Command("/proc/self/exe", "play", "hungry", "", "heap").Start(); err != nil {
				return err
			}
		}
		rest()
	}
	return fmt.Errorf("no such food %q", args[0])
}

func fill(block []byte) []byte {
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	return block
}

// pour writes without end.
func pour(f *os.File) error {
	block := make([]byte, 1<<20)
	for {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
}

// forks starts processes, which do the same.
func forks(string, []string) error {
	for {
		_ = exec.Command("/proc/self/exe", "play", "forks", "").Start()
	}
}

// fillDisk writes one file without end, or files without number.
func fillDisk(out string, args []string) error {
	switch args[0] {
	case "bytes":
		f, err := os.Create(filepath.Join(out, "big"))
		if err != nil {
			return err
		}
		err = pour(f)
		<-time.After(10 * time.Second)
		return err
	case "files":
		block := make([]byte, 1<<20)
		for n := 0; ; n++ {
			if err := os.WriteFile(filepath.Join(out, strconv.Itoa(n)), block, 0o600); err != nil {
				return err
			}
		}
	case "log":
		noise := strings.Repeat("noise\n", 10_000)
		for range 50 {
			if _, err := io.WriteString(os.Stdout, noise); err != nil {
				return err
			}
		}
		return result(out, "said a lot")
	}
	return fmt.Errorf("no such kind %q", args[0])
}

func first(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// rest does nothing, for longer than any limit. An empty select would be a deadlock to the
// runtime, which ends the program.
func rest() { <-time.After(24 * time.Hour) }

// deaf hears no signal that it may refuse.
func deaf(string, []string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	rest()
	return nil
}

// daemonise leaves a process behind that has nothing to do with it any more.
func daemonise(out string, _ []string) error {
	orphan := exec.Command("/proc/self/exe", "play", "deaf", "")
	orphan.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return first(orphan.Start(), result(out, "left somebody"))
}

// spin takes all the time that the processors have.
func spin(string, []string) error {
	for range 8 {
		go func() {
			for {
			}
		}()
	}
	select {}
}
