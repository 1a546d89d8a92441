package chaos

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// program is a process of the service that is started again whenever it ends.
type program struct {
	name string
	// command gives arguments and environment of the next start.
	command func() (argv, environ []string)
	log     *os.File
	// places are where it may be killed, nil for what has none.
	places *places
	random *rand.Rand

	mu      sync.Mutex
	process *os.Process
	// argv are those of the process that runs.
	argv []string
	over chan struct{}
	gone chan struct{}
	once sync.Once
}

// keepRunning starts a program and goes on starting it.
func (w *world) keepRunning(name string, stream uint64, command func() (argv, environ []string)) *program {
	w.t.Helper()
	log, err := os.OpenFile(w.path("log", name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	w.must(err)
	p := &program{name: name, command: command, log: log, random: w.stream(stream), over: make(chan struct{}), gone: make(chan struct{})}
	go p.supervise()
	return p
}

func (p *program) supervise() {
	defer close(p.gone)
	defer p.log.Close()
	for {
		if cmd := p.start(); cmd != nil {
			_ = cmd.Wait()
		}
		select {
		case <-p.over:
			return
		case <-time.After(time.Duration(p.random.IntN(300)) * time.Millisecond):
		}
	}
}

// start starts it once, unless it is over.
func (p *program) start() *exec.Cmd {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.over:
		return nil
	default:
	}
	argv, environ := p.command()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		_, _ = p.log.WriteString("not started: " + err.Error() + "\n")
		return nil
	}
	p.process, p.argv = cmd.Process, argv
	return cmd
}

// signal sends a signal to the process that runs; os.Process knows one that has ended.
func (p *program) signal(sig syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process != nil && p.process.Signal(sig) == nil
}

// pid is the process that runs, 0 before the first.
func (p *program) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return 0
	}
	return p.process.Pid
}

// arguments are those of the process that runs.
func (p *program) arguments() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.argv
}

// finish lets the program end as an administrator does, and returns when it has.
func (p *program) finish() {
	p.once.Do(func() { close(p.over) })
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	<-p.gone
}

// end ends it at once.
func (p *program) end() {
	p.once.Do(func() { close(p.over) })
	p.signal(syscall.SIGKILL)
	<-p.gone
}
