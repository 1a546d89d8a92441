package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// CPUSeconds returns the processor time of all descendants that were reaped, by us or
// by their own parents, and of this process.
func CPUSeconds() float64 {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_CHILDREN, syscall.RUSAGE_SELF} {
		var usage syscall.Rusage
		if err := syscall.Getrusage(who, &usage); err != nil {
			continue
		}
		sum += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return sum.Seconds()
}

// Disk is what folders and files take: blocks allocated in bytes, and inodes.
type Disk struct {
	Bytes  int64
	Inodes int64
}

// Measure adds up what lies at and beneath the paths without following links. It stops
// early once the sum is over the limit, so that a million files cost no more than it
// takes to see that they are too many. What vanishes meanwhile is not counted.
func Measure(limit Disk, paths ...string) Disk {
	var sum Disk
	for _, path := range paths {
		// WalkDir returns only what the function returned: SkipAll or nothing.
		_ = filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			sum.add(name)
			if sum.Over(limit) {
				return filepath.SkipAll
			}
			return nil
		})
	}
	return sum
}

func (d *Disk) add(path string) {
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	d.Inodes++
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		d.Bytes += stat.Blocks * 512
	}
}

// Over reports whether either count is over the limit's.
func (d Disk) Over(limit Disk) bool { return d.Bytes > limit.Bytes || d.Inodes > limit.Inodes }
