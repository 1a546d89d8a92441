package load

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"convertd/runner/recipe"
)

// checkProgram reports a program that can never be run, or that anybody could replace.
// One that is not there at all is no error of the recipe: it may be installed later.
func checkProgram(t *table, key, program string) {
	if len(recipe.Placeholders(program)) > 0 {
		return // reported with the other words
	}
	if program == "" {
		t.wrong(key, "names no program.", "Write its name or full path as the first word.")
		return
	}
	if !filepath.IsAbs(program) && strings.Contains(program, "/") {
		t.wrong(key, fmt.Sprintf("names the program %q relative to a folder that changes with every job.", program), "Write its full path.")
		return
	}
	file, err := recipe.FindProgram(program)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		t.wrong(key, fmt.Sprintf("names a program that cannot be run: %v.", err), "Name a file with an execute bit.")
	case worldWritable(file):
		t.wrong(key, fmt.Sprintf("names %s, which everybody on this machine can change.", file), "Run: chmod o-w "+file)
	}
}

// worldWritable looks through symbolic links at the file that would run, and at the
// folder that it lies in.
func worldWritable(file string) bool {
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return false
	}
	info, err := os.Stat(target)
	if err != nil {
		return false
	}
	dir, err := os.Stat(filepath.Dir(target))
	open := err == nil && dir.Mode().Perm()&0o002 != 0 && dir.Mode()&fs.ModeSticky == 0
	return info.Mode().Perm()&0o002 != 0 || open
}

// aboutMachine warns of what a recipe of the administrator's own asks of this machine and
// it has not got: programs, without which jobs are refused, and memory.
func aboutMachine(file string, text []byte, r recipe.Recipe) []recipe.Problem {
	s := &source{file: file, lines: linesOf(string(text)), recipe: r.Name}
	for i, step := range r.Steps {
		if len(step.Probe) > 0 {
			s.missing(fmt.Sprintf("step.%d.probe", i), "probe", step.Probe[0], r.Needs.Packages)
		}
		if len(step.Command) > 0 {
			s.missing(fmt.Sprintf("step.%d.command", i), "command", step.Command[0], r.Needs.Packages)
		}
	}
	for _, program := range r.Needs.Binaries {
		if !slices.ContainsFunc(s.problems, func(p recipe.Problem) bool { return strings.Contains(p.Message, fmt.Sprintf("%q", program)) }) {
			s.missing("needs.binaries", "needs", program, r.Needs.Packages)
		}
	}
	s.aboutAccess(r.Access)
	if ram := machineMemory(); ram > 0 && r.Limits.Memory > ram {
		s.warn("limits.memory", fmt.Sprintf("memory is %s, more than this machine has (%s).", FormatSize(r.Limits.Memory), FormatSize(ram)),
			"A job can end for want of memory before it reaches its limit.")
	}
	slices.SortStableFunc(s.problems, func(a, b recipe.Problem) int { return a.Line - b.Line })
	return s.problems
}

func (s *source) missing(path, short, program string, packages []string) {
	if _, err := recipe.FindProgram(program); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if _, ok := s.lines[path]; !ok {
		path = short // a recipe without [[step]]
	}
	remedy := "Install it; until then nobody can use this recipe."
	if len(packages) > 0 {
		remedy = "Run: apt-get install " + strings.Join(packages, " ")
	}
	s.warn(path, fmt.Sprintf("The program %q is not installed.", program), remedy)
}

// warn reports a problem that does not switch the recipe off.
func (s *source) warn(path, message, remedy string) {
	s.problem(path, message, remedy)
	s.problems[len(s.problems)-1].Warning = true
}

// machineMemory returns the bytes of memory of this machine, 0 when unknown.
func machineMemory() int64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(uint64(info.Totalram) * uint64(info.Unit))
}
