package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// plan is what a box is to be, and what runs in it.
type plan struct {
	Path string
	Argv []string
	Env  []string
	Dir  string
	UID  int
	GID  int
	Home string
	// Processes is RLIMIT_NPROC, set inside a user namespace, which counts for itself.
	Processes int
	// Memory is the size of /dev/shm; 0 means half of the machine's memory.
	Memory int64
	// Base is a folder that may be covered while the root is put together.
	Base string
	// Read and Write are what is granted beyond the system; Tmp is what /tmp is.
	Read  []bind
	Write []bind
	Tmp   string
	Lacks Lacks
	Granted
}

// bind makes what lies at Source, a path without links, appear at Target.
type bind struct {
	Source string
	Target string
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
		Lacks: c.Lacks, Granted: c.Granted, Memory: c.Memory,
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

// freshTmp returns the folder that /tmp is, in the work folder so that it counts there. The
// first program of the attempt gets Tmp. Later ones get a new one, because the box may have
// put anything in the place of that; nobody is alive then or knows the new one's name.
func (c *Confinement) freshTmp() (string, error) {
	if dir := c.Tmp; dir != "" {
		c.Tmp = ""
		return dir, nil
	}
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
