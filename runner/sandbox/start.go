package sandbox

import (
	"encoding/json"
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
		err = p.startInit(plan, ends, cmd.Files)
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

// startInit starts the init of the box, tells it the plan and hears how it went.
func (p *Process) startInit(plan *plan, ends files, more []*os.File) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make control connection: %w", err)
	}
	p.control = os.NewFile(uintptr(pair[0]), "control")
	p.PID, err = forkInit(plan, append(slices.Concat(ends[:3], []int{pair[1]}, ends[3:]), descriptorsOf(more)...))
	unix.Close(pair[1])
	if err != nil {
		return err
	}
	if err := json.NewEncoder(p.control).Encode(plan); err != nil {
		return fmt.Errorf("instruct the box: %w", err)
	}
	mail := &mailbox{from: p.control}
	p.reports = json.NewDecoder(mail)
	var r report
	err = p.reports.Decode(&r)
	p.Listener = mail.came
	if err != nil {
		return fmt.Errorf("the init of the box ended: %w", err)
	}
	return r.problem(plan)
}

// problem returns what kept the program from starting.
func (r report) problem(p *plan) error {
	switch {
	case r.Lack != "":
		return &lackError{r.Lack, errors.New(r.Why)}
	case r.Errno != 0:
		return fmt.Errorf("start %s: %s: %w", p.Path, r.Why, syscall.Errno(r.Errno))
	case r.Why != "":
		return fmt.Errorf("start %s: %s", p.Path, r.Why)
	}
	return nil
}

// forkInit starts the init in the namespaces of the box.
func forkInit(plan *plan, fds files) (int, error) {
	attr := &syscall.ProcAttr{
		Dir: "/", Env: []string{"GOMAXPROCS=2", "GOGC=off"}, Files: fds.descriptors(),
		Sys: &syscall.SysProcAttr{Setsid: true},
	}
	if plan.has(Namespaces) {
		attr.Sys.Cloneflags = namespaces
		if plan.Network == Shared {
			attr.Sys.Cloneflags &^= unix.CLONE_NEWNET
		}
		if uid := os.Geteuid(); uid != 0 {
			attr.Sys.Cloneflags |= unix.CLONE_NEWUSER
			attr.Sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
			gid := os.Getegid()
			attr.Sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
			attr.Sys.AmbientCaps = initCapabilities()
		}
	}
	pid, err := syscall.ForkExec(selfExe, []string{"convertd-runner", InitWord}, attr)
	if err != nil && attr.Sys.Cloneflags != 0 {
		return 0, &lackError{Namespaces, err}
	}
	if err != nil {
		return 0, fmt.Errorf("start the init of the box: %w", err)
	}
	return pid, nil
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
	var r report
	if err := p.reports.Decode(&r); err != nil || !r.Ended {
		return init
	}
	return endOf(syscall.WaitStatus(r.Status), syscall.Rusage{Maxrss: r.MaxRSS >> 10})
}
