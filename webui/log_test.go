package webui

import (
	"os"
	"path/filepath"
	"testing"

	"convertd/runner/spool"
)

// A status that is older than what was told already does not have it told again.
func TestLogFollowerNeverGoesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := spool.Job{Dir: dir, ID: filepath.Base(dir)}
	for attempt, text := range map[int]string{1: "one\n", 2: "two\n"} {
		if err := os.WriteFile(folder.Log(attempt), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := followLog(folder, 2, "1:4")
	defer f.close()
	f.turnTo(1)
	if text := f.next(); string(text) != "two\n" || f.id() != "2:4" {
		t.Errorf("after attempt 1: %q, now at %s", text, f.id())
	}
	f.turnTo(1)
	if text := f.next(); len(text) > 0 || f.id() != "2:4" {
		t.Errorf("told again: %q, now at %s", text, f.id())
	}
}
