package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// plan is what the init of a box is told, as JSON on its control connection.
type plan struct {
	Path string   `json:"path"`
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
	Dir  string   `json:"dir"`
	UID  int      `json:"uid,omitempty"`
	GID  int      `json:"gid,omitempty"`
	Home string   `json:"home,omitempty"`
	// Processes is RLIMIT_NPROC, set inside a user namespace, which counts for itself.
	Processes int `json:"processes,omitempty"`
	// Base is a folder that may be covered while the root is put together.
	Base string `json:"base"`
	// Read and Write are what is granted beyond the system; Tmp is what /tmp is.
	Read  []bind `json:"read,omitempty"`
	Write []bind `json:"write,omitempty"`
	Tmp   string `json:"tmp"`
	Lacks Lacks  `json:"lacks,omitempty"`
	// Given is how many descriptors from givenAt on are the program's from 3 on.
	Given int `json:"given,omitempty"`
	Granted
}

// bind makes what lies at Source, a path without links, appear at Target.
type bind struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

func (p *plan) has(part Part) bool { return !p.Lacks.Has(part) }

// ErrAccess means that a path that is granted to the box cannot be: it is not there or
// would give away what no box may have.
var ErrAccess = errors.New("access cannot be granted")

// plan puts together what the init of the box needs to know.
func (c *Confinement) plan(path string, cmd Command) (*plan, error) {
	p := &plan{
		Path: path, Argv: cmd.Argv, Env: cmd.Env, Dir: cmd.Dir,
		UID: c.UID, GID: c.GID, Home: c.Home, Base: c.Base,
		Lacks: c.Lacks, Given: len(cmd.Files), Granted: c.Granted,
	}
	if cmd.Progress {
		p.Given++
	}
	if os.Geteuid() != 0 {
		p.Processes = c.Processes
	}
	var err error
	if p.Read, err = binds(c.Read); err != nil {
		return nil, err
	}
	if p.Write, err = binds(c.Write); err != nil {
		return nil, err
	}
	if filepath.IsAbs(path) && path != selfExe && !inSystem(path) {
		program, err := binds([]string{path})
		if err != nil {
			return nil, err
		}
		p.Read = append(p.Read, program...)
	}
	p.Read = append(p.Read, c.Extra...)
	if c.Granted.Network == Shared {
		p.Read = append(p.Read, lookupFiles()...)
	}
	p.Tmp, err = c.freshTmp()
	return p, err
}

// Bind returns a mapping of one path to another for Confinement.Extra.
func Bind(source, target string) bind { return bind{Source: source, Target: target} }

// binds resolves the links on the way to what is granted. A link that is granted is
// granted with what it names, at both places.
func binds(paths []string) ([]bind, error) {
	var all []bind
	for _, path := range paths {
		path = filepath.Clean(path)
		if !filepath.IsAbs(path) || path == "/" {
			return nil, fmt.Errorf("%w: %s is not an absolute path below the root", ErrAccess, path)
		}
		source, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAccess, err)
		}
		all = append(all, bind{Source: source, Target: path})
	}
	return all, nil
}

// freshTmp makes the folder that /tmp is, in the work folder so that it counts there.
// Nobody of the box is alive yet or knows its name.
func (c *Confinement) freshTmp() (string, error) {
	dir, err := os.MkdirTemp(c.Base, "tmp.")
	if err != nil {
		return "", fmt.Errorf("make /tmp of the box: %w", err)
	}
	if c.UID != 0 {
		err = os.Lchown(dir, c.UID, c.GID)
	}
	return dir, err
}

// inSystem reports whether every box sees the path.
func inSystem(path string) bool {
	for _, dir := range []string{"/usr/", "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"} {
		if strings.HasPrefix(path, dir) {
			return true
		}
	}
	return false
}
