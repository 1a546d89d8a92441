package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"convertd/systemd"
)

// restartDelay is the pause before a service that ended by itself is started again.
const restartDelay = time.Second

// service is one child process of `up`, in a process group of its own, so that Ctrl-C
// reaches `up` alone and the order of stopping is ours.
type service struct {
	name string
	argv []string
	env  []string
	// user, when not nil, is who it runs as.
	user *syscall.Credential
	// stop is the signal that ends it; patience how long it may take.
	stop     syscall.Signal
	patience time.Duration
	// notify makes the service report its readiness through sd_notify; without it
	// ready is asked until it says yes.
	notify bool
	ready  func() bool
	// gone, when not nil, removes what the service leaves behind when it stopped.
	gone func() error

	run    string // the folder for the note of its process and its notification socket
	log    *slog.Logger
	stderr io.Writer

	// process is the one that runs now or ran last.
	process  atomic.Pointer[os.Process]
	ended    chan struct{}
	quit     context.CancelFunc
	readyNow chan readiness // the first one
}

// readiness is what a service says of itself when it is ready.
type readiness struct {
	// address is where the web process listens, signIn a code to sign in with.
	address, signIn string
}

// start begins supervision and waits for the service's first readiness.
func (s *service) start(ctx context.Context) (readiness, error) {
	life, quit := context.WithCancel(context.WithoutCancel(ctx))
	s.quit, s.ended, s.readyNow = quit, make(chan struct{}), make(chan readiness, 1)
	first := make(chan error, 1)
	go s.supervise(life, first)
	select {
	case ready := <-s.readyNow:
		return ready, nil
	case err := <-first:
		return readiness{}, err
	case <-ctx.Done():
		return readiness{}, ctx.Err()
	}
}

// halt ends the service and waits until it is gone.
func (s *service) halt() {
	s.quit()
	<-s.ended
	if s.gone == nil {
		return
	}
	if err := s.gone(); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("left behind", "service", s.name, "error", err)
	}
}

// reload has a service that is a sub-command of this program read its files anew.
func (s *service) reload() {
	if err := s.process.Load().Signal(syscall.SIGHUP); err != nil {
		s.log.Warn("not reloaded", "service", s.name, "error", err)
	}
}

// supervise starts the service again whenever it ends by itself. A service that ends
// before it was ready once is a failure to start and is told, not repeated.
func (s *service) supervise(life context.Context, first chan<- error) {
	defer close(s.ended)
	wasReady := false
	for {
		up, err := s.once(life)
		wasReady = wasReady || up
		if life.Err() != nil {
			return
		}
		if !wasReady {
			first <- fmt.Errorf("start %s: %w", s.name, err)
			return
		}
		s.log.Warn("service ended and is started again", "service", s.name, "cause", err)
		select {
		case <-time.After(restartDelay):
		case <-life.Done():
			return
		}
	}
}

// once runs the service until it ends, and reports whether it got ready.
func (s *service) once(life context.Context) (wasReady bool, err error) {
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = s.stderr, s.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.user}
	said := make(chan readiness, 1)
	if s.notify {
		inbox, err := systemd.Listen(s.socket())
		if err != nil {
			return false, err
		}
		defer inbox.Close()
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+s.socket())
		go hear(inbox, said)
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	s.note(cmd.Process.Pid)
	s.process.Store(cmd.Process)
	defer os.Remove(s.noteFile())
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	if !s.notify {
		go s.ask(life, said)
	}
	return s.watch(life, cmd, gone, said)
}

func (s *service) watch(life context.Context, cmd *exec.Cmd, gone <-chan error, said <-chan readiness) (wasReady bool, err error) {
	for {
		select {
		case ready := <-said:
			wasReady = true
			select {
			case s.readyNow <- ready:
			default:
			}
		case err := <-gone:
			if err == nil {
				err = fmt.Errorf("%s ended", s.name)
			}
			return wasReady, err
		case <-life.Done():
			return wasReady, s.end(cmd, gone)
		}
	}
}

// end stops the process: its stop signal, patience, then the kill of its group.
func (s *service) end(cmd *exec.Cmd, gone <-chan error) error {
	_ = cmd.Process.Signal(s.stop)
	select {
	case err := <-gone:
		return err
	case <-time.After(s.patience):
		s.log.Warn("service did not stop in time and is killed", "service", s.name, "patience", s.patience)
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return <-gone
	}
}

// hear passes on the first readiness a service reports, and takes what it says later so
// that saying it never blocks the service.
func hear(inbox *systemd.Inbox, said chan<- readiness) {
	ready := false
	for {
		message, err := inbox.Receive()
		if err != nil {
			return
		}
		if message["READY"] == "1" && !ready {
			said <- readiness{address: message["X_CONVERTD_ADDRESS"], signIn: message["X_CONVERTD_SIGN_IN"]}
			ready = true
		}
	}
}

// ask polls a service that cannot report by itself.
func (s *service) ask(life context.Context, said chan<- readiness) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !s.ready() {
		select {
		case <-tick.C:
		case <-life.Done():
			return
		}
	}
	said <- readiness{}
}

func (s *service) socket() string   { return filepath.Join(s.run, s.name+".notify") }
func (s *service) noteFile() string { return filepath.Join(s.run, s.name+".json") }
