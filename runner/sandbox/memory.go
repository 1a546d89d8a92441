package sandbox

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Memory returns the memory of all descendants in bytes: their proportional set sizes,
// which count a page shared by several once, and what they wrote to memory files without
// mapping it. Where the sizes cannot be read it counts resident pages that are not shared
// with a file.
func Memory() int64 {
	var all held
	for _, pid := range Descendants() {
		all.add("/proc/" + strconv.Itoa(pid))
	}
	// What is mapped of memory files is among the set sizes; it counts once.
	return all.private + max(all.mapped, all.files)
}

// held is the memory of several processes.
type held struct {
	private, mapped, files int64
	// seen are the memory files and the /dev/shm that were counted.
	seen map[inode]bool
}

// inode is one file of the machine; that of a file system's root stands for the whole.
type inode struct{ device, number uint64 }

func (h *held) add(folder string) {
	if whole, shared, ok := proportional(folder); ok {
		h.private += whole - shared
		h.mapped += shared
	} else {
		h.private += resident(folder)
	}
	h.addShm(folder + "/root/dev/shm")
	for _, fd := range names(folder + "/fd") {
		path := folder + "/fd/" + fd
		if target, err := os.Readlink(path); err == nil && strings.HasPrefix(target, "/memfd:") {
			h.addFile(path)
		}
	}
}

// addFile counts a file once, by its blocks.
func (h *held) addFile(path string) {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) == nil && h.isNew(inode{uint64(st.Dev), st.Ino}) {
		h.files += st.Blocks * 512
	}
}

// addShm counts what lies in the /dev/shm of a box; that of the machine is of others too.
func (h *held) addShm(path string) {
	var st, own syscall.Stat_t
	var fs unix.Statfs_t
	if syscall.Stat(path, &st) != nil || syscall.Stat("/dev/shm", &own) == nil && own.Dev == st.Dev {
		return
	}
	if unix.Statfs(path, &fs) == nil && fs.Type == unix.TMPFS_MAGIC && h.isNew(inode{uint64(st.Dev), st.Ino}) {
		h.files += int64(fs.Blocks-fs.Bfree) * fs.Bsize
	}
}

func (h *held) isNew(file inode) bool {
	if h.seen[file] {
		return false
	}
	if h.seen == nil {
		h.seen = map[inode]bool{}
	}
	h.seen[file] = true
	return true
}

// proportional reads the proportional set size of a process, and how much of it are
// pages of memory files.
func proportional(folder string) (whole, shared int64, ok bool) {
	text, err := os.ReadFile(folder + "/smaps_rollup")
	if err != nil {
		return 0, 0, false
	}
	for line := range bytes.Lines(text) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		number, _, _ := strings.Cut(strings.TrimSpace(string(rest)), " ")
		kib, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil:
		case string(name) == "Pss":
			whole, ok = kib<<10, true
		case string(name) == "Pss_Shmem":
			shared = kib << 10
		}
	}
	return whole, shared, ok
}

// resident reads the second and third number of statm: resident and shared pages.
func resident(folder string) int64 {
	text, err := os.ReadFile(folder + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return 0
	}
	all, _ := strconv.ParseInt(fields[1], 10, 64)
	shared, _ := strconv.ParseInt(fields[2], 10, 64)
	return max(0, all-shared) * int64(os.Getpagesize())
}
