package runner

import (
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"

	"convertd/runner/fault"
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

// fileSize is how large a file of the steps may become: as the recipe says, or as far as
// the disk has room beside its reserve, which the kernel then keeps however fast a program
// writes. In the second case roomBound is set.
func fileSize(spec Spec) (size int64, roomBound bool) {
	var st unix.Statfs_t
	if spec.Reserve == 0 || unix.Statfs(spec.Dir, &st) != nil {
		return spec.Limits.Disk, false
	}
	room := int64(st.Bavail)*st.Bsize - spec.Reserve
	return min(room, spec.Limits.Disk), room < spec.Limits.Disk
}

// fileTooLarge is for a program that wrote a file up to the limit.
func (a *attempt) fileTooLarge() *verdict {
	if a.roomBound {
		return a.noRoomVerdict("because the disk of the service had room for only " + bytesText(a.box.FileSize) + " more")
	}
	return &verdict{
		class:  fault.Disk,
		detail: "The conversion wrote more than it may: its limit is " + bytesText(a.spec.Limits.Disk) + ".",
		hint:   raiseHint("limits.disk", a.spec.Recipe, "a smaller file"),
	}
}

func (a *attempt) noRoomVerdict(why string) *verdict {
	return &verdict{
		class: fault.Disk, tool: true, detail: "The conversion could not go on, " + why + ".",
		hint: "Try again later; the administrator has to free disk space.",
	}
}

// hasLargeFile reports whether a file of the steps is as large as one may become: a program
// that does not die of that fails with words of its own.
func (a *attempt) hasLargeFile() bool {
	found := false
	// WalkDir returns only what the function returned: SkipAll or nothing.
	_ = filepath.WalkDir(a.work.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		info, err := entry.Info()
		if found = err == nil && info.Size() >= a.box.FileSize; found {
			return filepath.SkipAll
		}
		return nil
	})
	return found
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
