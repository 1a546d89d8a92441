package runner

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// writeOutcome writes the outcome file so that it is there whole or not at all, also
// after a power cut: temporary name, fsync, rename, fsync of the folder.
func writeOutcome(path string, o Outcome, who owner) error {
	document, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	err = fill(f, document, who)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	return nil
}

func fill(f *os.File, document []byte, who owner) error {
	if _, err := f.Write(document); err != nil {
		return err
	}
	if err := who.give(f, 0o640); err != nil {
		return err
	}
	return f.Sync()
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
