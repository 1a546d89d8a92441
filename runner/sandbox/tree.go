package sandbox

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Descendants returns the processes that came of this one, parents before children.
// Orphans are among them, because this process is their subreaper.
func Descendants() []int { return descendantsOf(os.Getpid()) }

func descendantsOf(root int) []int {
	all, ok := children(root)
	if !ok {
		return scan(root)
	}
	for i := 0; i < len(all); i++ {
		more, _ := children(all[i])
		all = append(all, more...)
	}
	return all
}

// children reads the children of all threads of a process. It reports false where the
// kernel was built without these files (CONFIG_PROC_CHILDREN).
func children(pid int) (found []int, ok bool) {
	folder := "/proc/" + strconv.Itoa(pid) + "/task/"
	for _, thread := range names(folder) {
		text, err := os.ReadFile(folder + thread + "/children")
		if err != nil {
			continue
		}
		ok = true
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				found = append(found, child)
			}
		}
	}
	return found, ok
}

// scan finds the descendants by the parent that every process of the machine names.
func scan(root int) []int {
	byParent := map[int][]int{}
	for _, name := range names("/proc") {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if parent, ok := parentOf(pid); ok {
			byParent[parent] = append(byParent[parent], pid)
		}
	}
	all := append([]int(nil), byParent[root]...)
	for i := 0; i < len(all); i++ {
		all = append(all, byParent[all[i]]...)
	}
	return all
}

// parentOf reads the second field after the program's name in /proc/PID/stat; the name
// stands in parentheses and may contain any character.
func parentOf(pid int) (int, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(string(fields[1]))
	return parent, err == nil
}

// names lists a folder in any order; one that is gone is empty. Package os would ask first
// whether the folder can be waited for, which takes longer than reading it.
func names(folder string) []string {
	fd, err := unix.Open(folder, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var all []string
	var buffer [16 << 10]byte
	for {
		n, err := unix.ReadDirent(fd, buffer[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return all // what could be read before an error is still true
		}
		_, _, all = unix.ParseDirent(buffer[:n], -1, all)
	}
}
