package webui_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"convertd/runner/syscalltest"
)

// step is a call of an upload by which the spool changes: its name, and the path without
// what differs from job to job.
type step struct{ call, path string }

// steps watches a process and tells which step of an upload a call is.
type steps struct {
	mu   sync.Mutex
	root string
	seen []step
	// ill is what becomes of a step.
	ill func(step) syscalltest.Verdict
}

func (s *steps) judge(c syscalltest.Call) syscalltest.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest, ours := strings.CutPrefix(c.Path, s.root)
	if !ours {
		return syscalltest.Verdict{}
	}
	made := step{c.Name, withoutIDs(rest)}
	s.seen = append(s.seen, made)
	if s.ill == nil {
		return syscalltest.Verdict{}
	}
	return s.ill(made)
}

// withoutIDs puts ID and ab for the id of a job and its first letters.
func withoutIDs(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		id, suffix, _ := strings.Cut(part, ".")
		switch {
		case len(id) == 26 && suffix != "":
			parts[i] = "ID." + suffix
		case len(id) == 26:
			parts[i] = "ID"
		case len(part) == 2 && part != "in":
			parts[i] = "ab"
		}
	}
	return strings.Join(parts, "/")
}

func (s *steps) become(ill func(step) syscalltest.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ill, s.seen = ill, nil
}

// took returns the steps of what happened since become, each once.
func (s *steps) took() (all []step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := map[step]bool{}
	for _, one := range s.seen {
		if !known[one] {
			known[one] = true
			all = append(all, one)
		}
	}
	return all
}

// stepsOfAnUpload are those of one that goes well, as a process makes them. The first one
// makes folders that later ones find, so the second is looked at.
func stepsOfAnUpload(t *testing.T, s *steps, p *alone) (took []step) {
	t.Helper()
	for range uploadsBefore {
		s.become(nil)
		if status, body := p.tried("hello"); status != http.StatusAccepted {
			t.Fatalf("%d %s", status, body)
		}
		took = s.took()
	}
	if len(took) < 12 {
		t.Fatalf("an upload took only the steps %v", took)
	}
	return took
}

// uploadsBefore is how many uploads stepsOfAnUpload makes.
const uploadsBefore = 2

// unlocks reports the end of a lock, which says nothing about the disk.
func (s step) unlocks() bool { return s.afterCommit() || s == step{"close", "/uploads"} }

// afterCommit reports a step behind the commit: the note beside the files, and giving back
// the lock.
func (s step) afterCommit() bool {
	return s == step{"close", "/ab/ID"} || strings.HasSuffix(s.path, "/accepted.json")
}
