package recipe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// SearchPath is where the programs of recipes are looked for, and the PATH that they
// run with. It does not depend on who started the daemon.
const SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lookAgain is how long an answer about installed programs holds: a program installed
// meanwhile is found without a reload, and a busy page does not stat for every visitor.
const lookAgain = time.Minute

// Availability says whether the programs of a recipe are there.
type Availability struct {
	// Missing are the programs that were not found; empty means all are there.
	Missing []string `json:"missing,omitempty"`
	// Remedy is what the administrator can do about it.
	Remedy string `json:"remedy,omitempty"`

	looked time.Time
}

// OK reports whether jobs of the recipe can run.
func (a Availability) OK() bool { return len(a.Missing) == 0 }

// Available says whether the programs of the recipe of that name are installed, looking
// at most once a minute.
func (s *Set) Available(name string) Availability {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.found[name]; ok && s.now().Sub(a.looked) < lookAgain {
		return a
	}
	r, _ := s.Find(name)
	a := r.look()
	a.looked = s.now()
	if s.found == nil {
		s.found = map[string]Availability{}
	}
	s.found[name] = a
	return a
}

// look searches all programs of the recipe.
func (r Recipe) look() Availability {
	var a Availability
	for _, program := range r.Programs() {
		if _, err := FindProgram(program); err != nil {
			a.Missing = append(a.Missing, program)
		}
	}
	switch {
	case len(a.Missing) == 0:
	case len(r.Needs.Packages) > 0:
		a.Remedy = "apt-get install " + strings.Join(r.Needs.Packages, " ")
	default:
		a.Remedy = fmt.Sprintf("Install %s, or name it by its full path in %s.", strings.Join(a.Missing, ", "), r.Source)
	}
	return a
}

// Programs returns the programs that a job of the recipe runs: what it declares to need,
// and the first word of each command and probe.
func (r Recipe) Programs() []string {
	programs := slices.Clone(r.Needs.Binaries)
	for _, s := range r.Steps {
		for _, argv := range [][]string{s.Probe, s.Command} {
			if len(argv) > 0 && !slices.Contains(programs, argv[0]) {
				programs = append(programs, argv[0])
			}
		}
	}
	return programs
}

// FindProgram returns the file of a program: an absolute path as it is, a name from
// SearchPath. The error says what is wrong with the nearest candidate and wraps
// os.ErrNotExist, os.ErrPermission or the error of the file system.
func FindProgram(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, executable(name)
	}
	if name == "" || strings.Contains(name, "/") {
		return "", fmt.Errorf("program %q is neither a name nor an absolute path: %w", name, os.ErrNotExist)
	}
	firstProblem := fmt.Errorf("program %q is in none of %s: %w", name, SearchPath, os.ErrNotExist)
	unusable := false
	for dir := range strings.SplitSeq(SearchPath, ":") {
		file := filepath.Join(dir, name)
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if !unusable && !errors.Is(err, os.ErrNotExist) {
			firstProblem, unusable = err, true
		}
	}
	return "", firstProblem
}

// executable returns nil for a regular file with an execute bit.
func executable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory: %w", file, os.ErrPermission)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: %w", file, os.ErrPermission)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s has no execute bit: %w", file, os.ErrPermission)
	}
	return nil
}
