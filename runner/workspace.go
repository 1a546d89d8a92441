package runner

import (
	"path/filepath"

	"convertd/runner/spool"
)

// workspace is where things lie beneath the work folder of one attempt. The folder and
// everything in it belong to the user of the box.
type workspace struct {
	dir     string
	run     string // {work}: the current directory of every step, empty for the first
	out     string // {output}
	tmp     string // TMPDIR
	home    string // HOME
	preview string // CONVERTD_PREVIEW
	submit  string // CONVERTD_SUBMIT
	notify  string // NOTIFY_SOCKET
}

func workspaceOf(job spool.Job, attempt int) workspace {
	dir := job.Work(attempt)
	return workspace{
		dir:     dir,
		run:     filepath.Join(dir, "run"),
		out:     filepath.Join(dir, "out"),
		tmp:     filepath.Join(dir, "tmp"),
		home:    filepath.Join(dir, "home"),
		preview: filepath.Join(dir, "preview"),
		submit:  filepath.Join(dir, "submit"),
		notify:  filepath.Join(dir, "notify"),
	}
}
