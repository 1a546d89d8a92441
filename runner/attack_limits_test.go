package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
)

// limitRow is one hostile program that wants too much of something, and how it must end.
type limitRow struct {
	name   string
	limits recipe.Limits
	class  fault.Class
	// detail and hint are words of the sentences that tell the limit, its value and where
	// it is set.
	detail, hint string
}

// limitRows hold where the runner measures by itself as well as in a control group; the
// argument is what stands behind the last underscore.
func limitRows() []limitRow {
	memory := recipe.Limits{Memory: 96 << 20}
	disk := recipe.Limits{Disk: 16 << 20}
	slow := recipe.Limits{Time: time.Second}
	const inRecipe = " in the recipe example"
	row := func(name string, l recipe.Limits, class fault.Class, detail, key string) limitRow {
		hint := ""
		if key != "" {
			hint = key + inRecipe
		}
		return limitRow{name, l, class, detail, hint}
	}
	return []limitRow{
		row("E06_memory_heap", memory, fault.Memory, "of 96 MiB", "limits.memory"),
		row("E06_memory_mapped", memory, fault.Memory, "of 96 MiB", "limits.memory"),
		row("E06_memory_memfd", memory, fault.Memory, "of 96 MiB", "limits.memory"),
		row("E06_memory_shm", memory, fault.Memory, "of 96 MiB", "limits.memory"),
		row("E06_memory_locked", memory, fault.Memory, "of 96 MiB", "limits.memory"),
		row("E06_memory_many", memory, fault.Memory, "of 96 MiB", "limits.memory"),
		row("E06_disk_tmp", recipe.Limits{Memory: 96 << 20, Disk: 16 << 20}, fault.Disk, "16 MiB", "limits.disk"), // /tmp is on the disk
		row("E06_cache_cache", memory, fault.ConverterFailed, "left no result", ""),                               // what the kernel may forget is no bomb
		row("E07_disk_file", disk, fault.Disk, "16 MiB", "limits.disk"),
		row("E07_disk_output", disk, fault.Disk, "16 MiB", "limits.disk"),
		row("E07_disk_state", disk, fault.Disk, "16 MiB", "limits.disk"),
		row("E07_disk_inodes", disk, fault.Disk, "10000 files", "limits.disk"),
		row("E07_disk_folders", disk, fault.Disk, "16 MiB", "limits.disk"),
		row("E07_sparse_sparse", disk, fault.ConverterFailed, "empty file", ""), // it is not let grow
		row("E07_E14_outputs", recipe.Limits{Outputs: 100}, fault.ConverterFailed, "more than 100 files", "limits.outputs"),
		row("E07_log_log", slow, fault.Timeout, "time limit of 1s", "limits.time"),
		row("E08_processors_spin", slow, fault.Timeout, "time limit of 1s", "limits.time"),
		row("E09_time_long", slow, fault.Timeout, "time limit of 1s", "limits.time"),
		row("E09_time_deaf", slow, fault.Timeout, "time limit of 1s", "limits.time"),
		row("E09_time_stopped", slow, fault.Timeout, "time limit of 1s", "limits.time"),
		row("E09_time_blocked", slow, fault.Timeout, "time limit of 1s", "limits.time"),
		row("E09_forking_forking", slow, fault.ConverterFailed, "left no result", ""), // who goes on after the end is ended
	}
}

func TestAttack_limits(t *testing.T) {
	t.Parallel()
	for _, row := range limitRows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t)
			tr.input("1.txt", "victim.txt", "content")
			words := strings.Split(row.name, "_")
			tr.spec.Steps = []runner.Step{bad(words[0], words[len(words)-1])}
			tr.spec.Limits.Memory, tr.spec.Limits.Disk, tr.spec.Limits.Log = row.limits.Memory, row.limits.Disk, 1<<20
			tr.spec.Limits.Outputs = row.limits.Outputs
			if row.limits.Time > 0 {
				tr.spec.Limits.Time = row.limits.Time
			}
			o := tr.run()
			if o.Class != row.class || !strings.Contains(o.Detail, row.detail) || !strings.Contains(o.Hint, row.hint) {
				t.Errorf("outcome is %s %q %q, want %s %q %q\n%.3000s", o.Class, o.Detail, o.Hint, row.class, row.detail, row.hint, tr.log())
			}
			if strings.Contains(tr.log(), "BREACH") {
				t.Errorf("log:\n%.3000s", tr.log())
			}
			if row.class == fault.Memory && o.Usage.PeakMemoryBytes < row.limits.Memory {
				t.Errorf("peak of memory is %d", o.Usage.PeakMemoryBytes)
			}
			for _, path := range []string{tr.job.Log(1), tr.job.LogTail(1)} {
				if info, err := os.Stat(path); err == nil && info.Size() > 1<<20 {
					t.Errorf("%s has %d bytes", path, info.Size())
				}
			}
			tr.nothingLeft()
			if err := os.RemoveAll(tr.job.Dir); err != nil {
				t.Errorf("the folder of the job cannot be removed: %v", err)
			}
		})
	}
}

func TestAttack_E15_the_output_folder_is_exchanged_meanwhile(t *testing.T) {
	t.Parallel()
	for range 5 {
		tr := newTrial(t)
		tr.input("1.txt", "victim.txt", "content")
		other := filepath.Join(otherJob(t, tr), "in")
		tr.spec.Outputs = []recipe.Output{{Match: "*.txt", Min: 1}}
		tr.spec.Steps = []runner.Step{bad("E15", other)}
		o := tr.run()
		// It may have taken its own result away; nothing else may come of it.
		if o.Class != fault.Succeeded && o.Class != fault.ConverterFailed || strings.Contains(tr.log(), "BREACH") {
			t.Fatalf("outcome is %s %q\n%s", o.Class, o.Detail, tr.log())
		}
		for _, out := range o.Outputs {
			if text := contents(t, filepath.Join(tr.job.Out(1), out.File)); text != "good" {
				t.Errorf("collected %q as %s", text, out.Name)
			}
		}
		if text := contents(t, filepath.Join(other, "1.txt")); text != "secret" {
			t.Errorf("the other job's file is %q", text)
		}
		tr.nothingLeft()
	}
}

func TestAttack_E18_odd_ends(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, how string
		class     fault.Class
		detail    string
	}{
		{"E18_good_without_output", "0", fault.ConverterFailed, "left no *.txt"},
		{"E18_good_with_empty_output", "0 empty", fault.ConverterFailed, "empty file"},
		{"E18_good", "0 with", fault.Succeeded, ""},
		{"E18_bad_with_output", "1 with", fault.ConverterFailed, "exit status 1"},
		{"E18_255", "255 with", fault.ConverterFailed, "exit status 255"},
		{"E18_SIGSEGV", "SIGSEGV with", fault.ConverterFailed, "crashed (SIGSEGV)"},
		{"E18_SIGXCPU", "SIGXCPU with", fault.ConverterFailed, "crashed (SIGXCPU)"},
		{"E18_SIGXFSZ", "SIGXFSZ with", fault.Disk, "limit"},
		{"E18_SIGKILL", "SIGKILL with", fault.Killed, "SIGKILL"},
		{"E18_SIGTERM", "SIGTERM with", fault.Killed, "SIGTERM"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t, bad("E18", row.how))
			tr.input("1.txt", "victim.txt", "content")
			tr.spec.Outputs = []recipe.Output{{Match: "*.txt", Min: 1}}
			o := tr.run()
			if o.Class != row.class || !strings.Contains(o.Detail, row.detail) {
				t.Errorf("outcome is %s %q, want %s %q", o.Class, o.Detail, row.class, row.detail)
			}
			if entries, err := os.ReadDir(tr.job.Out(1)); o.Class != fault.Succeeded && err == nil && len(entries) > 0 {
				t.Errorf("results of a failure are kept: %v", entries)
			}
		})
	}
}
