package runner

import (
	"path/filepath"

	"convertd/runner/spool"
)

// workspace is where things lie beneath the work folder of one attempt. The folder and
// everything in it belong to the user of the box, but for the sources.
type workspace struct {
	dir     string
	run     string // {work}: the current directory of every step, empty for the first
	out     string // {output}
	tmp     string // TMPDIR
	home    string // HOME
	preview string // CONVERTD_PREVIEW
	submit  string // CONVERTD_SUBMIT
	notify  string // NOTIFY_SOCKET
	cache   string // CONVERTD_CACHE of a job for which nothing is kept
	fetch   string // where an input is fetched to
	sources string // {source.NAME}; not the box's to write
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
		cache:   filepath.Join(dir, "cache"),
		fetch:   filepath.Join(dir, "fetch"),
		sources: filepath.Join(dir, "sources"),
	}
}
