// Package spool owns the files of jobs on disk: where each lies, how one is written so
// that it survives a power cut, how names of people become harmless, how results are
// opened, and how a job's folder is removed.
//
// It does not own when any of that happens. It may import the standard library,
// golang.org/x/sys/unix and runner/fault.
package spool

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"path/filepath"
	"strconv"
)

// Spool is the directory of all job folders.
type Spool struct{ root string }

// New returns the spool beneath an absolute directory; it touches no disk.
func New(root string) Spool { return Spool{root: root} }

// Root returns the directory.
func (s Spool) Root() string { return s.root }

// Job returns the folder of a job: ROOT/ab/ID, ab being the first two characters.
func (s Spool) Job(id string) Job {
	return Job{Dir: filepath.Join(s.root, id[:2], id), ID: id}
}

// Uploads is where unfinished uploads lie, one file each.
func (s Spool) Uploads() string { return filepath.Join(s.root, "uploads") }

// Cache is what is kept between jobs (package cache has its layout).
func (s Spool) Cache() string { return filepath.Join(s.root, "cache") }

// Callbacks is where what services push lies, one small file for each attempt that takes
// it, made and removed by the runner of the attempt and written by the web process.
func (s Spool) Callbacks() string { return filepath.Join(s.root, "callbacks") }

// Callback is the file of a callback token. Its name is not the token, so that nobody
// learns one by looking.
func (s Spool) Callback(token string) string {
	sum := sha256.Sum256([]byte("callback file " + token))
	return filepath.Join(s.Callbacks(), hex.EncodeToString(sum[:]))
}

// CallbackToken returns the callback token of the attempt with this token: as hard to
// guess, and of no use to guess that one.
func CallbackToken(attempt string) string {
	sum := sha256.Sum256([]byte("callback token " + attempt))
	return base32.StdEncoding.EncodeToString(sum[:])[:tokenLength]
}

// tokenLength is that of crypto/rand.Text: 130 bits.
const tokenLength = 26

// Job is the folder of one job.
type Job struct{ Dir, ID string }

// In is the folder of inputs, written by the web process only.
func (j Job) In() string { return filepath.Join(j.Dir, "in") }

// State is the folder a step may keep things in from attempt to attempt.
func (j Job) State() string { return filepath.Join(j.Dir, "state") }

// Out is the folder of an attempt's collected outputs.
func (j Job) Out(attempt int) string { return j.numbered("out", attempt) }

// Preview is the folder of an attempt's previews.
func (j Job) Preview(attempt int) string { return j.numbered("preview", attempt) }

// Work is the folder an attempt works in; it is removed with its end.
func (j Job) Work(attempt int) string { return j.numbered("work", attempt) }

// Log is what the steps of an attempt printed: lines "RFC3339 STREAM TEXT".
func (j Job) Log(attempt int) string { return j.numbered("log", attempt) }

// LogTail is the end of a log whose middle was dropped.
func (j Job) LogTail(attempt int) string { return j.Log(attempt) + ".tail" }

// Progress is the history of an attempt's progress.
func (j Job) Progress(attempt int) string { return j.numbered("progress", attempt) }

// Lock is the file whose lock the child of an attempt holds.
func (j Job) Lock(attempt int) string { return j.numbered("lock", attempt) }

// Child is the note of which process runs an attempt.
func (j Job) Child(attempt int) string { return j.numbered("child", attempt) + ".json" }

// Outcome is what an attempt came to.
func (j Job) Outcome(attempt int) string { return j.numbered("outcome", attempt) + ".json" }

func (j Job) numbered(what string, attempt int) string {
	return filepath.Join(j.Dir, what+"."+strconv.Itoa(attempt))
}
