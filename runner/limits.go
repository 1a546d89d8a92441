package runner

import (
	"strconv"
	"strings"
	"time"

	"convertd/runner/fault"
	"convertd/runner/sandbox"
)

// inodeShare is how many bytes of the disk limit stand for one inode: a recipe may fill
// its disk limit with files of this size and no smaller ones.
const (
	inodeShare = 4 << 10
	minInodes  = 10_000
)

// meter measures what an attempt uses while it runs. A measurement that takes long makes
// the next one wait, so that measuring takes a twentieth of the time at most.
type meter struct {
	a         *attempt
	next      time.Time
	peak      int64
	diskLimit sandbox.Disk
}

func (a *attempt) newMeter() meter {
	disk := a.spec.Limits.Disk
	return meter{a: a, diskLimit: sandbox.Disk{Bytes: disk, Inodes: max(minInodes, disk/inodeShare)}}
}

// note remembers a size of memory that was seen.
func (m *meter) note(memory int64) { m.peak = max(m.peak, memory) }

// measure looks at memory and disk and returns what is exceeded, nil when nothing is.
func (m *meter) measure() *verdict {
	started := time.Now()
	if started.Before(m.next) {
		return nil
	}
	bad := m.overMemory()
	if bad == nil {
		bad = m.overDisk()
	}
	m.next = started.Add(max(measureInterval-tickInterval/2, 20*time.Since(started)))
	return bad
}

func (m *meter) overMemory() *verdict {
	limits := m.a.spec.Limits
	if m.a.spec.Box.MemoryHeld {
		return nil
	}
	used := sandbox.Memory()
	m.note(used)
	if used <= limits.Memory {
		return nil
	}
	return &verdict{
		class: fault.Memory,
		detail: "The conversion needed more memory than it may use: " + bytesText(used) +
			" of " + bytesText(limits.Memory) + ".",
		hint: raiseHint("limits.memory", m.a.spec.Recipe, "a smaller file"),
	}
}

// overDisk is also asked at the end of each step, so that no step is too quick for it.
func (m *meter) overDisk() *verdict {
	a := m.a
	attempt := a.spec.Attempt
	if bad := m.overCache(); bad != nil {
		return bad
	}
	used := sandbox.Measure(m.diskLimit,
		a.work.dir, a.job.State(), a.job.Log(attempt), a.job.LogTail(attempt))
	if !used.Over(m.diskLimit) {
		return nil
	}
	what := bytesText(a.spec.Limits.Disk)
	if used.Bytes <= m.diskLimit.Bytes {
		what = strconv.FormatInt(m.diskLimit.Inodes, 10) + " files"
	}
	return &verdict{
		class:  fault.Disk,
		detail: "The conversion wrote more than it may: its limit is " + what + ".",
		hint:   raiseHint("limits.disk", a.spec.Recipe, "a smaller file"),
	}
}

// overCache bounds what a job adds to the folder that is kept: the limit of the folder is
// only put in force at the end.
func (m *meter) overCache() *verdict {
	kept := m.a.spec.Cache
	if kept.Dir == "" {
		return nil
	}
	limit := sandbox.Disk{Bytes: kept.Size + m.diskLimit.Bytes, Inodes: max(minInodes, kept.Size/inodeShare) + m.diskLimit.Inodes}
	if used := sandbox.Measure(limit, kept.Dir); !used.Over(limit) {
		return nil
	}
	return &verdict{
		class:  fault.Disk,
		detail: "The conversion wrote more into its cache than it may: the cache holds " + bytesText(kept.Size) + ", and a job may write " + bytesText(m.a.spec.Limits.Disk) + ".",
		hint:   raiseHint("cache.size", m.a.spec.Recipe, "a smaller file"),
	}
}

// timeoutVerdict is for an attempt that ran into its time limit.
func (a *attempt) timeoutVerdict() *verdict {
	return &verdict{
		class:  fault.Timeout,
		detail: "The conversion took longer than its time limit of " + timeText(a.spec.Limits.Time) + ".",
		hint:   raiseHint("limits.time", a.spec.Recipe, "a smaller file"),
	}
}

// raiseHint says where a limit is changed.
func raiseHint(key, recipe, instead string) string {
	return "The administrator can raise " + key + " in the recipe " + recipe + "; otherwise try " + instead + "."
}

// timeText writes a duration as recipes do: "1h30m", not "1h30m0s".
func timeText(d time.Duration) string {
	text := d.String()
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}

// bytesText writes a size for people in binary units.
func bytesText(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	size, unit := float64(n), 0
	for size >= 1024 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	precision := 1
	if unit == 0 || size == float64(int64(size)) {
		precision = 0
	}
	return strconv.FormatFloat(size, 'f', precision, 64) + " " + units[unit]
}
