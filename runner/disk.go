package runner

import (
	"errors"

	"golang.org/x/sys/unix"

	"convertd/runner/spool"
)

// diskWords says in a sentence what is wrong with a disk, if that is what an error tells.
func diskWords(err error) (words string, ill bool) {
	switch {
	case noRoom(err):
		return "The disk of the service is full.", true
	case errors.Is(err, unix.EIO), errors.Is(err, unix.EROFS):
		return "The disk of the service reports an error.", true
	}
	return "", false
}

func noRoom(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// makeRoom removes what the steps left, which nobody needs any more, but for the folder
// itself, which tells that the attempt began. What cannot be removed now is removed later.
func (a *attempt) makeRoom() {
	for _, dir := range []string{a.work.run, a.work.tmp, a.work.out, a.work.home, a.work.preview} {
		_ = spool.RemoveFolder(dir)
	}
}

// What is left of a disk that a program found full: less than it may have wanted at once.
const (
	leastBytes  = 256 << 10
	leastInodes = 4
)

// diskFull reports whether the disk on which the attempt works is full: then a program
// that failed is not at fault.
func (a *attempt) diskFull() bool {
	var st unix.Statfs_t
	if unix.Statfs(a.work.dir, &st) != nil {
		return false
	}
	return st.Blocks > 0 && int64(st.Bavail)*st.Bsize < leastBytes || st.Files > 0 && st.Ffree < leastInodes
}
