package sandbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are those of every box. The one of users comes on top for everybody but root,
// who has users to give away.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS |
	unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP

// Start runs the command in a box. The caller reads the streams of the Process to their
// ends and closes them, and calls Reap. A part of the box that the machine does not give is
// left out and noted in Lacks, unless Require says that it must not be.
func (c *Confinement) Start(cmd Command) (*Process, error) {
	if c.Require && len(c.Lacks) > 0 {
		return nil, &IncompleteError{c.Lacks[0]}
	}
	if err := c.grantable(); err != nil {
		return nil, err
	}
	path, err := lookPath(cmd.Argv[0], cmd.Env)
	if err != nil {
		return nil, err
	}
	for {
		p, err := c.try(path, cmd)
		var lack *lackError
		if err == nil || !errors.As(err, &lack) {
			return p, err
		}
		missing := Lack{Part: lack.part, Why: lack.err.Error()}
		if c.Require {
			return nil, &IncompleteError{missing}
		}
		if c.Lacks.Has(lack.part) {
			return nil, err
		}
		c.Lacks = append(slices.Clip(c.Lacks), missing)
		if err := c.grantable(); err != nil {
			return nil, err
		}
	}
}

// try starts the program with what the box can be made of as far as it is known.
func (c *Confinement) try(path string, cmd Command) (*Process, error) {
	plan, err := c.plan(path, cmd)
	if err != nil {
		return nil, err
	}
	p := &Process{}
	ends, err := p.open(cmd)
	if err == nil {
		err = c.giveStreams(ends)
	}
	if err == nil {
		err = p.startInit(plan, append(slices.Clip(ends), descriptorsOf(cmd.Files)...))
		ends.close()
	}
	if err != nil {
		p.Close()
		p.abandon()
		return nil, err
	}
	return p, nil
}

// giveStreams lets the user of the box open its streams again by name (/dev/stdout).
func (c *Confinement) giveStreams(ends files) error {
	if c.UID == 0 {
		return nil
	}
	for _, fd := range ends[1:] {
		if err := unix.Fchown(fd, c.UID, c.GID); err != nil {
			return fmt.Errorf("hand over streams: %w", err)
		}
	}
	return nil
}

// startInit forks the init of the box and hears how it went.
func (p *Process) startInit(plan *plan, given files) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make control connection: %w", err)
	}
	p.control = os.NewFile(uintptr(pair[0]), "control")
	s, err := p.forkInit(plan, given, pair[1])
	unix.Close(pair[1])
	if err != nil {
		return err
	}
	r, err := p.hear()
	if err != nil {
		return fmt.Errorf("the init of the box ended: %w", err)
	}
	return r.problem(plan, s)
}

// problem returns what kept the program from starting.
func (r report) problem(p *plan, s *script) error {
	if r.kind == reportStarted {
		return nil
	}
	n, err := s.problem(int(r.value), syscall.Errno(r.extra))
	if n.part != "" {
		return &lackError{n.part, err}
	}
	return fmt.Errorf("start %s: %w", p.Path, err)
}

// forkInit makes the init in the namespaces of the box.
func (p *Process) forkInit(plan *plan, given files, control int) (*script, error) {
	var flags uintptr
	var held *gate
	if plan.has(Namespaces) {
		flags = namespaces
	}
	if plan.Network == Shared {
		flags &^= unix.CLONE_NEWNET
	}
	if flags != 0 && os.Geteuid() != 0 {
		flags |= unix.CLONE_NEWUSER
		var err error
		if held, err = newGate(); err != nil {
			return nil, err
		}
		defer held.close()
	}
	s, err := plan.write(given, held, control)
	if err != nil {
		return nil, fmt.Errorf("plan the box: %w", err)
	}
	p.PID, err = s.fork(flags)
	if err == nil && held != nil {
		err = held.open(p.PID)
	}
	if err != nil && flags != 0 {
		return nil, &lackError{Namespaces, err}
	}
	if err != nil {
		return nil, fmt.Errorf("start the init of the box: %w", err)
	}
	return s, nil
}

// abandon ends and reaps an init that could not start its program.
func (p *Process) abandon() {
	p.forget()
	if p.PID == 0 {
		return
	}
	_ = syscall.Kill(p.PID, syscall.SIGKILL)
	for {
		if _, err := syscall.Wait4(p.PID, nil, 0, nil); err != syscall.EINTR {
			return
		}
	}
}

// Discard ends a box whose program is not wanted any more, before Reap.
func (p *Process) Discard() {
	p.Close()
	p.abandon()
}

// forget closes what is only between us and the init of the box.
func (p *Process) forget() {
	for _, f := range []*os.File{p.control, p.Listener} {
		if f != nil {
			f.Close()
		}
	}
}

// verdict is how the program ended, as far as its init could tell before it ended itself.
func (p *Process) verdict(init End) End {
	defer p.control.Close()
	if r, err := p.hear(); err == nil && r.kind == reportEnded {
		return r.asEnd()
	}
	return init
}
