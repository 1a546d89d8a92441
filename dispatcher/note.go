package dispatcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"convertd/dispatcher/process"
	"convertd/runner"
	"convertd/runner/fault"
	"convertd/runner/recipe"
	"convertd/runner/spool"
)

// note is child.N.json: which process runs an attempt and where it is held. It is on
// disk before the child is told what to do.
type note struct {
	process.Name
	BootID string `json:"boot_id"`
	// Cgroup is the folder of the version 2 group, "" when there is none.
	Cgroup string `json:"cgroup"`
	// Seat is the box number.
	Seat int `json:"seat"`
	// Units are the numbers of the resources that were granted.
	Units map[string][]int `json:"units,omitempty"`
	// Began is the time of the start on CLOCK_MONOTONIC, which limits are counted on.
	Began time.Duration `json:"began_monotonic_ns"`
	Token string        `json:"token"`
	// RecipeVersion is the one that the child was told to run.
	RecipeVersion string `json:"recipe_version,omitempty"`
	// Limits are those the child was told.
	Limits recipe.Limits `json:"limits"`
}

func writeNote(dir spool.Job, attempt int, n note) error {
	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("write note of child: %w", err)
	}
	if err := writeDurably(dir.Child(attempt), b); err != nil {
		return fmt.Errorf("write note of child: %w", err)
	}
	return nil
}

// readNote returns the note of an attempt; os.ErrNotExist when no child was told
// anything.
func readNote(dir spool.Job, attempt int, token string) (note, error) {
	b, err := os.ReadFile(dir.Child(attempt))
	if err != nil {
		return note{}, err
	}
	var n note
	if err := json.Unmarshal(b, &n); err != nil {
		return note{}, fmt.Errorf("read %s: %w", dir.Child(attempt), err)
	}
	if n.Token != token {
		return note{}, fmt.Errorf("note of another attempt: %w", os.ErrNotExist)
	}
	return n, nil
}

// writeDurably puts a file in place such that after a power cut it is there as a whole
// or not at all, and there if this returned.
func writeDurably(path string, b []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// maxOutcome bounds what is read of an outcome file: thousands of outputs fit.
const maxOutcome = 16 << 20

// readOutcome returns what the child wrote about exactly this attempt; os.ErrNotExist
// when it wrote nothing, or something that is not about it.
func readOutcome(dir spool.Job, attempt int, token string) (runner.Outcome, error) {
	path := dir.Outcome(attempt)
	info, err := os.Lstat(path)
	if err != nil {
		return runner.Outcome{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxOutcome {
		return runner.Outcome{}, fmt.Errorf("outcome %s is not a file of ours: %w", path, os.ErrNotExist)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return runner.Outcome{}, err
	}
	var o runner.Outcome
	if err := json.Unmarshal(b, &o); err != nil {
		return runner.Outcome{}, fmt.Errorf("outcome %s: %w: %w", path, err, os.ErrNotExist)
	}
	if o.Job != dir.ID || o.Attempt != attempt || o.Token != token || !(o.Requeue || known(o.Class)) {
		return runner.Outcome{}, fmt.Errorf("outcome %s is about another attempt: %w", path, os.ErrNotExist)
	}
	return o, nil
}

func known(class fault.Class) bool {
	for _, c := range fault.Classes() {
		if c == class {
			return true
		}
	}
	return false
}
