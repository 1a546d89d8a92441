package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// acceptedFile lies in the folder of a job whose row was committed.
const acceptedFile = "accepted.json"

// Accepted is the note of what was asked for (MarkAccepted).
func (j Job) Accepted() string { return filepath.Join(j.Dir, acceptedFile) }

// MarkAccepted notes beside the files of a job what was asked for, once its row is
// committed. The row is the truth; the note is for the day on which a database is set back
// and knows less than the spool. It is not synced: it need not outlive this machine's own
// power cut, after which the row is there.
func (j Job) MarkAccepted(document []byte) error {
	if err := os.WriteFile(j.Accepted(), document, 0o600); err != nil {
		return fmt.Errorf("note an accepted job: %w", err)
	}
	return nil
}

// WasAccepted reports whether the job had a row once: it was noted, or an attempt has left
// something, which no job without a row has.
func (j Job) WasAccepted() bool {
	entries, err := os.ReadDir(j.Dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		name, number, numbered := strings.Cut(e.Name(), ".")
		if e.Name() == acceptedFile || numbered && name != "in" && number != "" && number[0] >= '1' && number[0] <= '9' {
			return true
		}
	}
	return false
}
