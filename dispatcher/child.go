package dispatcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"convertd/dispatcher/cgroup"
	"convertd/dispatcher/process"
	"convertd/runner"
	"convertd/runner/failpoint"
)

// child is the process of one attempt: one that we started, or one that a former
// dispatcher did.
type child struct {
	name process.Name
	// signal sends a signal to exactly this process.
	signal func(unix.Signal) error
	// done is closed when it has ended; state is then how, nil if it was not ours.
	done  chan struct{}
	state *os.ProcessState
	// words is what it wrote to its standard error, nil if it was not ours.
	words *os.File
}

// start brings an attempt to life in the order on which adoption relies: group, lock,
// process, note on disk, limits, Spec.
func (d *Dispatcher) start(ctx context.Context, a *attempt) error {
	if err := d.plan(a); err != nil {
		return err
	}
	if a.bye {
		a.spec.Farewell, a.spec.Limits.Time = true, farewellTime
		a.spec.Status = runner.Sink{}
	}
	d.declarations.keep(ctx, a)
	if err := d.openFolder(a); err != nil {
		return err
	}
	if a.group != nil {
		group, err := d.cgroups.Make(ctx, a.group.Name())
		if err != nil {
			return err
		}
		a.group = group
	}
	failpoint.Hit(failpoint.AfterCgroup)
	lock, err := lockFile(a.dir.Lock(a.row.Attempt))
	if err != nil {
		return err
	}
	defer lock.Close()
	failpoint.Hit(failpoint.AfterLock)
	spec, err := d.launch(a, lock)
	if err != nil {
		return err
	}
	defer spec.Close()
	failpoint.Hit(failpoint.AfterStart)
	return d.instruct(a, spec)
}

// openFolder makes sure of the job's folder, which becomes ours and which the steps' user
// must be able to pass through; a job without inputs has none yet.
func (d *Dispatcher) openFolder(a *attempt) error {
	if err := os.MkdirAll(a.dir.Dir, 0o751); err != nil {
		return fmt.Errorf("make folder of job: %w", err)
	}
	if err := d.opts.Spool.Own(a.row.ID); err != nil {
		return err
	}
	if a.spec.Box.UID == 0 {
		return nil
	}
	for _, dir := range []string{a.dir.Dir, filepath.Dir(a.dir.Dir), d.opts.Spool.Root()} {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("look at folder of job: %w", err)
		}
		if info.Mode().Perm()&0o001 != 0 {
			continue
		}
		if err := os.Chmod(dir, info.Mode()|0o001); err != nil {
			return fmt.Errorf("open folder of job for its steps: %w", err)
		}
	}
	return nil
}

// lockFile makes the lock of an attempt and takes it. The child inherits the open file
// and with it the lock, which is free when the last of both has closed it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make lock of attempt: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("take lock of attempt: %w", err), f.Close())
	}
	return f, nil
}

// launch starts the process and returns the pipe on which it waits for its Spec.
func (d *Dispatcher) launch(a *attempt, lock *os.File) (*os.File, error) {
	in, spec, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe for the child: %w", err)
	}
	defer in.Close()
	words, err := memoryFile("convertd-runner-stderr")
	if err != nil {
		return nil, errors.Join(err, spec.Close())
	}
	files := []*os.File{d.null, d.null, words, in, lock}
	if status := d.statusFor(a); status != nil {
		defer status.Close()
		files = append(files, status)
		a.spec.Status.FD = runner.StatusFD
	}
	if err := d.exec(a, files); err != nil {
		return nil, errors.Join(err, spec.Close(), words.Close())
	}
	a.child.words = words
	return spec, nil
}

func (d *Dispatcher) exec(a *attempt, files []*os.File) error {
	attr := &os.ProcAttr{
		Dir: "/", Env: []string{"GOMAXPROCS=1"}, Files: files,
		Sys: &syscall.SysProcAttr{Setsid: true},
	}
	p, err := d.startInGroup(a, attr)
	if err != nil {
		return fmt.Errorf("start child: %w", err)
	}
	a.began = time.Now()
	a.child = &child{
		signal: func(sig unix.Signal) error { return p.Signal(sig) },
		done:   make(chan struct{}),
	}
	// The start time is read before Wait can take the process away.
	name, err := process.NameOf(p.Pid)
	if err != nil {
		name = process.Name{PID: p.Pid}
	}
	a.child.name = name
	a.kin = kinOf(a, name)
	go func(c *child) {
		c.state, _ = p.Wait()
		d.children.forget(p.Pid)
		close(c.done)
	}(a.child)
	return nil
}

// startInGroup starts a child that is in its control groups from its first moment on.
func (d *Dispatcher) startInGroup(a *attempt, attr *os.ProcAttr) (p *os.Process, err error) {
	start := func() error {
		p, err = d.children.start(d.opts.Runner, attr)
		return err
	}
	if a.group == nil {
		err = start()
		return p, err
	}
	if a.held() {
		group, err := a.group.Open()
		if err != nil {
			return nil, fmt.Errorf("open control group: %w", err)
		}
		defer group.Close()
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, int(group.Fd())
	}
	err = a.group.Within(start)
	return p, err
}

// kinOf says how processes of an attempt are recognised where no group holds them.
func kinOf(a *attempt, root process.Name) process.Kin {
	return process.Kin{
		Root: root,
		Env:  []string{"CONVERTD_JOB=" + a.row.ID, fmt.Sprintf("CONVERTD_ATTEMPT=%d", a.row.Attempt)},
		Dir:  a.dir.Work(a.row.Attempt),
	}
}

// instruct notes the child on disk, bounds it and tells it what to do.
func (d *Dispatcher) instruct(a *attempt, spec *os.File) error {
	began, err := process.Monotonic()
	if err != nil {
		return err
	}
	n := note{Name: a.child.name, BootID: d.bootID, Seat: a.seat, Units: a.units, Began: began, Token: a.row.Token,
		RecipeVersion: a.recipe.Version, Limits: a.spec.Limits}
	if a.group != nil {
		n.Cgroup = a.group.Dir()
	}
	if err := writeNote(a.dir, a.row.Attempt, n); err != nil {
		return err
	}
	failpoint.Hit(failpoint.AfterNote)
	if a.group != nil {
		limits := cgroup.Limits{MemoryBytes: a.spec.Limits.Memory, Processes: processesOf(a.spec), CPUWeight: a.spec.Limits.CPUWeight}
		if err := a.group.Limit(limits); err != nil {
			return err
		}
	}
	failpoint.Hit(failpoint.BeforeSpec)
	if err := sendSpec(spec, a.spec); err != nil {
		return err
	}
	failpoint.Hit(failpoint.AfterSpec)
	return nil
}

// processesOf is how many processes the group of an attempt may hold.
func processesOf(s runner.Spec) int {
	n := s.Limits.Processes + ownProcesses
	if s.Box.Proxied() {
		n += runner.ProxyProcesses
	}
	return n
}

// ownProcesses is what the runner itself may take of a process limit: the kernel counts
// threads, and a Go program has some.
const ownProcesses = 16

func sendSpec(pipe *os.File, s runner.Spec) error {
	const patience = 30 * time.Second
	if err := pipe.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("send spec: %w", err)
	}
	if err := json.NewEncoder(pipe).Encode(s); err != nil {
		return fmt.Errorf("send spec: %w", err)
	}
	return nil
}

// statusFor is the connection that the child of an attempt writes its status to. A
// farewell is not to be seen.
func (d *Dispatcher) statusFor(a *attempt) *os.File {
	if a.bye {
		return nil
	}
	return d.dialStatus()
}

// dialStatus opens the connection that the child will write its status to; a memcached
// that is away costs nothing but the bar.
func (d *Dispatcher) dialStatus() *os.File {
	if d.opts.Status == nil {
		return nil
	}
	conn, err := d.opts.Status.Dial()
	if err != nil {
		return nil
	}
	defer conn.Close()
	if c, ok := conn.(interface{ File() (*os.File, error) }); ok {
		if f, err := c.File(); err == nil {
			return f
		}
	}
	return nil
}

var _ interface{ File() (*os.File, error) } = (*net.UnixConn)(nil)

// memoryFile is a file without a name: what a child writes there costs no disk and
// needs no reader, and is still there when both have ended.
func memoryFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// lastWords returns what the child wrote to its standard error, at most some lines.
func (c *child) lastWords() string {
	if c == nil || c.words == nil {
		return ""
	}
	b, err := io.ReadAll(io.NewSectionReader(c.words, 0, 4096))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(b), "?"))
}

func (c *child) close() {
	if c != nil && c.words != nil {
		c.words.Close()
	}
}
